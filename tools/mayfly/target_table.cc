#include "tools/mayfly/target_table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "mayfly/base/clock.h"
#include "mayfly/storage/database_file.h"
#include "mayfly/storage/sqlite.h"
#include "tools/mayfly/table_columns.h"

namespace mayfly::cli {
namespace {

bool table_exists(SqliteConnection& connection, const std::string& table, SqliteError& error) {
  SqliteStatement statement;
  error = connection.prepare(
      "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 "
      "COLLATE NOCASE",
      statement);
  if (!error.ok()) return false;
  statement.bind(1, std::string_view(table));
  return statement.step(error);
}

}  // namespace

Status check_is_database(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  MAYFLY_RETURN_IF_ERROR(check_database_file(path));
  std::ifstream stream(path, std::ios::binary);
  std::array<char, kMagic.size()> head{};
  // An empty file is an empty database; what can't be read is told by SQLite.
  if (!stream.read(head.data(), head.size()) && stream.gcount() == 0) return {};
  if (std::string_view(head.data(), head.size()) == kMagic) return {};
  return {Code::kIo, fmt::format("{}: expected a SQLite database, found a file of another kind "
                                 "(or an encrypted one); it is left as it is. Name another file "
                                 "for the database, or move this one away",
                                 path)};
}

TableState state_of_table(const std::string& database, const std::string& table) {
  std::error_code failed;
  if (!std::filesystem::exists(database, failed)) {
    return failed ? TableState::kUnknown : TableState::kDatabaseGone;
  }
  SqliteConnection connection;
  if (!SqliteConnection::open(database, {.create = false}, connection).ok()) {
    return TableState::kUnknown;
  }
  SqliteError error;
  const bool there = table_exists(connection, table, error);
  const bool marked = error.ok() && table_exists(connection, "mayfly_offsets", error);
  if (!error.ok()) return TableState::kUnknown;
  if (!there) return TableState::kTableGone;
  return marked ? TableState::kThere : TableState::kPositionsGone;
}

Result<std::vector<std::string>> text_columns_of(const std::string& database,
                                                 const std::string& table, std::int64_t wait_ns) {
  SqliteConnection connection;
  std::vector<std::string> columns;
  // Without a database there is no table; one that can't be opened is told about by the engine.
  // Not for reading only: what a killed program left of a transaction must be rolled back first.
  if (!SqliteConnection::open(database, {.create = false}, connection).ok()) {
    return columns;
  }
  SqliteError error =
      connection.run(fmt::format("PRAGMA busy_timeout = {}", wait_ns / kMillisecond));
  TableColumns there;
  if (error.ok()) error = read_columns(connection, table, there);
  for (const TableColumn& column : there.columns) {
    if (column.affinity == ColumnAffinity::kText) columns.push_back(column.name);
  }
  // What is wrong with the file is told by the engine. A locked table, taken for one without text
  // columns, would be given other values.
  if (error.primary() == SQLITE_BUSY) {
    return to_status(error, "reading the columns of " + table + " in " + database);
  }
  return columns;
}

Result<bool> create_from_schema_file(const std::string& database, const std::string& table,
                                     const std::string& file, std::int64_t wait_ns) {
  MAYFLY_RETURN_IF_ERROR(check_is_database(database));
  errno = 0;
  std::ifstream stream(file);
  std::stringstream sql;
  if (!stream || !(sql << stream.rdbuf())) {
    const bool is_empty = stream && errno == 0;
    return Status(Code::kNoInput, fmt::format("--schema {}: {}", file,
                                              is_empty ? "expected CREATE TABLE, found nothing"
                                                       : std::strerror(errno)));
  }
  SqliteConnection connection;
  SqliteError error = SqliteConnection::open(database, {}, connection);
  if (!error.ok()) return to_status(error, "opening " + database);
  error = connection.run(
      fmt::format("PRAGMA busy_timeout = {}; PRAGMA page_size = 16384", wait_ns / kMillisecond));
  if (!error.ok()) return to_status(error, "opening " + database);
  const bool there = table_exists(connection, table, error);
  if (!error.ok()) return to_status(error, "reading " + database);
  if (there) return false;
  error = connection.run("BEGIN IMMEDIATE");
  if (!error.ok()) return to_status(error, "creating " + table + " in " + database);
  error = connection.run(sql.str());
  if (!error.ok()) {
    return Status(Code::kConfig, fmt::format("--schema {}: {}", file, error.message));
  }
  if (!table_exists(connection, table, error)) {
    return Status(
        Code::kConfig,
        fmt::format("--schema {}: expected CREATE TABLE {}, found SQL that doesn't make it", file,
                    quote_identifier(table)));
  }
  error = connection.run("COMMIT");
  if (!error.ok()) return to_status(error, "creating " + table + " in " + database);
  return true;
}

std::vector<std::string> latest_dead_letters(const std::string& database, int rows_max) {
  SqliteConnection connection;
  std::vector<std::string> lines;
  if (!SqliteConnection::open(database, {.create = false}, connection).ok()) {
    return lines;
  }
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT coalesce(source, ''), coalesce(line, 0), code, reason FROM (SELECT * FROM "
      "mayfly_dead_letters ORDER BY id DESC LIMIT ?1) ORDER BY id",
      statement);
  if (!error.ok()) return lines;
  statement.bind(1, std::int64_t{rows_max});
  while (statement.step(error)) {
    const std::int64_t line = statement.int64(1);
    lines.push_back(fmt::format("{}{}{}: {}", statement.text(0),
                                line > 0 ? fmt::format(":{}: ", line) : ": ", statement.text(2),
                                statement.text(3)));
  }
  return lines;
}

}  // namespace mayfly::cli
