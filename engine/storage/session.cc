#include "mayfly/storage/session.h"

#include <sqlite3.h>

#include <algorithm>

#include "mayfly/storage/exact_value.h"
#include "mayfly/storage/journal_mode.h"

namespace mayfly {
namespace {

// The first with pragma_table_list, STRICT and sqlite3_changes64.
constexpr int kSqliteMin = 3'037'000;

}  // namespace

SqliteError Session::connect(const std::string& path, const std::string& vfs, bool create) {
  if (sqlite3_libversion_number() < kSqliteMin) {
    return {SQLITE_ERROR,
            std::string("SQLite 3.37 or later is needed, this is ") + sqlite3_libversion()};
  }
  shared_ = &database_.connection(vfs);
  return shared_->open(user_, path, create);
}

SqliteError Session::configure(const WriterOptions& options) {
  settings_ = {.foreign_keys = options.foreign_keys,
               .synchronous = options.synchronous,
               .busy_timeout_ns = options.open_wait_ns,
               .value_bytes_max = static_cast<std::int64_t>(
                   std::min<std::uint64_t>(options.row_bytes_max, INT64_MAX))};
  SqliteError error = take();
  std::string pages;
  if (error.ok()) error = connection().query_text("PRAGMA page_count", pages);
  if (error.ok() && pages == "0") {
    error = connection().run("PRAGMA page_size = " + std::to_string(options.page_bytes));
  }
  if (error.ok()) error = set_journal(options.journal, pages == "0");
  if (error.ok()) error = attach_exact_value(connection());
  if (error.ok()) error = batches_.attach(connection());
  return error;
}

SqliteError Session::begin_waiting(std::int64_t wait_ns) {
  settings_.busy_timeout_ns = wait_ns;
  return take();
}

SqliteError Session::end_waiting() {
  settings_.busy_timeout_ns = 0;
  return take();
}

SqliteError Session::sync_commits() {
  settings_.synchronous = Synchronous::kFull;
  return take();
}

SqliteError Session::set_journal(Journal journal, bool is_new) {
  keeps_journal_ = is_new_with_journal_ = false;
  std::string mode;
  if (journal == Journal::kWal) return change_to_wal(connection(), mode);
  const SqliteError error = connection().query_text("PRAGMA journal_mode", mode);
  if (!error.ok() || mode == "wal") return error;
  // TRUNCATE is this connection's way to end a rollback journal; the file stays as it was made.
  keeps_journal_ = true;
  is_new_with_journal_ = is_new;
  return connection().run("PRAGMA journal_mode = TRUNCATE");
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
    if (SqliteError error = connection().prepare(sql, statement); !error.ok()) return error;
  }
  if (!target.checked_insert_sql().empty()) {
    const SqliteError error = connection().prepare(target.checked_insert_sql(), checked_insert_);
    if (!error.ok()) return error;
  }
  const std::uint32_t cache_bytes =
      target.append_only() ? options.append_cache_bytes : options.cache_bytes;
  return shared_->want_cache(cache_bytes);
}

void Session::end_journal() {
  if (!keeps_journal_ || !is_open()) return;
  // Best effort: an empty journal means nothing. Another program may have changed to WAL meanwhile.
  std::string mode;
  const SqliteError error = connection().query_text("PRAGMA journal_mode", mode);
  if (error.ok() && mode == "truncate") connection().run("PRAGMA journal_mode = DELETE");
}

void Session::close() {
  let_go();
  if (shared_ != nullptr) shared_->leave(user_);
}

void Session::let_go() {
  for (SqliteStatement* statement : {&begin_, &commit_, &rollback_, &savepoint_, &release_, &undo_,
                                     &insert_, &checked_insert_}) {
    *statement = {};
  }
  batches_.detach();
}

void Session::rollback() {
  if (!connection().autocommit()) rollback_.run();
}

SqliteError Session::undo() {
  if (SqliteError error = undo_.run(); !error.ok()) return error;
  return release_.run();
}

bool Session::has_deferred_violations() const {
  int violations = 0;
  int high_water = 0;
  sqlite3_db_status(shared_->connection().get(), SQLITE_DBSTATUS_DEFERRED_FKS, &violations,
                    &high_water, 0);
  return violations != 0;
}

}  // namespace mayfly
