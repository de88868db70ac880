#include "tests/cli/cli_fixture.h"

#include <doctest/doctest.h>
#include <simdjson.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/runfile.h"

namespace mayfly::testing {

std::string mayfly_path() {
  const char* path = std::getenv("MAYFLY");
  REQUIRE(path != nullptr);
  return runfile(path);
}

Outcome run_mayfly(std::vector<std::string> arguments, const ProgramOptions& options) {
  RunProgram program(mayfly_path(), std::move(arguments), options);
  const int status = program.wait();
  return {status, program.out(), program.err()};
}

JsonSummary parse_summary(const std::string& text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  simdjson::dom::object object;
  REQUIRE_MESSAGE(parser.parse(padded).get(object) == simdjson::SUCCESS, text);
  const auto integer = [&](const char* name) {
    std::int64_t value = 0;
    REQUIRE_MESSAGE(object[name].get(value) == simdjson::SUCCESS, name << " in " << text);
    return value;
  };
  const auto number = [&](const char* name) {
    double value = 0;
    REQUIRE_MESSAGE(object[name].get(value) == simdjson::SUCCESS, name << " in " << text);
    return value;
  };
  const auto string = [&](const char* name) {
    std::string_view value;
    REQUIRE_MESSAGE(object[name].get(value) == simdjson::SUCCESS, name << " in " << text);
    return std::string(value);
  };
  JsonSummary summary{.version = integer("version"),
                      .read = integer("rows_read"),
                      .written = integer("rows_written"),
                      .inserted = integer("rows_inserted"),
                      .updated = integer("rows_updated"),
                      .ignored = integer("rows_ignored"),
                      .rejected = integer("rows_rejected"),
                      .dropped = integer("rows_dropped"),
                      .bytes = integer("bytes_read"),
                      .exit_status = integer("exit_status"),
                      .seconds = number("seconds"),
                      .rows_per_second = number("rows_per_second"),
                      .table = string("table"),
                      .database = string("database"),
                      .sources = {},
                      .interrupted = false};
  REQUIRE(object["interrupted"].get(summary.interrupted) == simdjson::SUCCESS);
  simdjson::dom::array sources;
  REQUIRE(object["sources"].get(sources) == simdjson::SUCCESS);
  for (const simdjson::dom::element source : sources) {
    std::string_view file;
    std::int64_t from = 0;
    REQUIRE(source["file"].get(file) == simdjson::SUCCESS);
    REQUIRE(source["resumed_from"].get(from) == simdjson::SUCCESS);
    summary.sources.emplace_back(file, from);
  }
  // It adds up.
  CHECK(summary.read == summary.written + summary.ignored + summary.rejected + summary.dropped);
  CHECK(summary.written == summary.inserted + summary.updated);
  return summary;
}

std::string DatabaseAndFiles::file(const std::string& name, const std::string& text) const {
  const std::string path = folder + "/" + name;
  write_file(path, text);
  return path;
}

std::string numbered_csv(std::uint64_t rows) {
  std::string text = "id,name\n";
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",n" + number + "\n";
  }
  return text;
}

std::int64_t rows_so_far(const std::string& database, const std::string& table) {
  sqlite3* connection = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::int64_t rows = 0;
  if (sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK &&
      sqlite3_prepare_v2(connection, ("SELECT count(*) FROM " + table).c_str(), -1, &statement,
                         nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    rows = sqlite3_column_int64(statement, 0);
  }
  sqlite3_finalize(statement);
  sqlite3_close(connection);
  return rows;
}

void wait_for_rows(RunProgram& program, const std::string& database, const std::string& table,
                   std::int64_t rows) {
  // Another process's progress: there is nothing to wait on but its result.
  for (int i = 0; i < 12'000; ++i) {
    if (rows_so_far(database, table) >= rows) return;
    if (!program.running() && rows_so_far(database, table) < rows) {
      FAIL("mayfly ended with ", program.wait(), " before it wrote ", rows,
           " rows: ", program.err());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("expected ", rows, " rows in ", table, ", found ", rows_so_far(database, table));
}

}  // namespace mayfly::testing
