#include "mayfly/storage/session.h"

#include <sqlite3.h>

#include <algorithm>

#include "mayfly/storage/exact_value.h"

namespace mayfly {
namespace {

// The first with pragma_table_list, STRICT and sqlite3_changes64.
constexpr int kSqliteMin = 3'037'000;

int on_commit_to_wal(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
  return SQLITE_OK;
}

}  // namespace

SqliteError Session::connect(const WriterOptions& options, bool create) {
  if (sqlite3_libversion_number() < kSqliteMin) {
    return {SQLITE_ERROR,
            std::string("SQLite 3.37 or later is needed, this is ") + sqlite3_libversion()};
  }
  const SqliteConnection::OpenOptions open_options{
      .create = create, .vfs = options.vfs.empty() ? nullptr : options.vfs.c_str()};
  return SqliteConnection::open(options.database, open_options, connection_);
}

SqliteError Session::configure(const WriterOptions& options) {
  const std::string wait_ms =
      std::to_string(std::max<std::int64_t>(0, options.open_wait_ns / kMillisecond));
  // page_size counts for a new database alone. The timeout ends below: later on, waiting is the
  // writer loop's, where it can be seen.
  SqliteError error = connection_.run(
      "PRAGMA busy_timeout = " + wait_ms +
      "; PRAGMA page_size = " + std::to_string(options.page_bytes) +
      "; PRAGMA synchronous = " + (options.synchronous == Synchronous::kFull ? "FULL" : "NORMAL") +
      "; PRAGMA foreign_keys = " + (options.foreign_keys ? "ON" : "OFF") +
      "; PRAGMA wal_autocheckpoint = 0");
  if (error.ok()) error = set_journal(options.journal);
  if (!error.ok()) return error;
  sqlite3_limit(connection_.get(), SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<std::uint64_t>(options.row_bytes_max, 1'000'000'000)));
  sqlite3_wal_hook(connection_.get(), on_commit_to_wal, &wal_pages_);
  if (error = attach_exact_value(connection_); !error.ok()) return error;
  return batches_.attach(connection_);
}

SqliteError Session::set_journal(Journal journal) {
  keeps_journal_ = is_new_with_journal_ = false;
  if (journal == Journal::kWal) return connection_.run("PRAGMA journal_mode = WAL");
  std::string mode;
  SqliteError error = connection_.query_text("PRAGMA journal_mode", mode);
  if (!error.ok() || mode == "wal") return error;
  // TRUNCATE is this connection's way to end a rollback journal; the file stays as it was made.
  keeps_journal_ = true;
  std::string pages;
  error = connection_.query_text("PRAGMA page_count", pages);
  if (!error.ok()) return error;
  is_new_with_journal_ = pages == "0";
  return connection_.run("PRAGMA journal_mode = TRUNCATE");
}

SqliteError Session::prepare(const Target& target, const WriterOptions& options) {
  const struct {
    SqliteStatement& statement;
    std::string_view sql;
  } list[] = {
      {begin_, "BEGIN IMMEDIATE"},      {commit_, "COMMIT"},          {rollback_, "ROLLBACK"},
      {savepoint_, "SAVEPOINT mayfly"}, {release_, "RELEASE mayfly"}, {undo_, "ROLLBACK TO mayfly"},
      {insert_, target.insert_sql()},
  };
  for (const auto& [statement, sql] : list) {
    if (SqliteError error = connection_.prepare(sql, statement); !error.ok()) return error;
  }
  if (!target.checked_insert_sql().empty()) {
    const SqliteError error = connection_.prepare(target.checked_insert_sql(), checked_insert_);
    if (!error.ok()) return error;
  }
  const std::uint32_t cache_bytes =
      target.append_only() ? options.append_cache_bytes : options.cache_bytes;
  return connection_.run("PRAGMA cache_size = -" + std::to_string(cache_bytes / 1024));
}

void Session::end_journal() {
  if (!keeps_journal_ || !connection_) return;
  // Best effort: an empty journal means nothing. Another program may have changed to WAL meanwhile.
  std::string mode;
  const SqliteError error = connection_.query_text("PRAGMA journal_mode", mode);
  if (error.ok() && mode == "truncate") connection_.run("PRAGMA journal_mode = DELETE");
}

void Session::close() {
  for (SqliteStatement* statement : {&begin_, &commit_, &rollback_, &savepoint_, &release_, &undo_,
                                     &insert_, &checked_insert_}) {
    *statement = {};
  }
  connection_.close();
  wal_pages_ = 0;
}

void Session::rollback() {
  if (!connection_.autocommit()) rollback_.run();
}

SqliteError Session::undo() {
  if (SqliteError error = undo_.run(); !error.ok()) return error;
  return release_.run();
}

bool Session::has_deferred_violations() const {
  int violations = 0;
  int high_water = 0;
  sqlite3_db_status(connection_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &violations, &high_water, 0);
  return violations != 0;
}

}  // namespace mayfly
