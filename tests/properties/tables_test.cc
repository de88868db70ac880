// Random tables, written by Python's csv and json and read by mayfly, are in the database as they
// were.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <memory>

#include "tests/cli/cli_fixture.h"
#include "tests/properties/property.h"
#include "tests/properties/random_table.h"
#include "tests/properties/table_writer.h"

namespace mayfly::testing {
namespace {

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// Made anew each time: a new file costs more than the rows.
class Connection {
 public:
  Connection() { REQUIRE(sqlite3_open(database_.path().c_str(), &db_) == SQLITE_OK); }
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::string& path() const { return database_.path(); }
  void run(const std::string& sql) {
    REQUIRE_MESSAGE(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sql,
                    ": ", sqlite3_errmsg(db_));
  }
  std::vector<std::vector<Cell>> rows(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    std::vector<std::vector<Cell>> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        rows.back().push_back(cell(statement, i));
      }
    }
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  static Cell cell(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER:
        return std::int64_t{sqlite3_column_int64(statement, column)};
      case SQLITE_FLOAT:
        return sqlite3_column_double(statement, column);
      case SQLITE_NULL:
        return nullptr;
      default: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        return bytes == nullptr ? std::string() : std::string(bytes, size);
      }
    }
  }

  Database database_{"tables"};
  sqlite3* db_ = nullptr;
};

// In a column that declares no type a number may come back as the other kind of the same number.
bool is_same(const Cell& found, const Cell& expected, const std::string& type) {
  if (found == expected) return true;
  const auto* integer = std::get_if<std::int64_t>(&expected);
  const auto* real = std::get_if<double>(&found);
  if (type.empty() && integer != nullptr && real != nullptr) {
    return std::abs(*real) <= 0x1p53 && static_cast<std::int64_t>(*real) == *integer;
  }
  return false;
}

// Empty: it is in the database as it was.
std::string difference(const RandomTable& table, TableWriter& writer, Connection& database,
                       const std::string& path) {
  writer.write(table, path);
  database.run(
      "DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS mayfly_dead_letters; "
      "DROP TABLE IF EXISTS mayfly_offsets; DROP TABLE IF EXISTS mayfly_offset_ranges");
  std::string sql;
  for (const RandomColumn& column : table.columns) {
    sql += (sql.empty() ? "" : ", ") + quoted(column.name) + " " + column.type;
  }
  database.run("CREATE TABLE t(" + sql + ")");
  std::vector<std::string> line = {"ingest", path, "--into", database.path(), "--table", "t"};
  for (const std::string& option : table.options()) line.push_back(option);
  const Outcome outcome = run_mayfly(line);

  std::string told = "options:";
  for (const std::string& option : table.options()) told += " " + option;
  told += "\nstatus " + std::to_string(outcome.status) + "\n" + outcome.err;
  if (outcome.status != 0) return told;
  const std::vector<std::vector<Cell>> found = database.rows("SELECT * FROM t ORDER BY rowid");
  if (found.size() != table.rows.size()) return told + std::to_string(found.size()) + " rows";
  for (std::size_t row = 0; row < found.size(); ++row) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (is_same(found[row][i], table.rows[row][i], table.columns[i].type)) continue;
      return told + "row " + std::to_string(row) + ", column " + std::to_string(i) + ": expected " +
             to_text(table.rows[row][i]) + ", found " + to_text(found[row][i]);
    }
  }
  return {};
}

}  // namespace

TEST_CASE("tables: what Python's csv and json write is in the database as it was") {
  TableWriter writer;
  Connection database;
  const std::string path = make_folder() + "/table";
  check_property("tables", 300, [&] {
    const RandomTable table = *random_table();
    if (table.rows.empty() && (table.writer == Writer::kNdjson || table.writer == Writer::kJson)) {
      return;  // without an object there are no columns
    }
    const std::string differs = difference(table, writer, database, path);
    if (!differs.empty()) RC_FAIL(differs);
  });
}

}  // namespace mayfly::testing
