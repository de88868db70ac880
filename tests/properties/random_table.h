// RandomTable: a table, and how it is to be written, as rapidcheck makes them.
//
// Everything that a format may have trouble with is in it; what a format can't say isn't: see
// random_table.cc. Plain values; one thread.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

namespace mayfly::testing {

// NULL, an integer, a double, or text.
using Cell = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

struct RandomColumn {
  std::string name;
  std::string type;  // as SQLite declares it; empty: each value keeps its own
};

// How a table is written. What write_tables.py makes of each is said there.
enum class Writer { kCsv, kTsv, kQuotedTsv, kEscapedTsv, kNdjson, kJson };

struct RandomTable {
  Writer writer = Writer::kCsv;
  std::vector<RandomColumn> columns;
  std::vector<std::vector<Cell>> rows;
  char delimiter = ',';
  char quote = '"';
  std::string line_end = "\n";
  std::string encoding = "utf-8";  // as Python calls it
  std::string quoting = "minimal";
  std::string shape = "lines";
  bool ascii_only = false;
  std::string packing = "none";
  std::int64_t order = 0;  // of the members of objects

  // A line for write_tables.py.
  std::string request(const std::string& path) const;
  // What mayfly is told of the file.
  std::vector<std::string> options() const;
};

// As the request is, so that a case can be tried by hand.
std::ostream& operator<<(std::ostream& out, const RandomTable& table);

rc::Gen<RandomTable> random_table();

// As in a request.
std::string to_text(const Cell& cell);

// A NULL in CSV and TSV, where nothing else means one.
inline constexpr const char* kNullText = "\x01NULL";

}  // namespace mayfly::testing
