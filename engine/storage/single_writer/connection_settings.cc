#include "mayfly/storage/single_writer/connection_settings.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

namespace mayfly {
namespace {

// SQLite counts the time in an int of milliseconds.
std::int64_t milliseconds(std::int64_t ns) {
  return std::clamp<std::int64_t>((ns + kMillisecond - 1) / kMillisecond, 0, INT32_MAX);
}

std::string settings(const SingleWriterOptions& options, ConnectionUse use) {
  std::string sql = fmt::format("PRAGMA foreign_keys = {};", options.foreign_keys ? "ON" : "OFF");
  if (options.busy_timeout_ns > 0) {
    sql += fmt::format("PRAGMA busy_timeout = {};", milliseconds(options.busy_timeout_ns));
  }
  if (options.cache_bytes > 0) {
    sql += fmt::format("PRAGMA cache_size = -{};",
                       std::max<std::int64_t>(1, options.cache_bytes / 1024));
  }
  sql += fmt::format("PRAGMA mmap_size = {};", options.mmap_bytes);
  if (use == ConnectionUse::kRead) return sql + "PRAGMA query_only = ON";
  return sql + fmt::format("PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = 0",
                           options.synchronous == Synchronous::kFull ? "FULL" : "NORMAL");
}

}  // namespace

SqliteError open_connection(const DatabaseName& name, const SingleWriterOptions& options,
                            ConnectionUse use, WriterSignals& signals, SqliteConnection& out) {
  using Mode = DatabaseName::Mode;
  const bool writes = use == ConnectionUse::kWrite;
  const bool creates =
      writes && (name.mode == Mode::kReadWriteCreate || name.mode == Mode::kMemory);
  SqliteError error = SqliteConnection::open(
      name.path, {.create = creates, .read_only = name.mode == Mode::kReadOnly, .vfs = name.vfs()},
      out);
  // Reads the file: what is no database is found out here.
  if (error.ok()) error = out.run(settings(options, use));
  if (error.ok() && writes && options.write_ahead_log && name.mode != Mode::kReadOnly) {
    std::string mode;
    error = out.query_text("PRAGMA journal_mode = WAL", mode);
    if (error.ok() && mode == "wal") signals.sink().raise(signals.wal_on);
  }
  if (!error.ok()) {
    out.close();
    return error;
  }
  if (options.busy_timeout_ns > 0) signals.sink().raise(signals.busy_timeout_set);
  if (options.foreign_keys) signals.sink().raise(signals.foreign_keys_on);
  signals.sink().raise(writes ? signals.open_write : signals.open_read);
  return {};
}

void StatementLimit::watch(SqliteConnection& connection) {
  constexpr int kSteps = 4096;
  if (limit_ns_ == kNever) return;
  sqlite3_progress_handler(connection.get(), kSteps, look, this);
  sqlite3_trace_v2(connection.get(), SQLITE_TRACE_STMT, begin, this);
}

int StatementLimit::begin(unsigned, void* self, void* statement, void* sql) {
  // Triggers, and what a virtual table executes within it, are told as comments of SQLite's own.
  if (sql == sqlite3_sql(static_cast<sqlite3_stmt*>(statement))) {
    static_cast<StatementLimit*>(self)->began_ns_ = kNever;
  }
  return 0;
}

int StatementLimit::look(void* self) {
  auto& limit = *static_cast<StatementLimit*>(self);
  const std::int64_t now_ns = limit.clock_.now_ns();
  if (limit.began_ns_ == kNever) limit.began_ns_ = now_ns;
  return now_ns - limit.began_ns_ > limit.limit_ns_ ? 1 : 0;
}

}  // namespace mayfly
