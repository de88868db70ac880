// Session: the pipeline's part in the connection by which the process writes to its database
// (single_writer/shared_connection.h), with everything prepared on it. It is opened anew after it
// was lost, or became another user's alone.
//
// THREADS  The writer's, within its turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/base/status.h"
#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/single_writer/shared_database.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/target.h"
#include "mayfly/storage/writer_options.h"

namespace mayfly {

class Session {
 public:
  // user: whose statements go when the connection does; it calls let_go(). All outlive it.
  Session(const Schema& schema, BatchPool& pool, SharedDatabase& database,
          SharedConnection::User& user)
      : batches_(schema, pool), database_(database), user_(user) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens the file, which is there then; nothing is read or written yet. create: if it isn't there.
  SqliteError connect(const std::string& path, const std::string& vfs, bool create = true);
  // It is, and wasn't lost since.
  bool is_open() const { return shared_ != nullptr && shared_->is_open_for(user_); }
  // The turn is the writer's: the settings are its own.
  SqliteError take() { return shared_->take(user_, settings_); }
  // Settings, and mayfly_batch.
  SqliteError configure(const WriterOptions& options);
  // Once the target is known.
  SqliteError prepare(const Target& target, const WriterOptions& options);
  // Another connection's lock is waited for so long, as from configure() on.
  SqliteError begin_waiting(std::int64_t wait_ns);
  // From now on another connection's lock is an error at once: the writer loop waits, where it can
  // be seen.
  SqliteError end_waiting();
  // From now on COMMIT syncs the log.
  SqliteError sync_commits();
  // The database's path names another file now, or none.
  bool is_moved() const { return shared_->is_moved(); }
  // The database was empty, and its transactions have a rollback journal.
  bool is_new_with_journal() const { return is_new_with_journal_; }
  // The last transaction is over: a rollback journal that was kept for the next one is removed.
  void end_journal();
  // Statements, then the connection, if nobody else writes by it.
  void close();
  // Statements alone: the connection is lost.
  void let_go();
  // The connection can't be trusted: lost, for whoever writes by it.
  void discard() { shared_->discard(); }
  // Another's turns begin: nothing of the last transaction is to be seen in mayfly_batch.
  void end_turns() { batches_.set_window({}); }

  SqliteConnection& connection() { return shared_->connection(); }
  BatchTable& batches() { return batches_; }
  SqliteStatement& insert() { return checks_exceptions_ ? checked_insert_ : insert_; }
  // A SELECT's rows may have exceptions, texts among numbers: another statement looks at those.
  void check_exceptions(bool check) { checks_exceptions_ = check && checked_insert_; }

  SqliteError begin() { return begin_.run(); }
  SqliteError commit() { return commit_.run(); }
  // Also when SQLite has rolled back by itself.
  void rollback();
  SqliteError savepoint() { return savepoint_.run(); }
  SqliteError release() { return release_.run(); }
  // Rows since savepoint() are gone, the savepoint too.
  SqliteError undo();
  // Rows in this transaction wait for a parent that isn't there.
  bool has_deferred_violations() const;
  // Frames in the write-ahead log after the last commit.
  std::uint32_t wal_pages() const { return shared_->wal_pages(); }

 private:
  SqliteError set_journal(Journal journal, bool is_new);

  BatchTable batches_;
  SharedDatabase& database_;
  SharedConnection* shared_ = nullptr;  // until connect()
  SharedConnection::User& user_;
  SharedConnection::Settings settings_;
  SqliteStatement begin_, commit_, rollback_, savepoint_, release_, undo_, insert_, checked_insert_;
  bool checks_exceptions_ = false;
  bool keeps_journal_ = false;
  bool is_new_with_journal_ = false;
};

}  // namespace mayfly
