#include "mayfly/storage/stats/stats_reader.h"

#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "mayfly/storage/database_file.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {
namespace {

// A writer holds its lock for moments; where the log is, readers never wait.
constexpr const char* kBusyTimeout = "PRAGMA busy_timeout = 2000";

// Microseconds since 1970 of what timestamp.h writes; what isn't JSON is shown as a text.
constexpr std::string_view kRowsSql =
    "SELECT writer, at, strftime('%s', at) * 1000000 + CAST(substr(at, 21, 6) AS INTEGER), pid, "
    "CASE WHEN json_valid(json) THEN json ELSE json_quote(CAST(json AS TEXT)) END "
    "FROM mayfly_stats ORDER BY writer";
// The first of its columns that a table of somebody else's hasn't.
constexpr std::string_view kMissingSql =
    "SELECT column1 FROM (VALUES('writer'), ('at'), ('pid'), ('json')) WHERE column1 NOT IN "
    "(SELECT name FROM pragma_table_info('mayfly_stats')) LIMIT 1";
constexpr std::string_view kValuesSql =
    // Some versions quote names that have an underscore. Ours have no quote within.
    "SELECT replace(fullkey, '\"', ''), CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN "
    "'false' "
    "WHEN 'null' THEN 'null' ELSE atom END FROM json_tree(?1) "
    "WHERE type NOT IN ('object', 'array')";

bool is_running(std::int64_t pid) {
  if (pid <= 0 || pid > INT32_MAX) return false;
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

SqliteError read_values(SqliteConnection& connection, StoredStats& stats) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(kValuesSql, statement);
  if (!error.ok()) return error;
  statement.bind(1, stats.json);
  while (statement.step(error)) {
    std::string_view path = statement.text(0);
    if (path.starts_with("$")) path.remove_prefix(1);
    if (path.starts_with(".")) path.remove_prefix(1);
    stats.values.emplace_back(path, statement.text(1));
  }
  return error;
}

SqliteError read_rows(SqliteConnection& connection, std::int64_t now_us,
                      std::vector<StoredStats>& out) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(kRowsSql, statement);
  if (!error.ok()) return error;
  while (statement.step(error)) {
    StoredStats stats;
    stats.writer = statement.text(0);
    stats.at = statement.text(1);
    stats.age_us =
        statement.is_null(2) ? 0 : std::max<std::int64_t>(0, now_us - statement.int64(2));
    stats.pid = statement.int64(3);
    stats.is_running = is_running(stats.pid);
    stats.json = statement.text(4);
    error = read_values(connection, stats);
    if (!error.ok()) return error;
    out.push_back(std::move(stats));
  }
  return error;
}

Status no_stats(const std::string& database) {
  return {Code::kNoInput, database +
                              ": expected stats of a process that writes to it, found none; "
                              "mayfly run, mayfly ingest and HybridStorage store them"};
}

}  // namespace

Result<std::vector<StoredStats>> read_stats(const std::string& database, std::int64_t now_us) {
  std::error_code code;
  if (!std::filesystem::exists(database, code)) {
    return Status(Code::kNoInput, database + ": expected a database, found no such file");
  }
  if (const Status status = check_database_file(database); !status.ok()) {
    return Status(Code::kNoInput, status.message());
  }
  const std::string doing = "reading the stats of " + database;
  SqliteConnection connection;
  SqliteError error =
      SqliteConnection::open(database, {.create = false, .read_only = true}, connection);
  if (error.ok()) error = connection.run(kBusyTimeout);
  std::string table;
  if (error.ok()) {
    // Not a view, which may be without an end.
    error = connection.query_text(
        "SELECT name FROM sqlite_schema WHERE name = 'mayfly_stats' AND type = 'table'", table);
  }
  if (!error.ok()) {
    if (error.primary() != SQLITE_CANTOPEN && error.primary() != SQLITE_READONLY) {
      return to_status(error, doing);
    }
    return Status(Code::kNoInput, doing + ": " + error.message +
                                      "; expected a database that this user can read (one with a "
                                      "log also needs its folder to be writable)");
  }
  if (table.empty()) return no_stats(database);
  std::string missing;
  if (error = connection.query_text(std::string(kMissingSql), missing); !error.ok()) {
    return to_status(error, doing);
  }
  if (!missing.empty()) {
    return Status(Code::kConfig,
                  fmt::format("{}: expected the table mayfly_stats of a process that "
                              "writes, found one without the column {}; name "
                              "another database",
                              database, missing));
  }
  std::vector<StoredStats> rows;
  error = read_rows(connection, now_us, rows);
  if (!error.ok()) return to_status(error, doing);
  if (rows.empty()) return no_stats(database);
  return rows;
}

}  // namespace mayfly
