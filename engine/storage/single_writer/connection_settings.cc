#include "mayfly/storage/single_writer/connection_settings.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "mayfly/storage/journal_mode.h"

namespace mayfly {
namespace {

void say_settings(const SingleWriterOptions& options, WriterSignals& signals, StemId opened) {
  if (options.busy_timeout_ns > 0) signals.sink().raise(signals.busy_timeout_set);
  if (options.foreign_keys) signals.sink().raise(signals.foreign_keys_on);
  signals.sink().raise(opened);
}

}  // namespace

SqliteError open_reader(const DatabaseName& name, const SingleWriterOptions& options,
                        WriterSignals& signals, SqliteConnection& out) {
  SqliteError error = SqliteConnection::open(
      name.path,
      {.create = false, .read_only = name.mode == DatabaseName::Mode::kReadOnly, .vfs = name.vfs()},
      out);
  if (!error.ok()) return error;
  sqlite3_busy_timeout(out.get(), busy_timeout_ms(options.busy_timeout_ns));
  std::string sql = fmt::format("PRAGMA foreign_keys = {}; PRAGMA mmap_size = {};",
                                options.foreign_keys ? "ON" : "OFF", options.mmap_bytes);
  if (options.cache_bytes > 0) {
    sql += fmt::format("PRAGMA cache_size = -{};",
                       std::max<std::int64_t>(1, options.cache_bytes / 1024));
  }
  // Reads the file: what is no database is found out here.
  if (error = out.run(sql + "PRAGMA query_only = ON"); !error.ok()) {
    out.close();
    return error;
  }
  say_settings(options, signals, signals.open_read);
  return {};
}

SharedConnection::Settings turn_settings(const SingleWriterOptions& options) {
  return {.foreign_keys = options.foreign_keys,
          .synchronous = options.synchronous,
          .busy_timeout_ns = options.busy_timeout_ns};
}

SqliteError set_up_writing(const DatabaseName& name, const SingleWriterOptions& options,
                           WriterSignals& signals, SharedConnection& shared) {
  SqliteConnection& connection = shared.connection();
  SqliteError error = shared.want_cache(options.cache_bytes);
  if (error.ok()) error = connection.run(fmt::format("PRAGMA mmap_size = {}", options.mmap_bytes));
  if (error.ok() && options.write_ahead_log && name.mode != DatabaseName::Mode::kReadOnly) {
    std::string mode;
    error = change_to_wal(connection, mode);
    if (error.ok() && mode == "wal") signals.sink().raise(signals.wal_on);
  }
  if (error.ok()) say_settings(options, signals, signals.open_write);
  return error;
}

bool PlaceWatch::finds_moved(const SqliteConnection& connection) {
  const std::int64_t now_ns = clock_.now_ns();
  if (now_ns - looked_ns_ < kSecond) return false;
  looked_ns_ = now_ns;
  return connection.is_moved();
}

void StatementLimit::watch(SqliteConnection& connection) {
  constexpr int kSteps = 4096;
  if (limit_ns_ == kNever) return;
  sqlite3_progress_handler(connection.get(), kSteps, look, this);
  sqlite3_trace_v2(connection.get(), SQLITE_TRACE_STMT, begin, this);
}

void StatementLimit::unwatch(SqliteConnection& connection) {
  sqlite3_progress_handler(connection.get(), 0, nullptr, nullptr);
  sqlite3_trace_v2(connection.get(), 0, nullptr, nullptr);
  began_ns_ = kNever;
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
