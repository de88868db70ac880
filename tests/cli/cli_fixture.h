// What tests of the command line share: running mayfly, its JSON summary, sample files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/compressed.h"
#include "tests/support/database.h"
#include "tests/support/run_program.h"

namespace mayfly::testing {

// The program under test, from the runfiles.
std::string mayfly_path();

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};
Outcome run_mayfly(std::vector<std::string> arguments, const ProgramOptions& options = {});

// A database, and a folder for files that go into it.
struct DatabaseAndFiles {
  explicit DatabaseAndFiles(const std::string& name) : database(name), folder(make_folder()) {}

  // Writes it into the folder; its path.
  std::string file(const std::string& name, const std::string& text) const;

  Database database;
  std::string folder;
};

// The fields of `ingest --output json`; fails the test when it isn't the JSON that was promised.
struct JsonSummary {
  std::int64_t version, read, written, inserted, updated, ignored, rejected, dropped, bytes,
      exit_status;
  double seconds, rows_per_second;
  std::string table, database;
  std::vector<std::pair<std::string, std::int64_t>> sources;
  bool interrupted;
};
JsonSummary parse_summary(const std::string& text);

// "id,name\n0,n0\n...": `rows` rows.
std::string numbered_csv(std::uint64_t rows);

// Rows of a table that may not be there yet.
std::int64_t rows_so_far(const std::string& database, const std::string& table);
// Until the program has written so many rows; fails the test after a minute, or when it ends.
void wait_for_rows(RunProgram& program, const std::string& database, const std::string& table,
                   std::int64_t rows);

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace mayfly::testing
