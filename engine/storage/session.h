// Session: the write connection with everything prepared on it. It is thrown away and opened anew
// after an I/O error in COMMIT.
//
// THREADS  The writer's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/base/status.h"
#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/target.h"
#include "mayfly/storage/writer_options.h"

namespace mayfly {

class Session {
 public:
  Session(const Schema& schema, BatchPool& pool) : batches_(schema, pool) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens the file, which is there then; nothing is read or written yet. create: if it isn't there.
  SqliteError connect(const WriterOptions& options, bool create = true);
  // Settings, and mayfly_batch.
  SqliteError configure(const WriterOptions& options);
  // Once the target is known.
  SqliteError prepare(const Target& target, const WriterOptions& options);
  // From now on another connection's lock is an error at once: the writer loop waits, where it can
  // be seen.
  SqliteError end_waiting() { return connection_.run("PRAGMA busy_timeout = 0"); }
  // The database was empty, and its transactions have a rollback journal.
  bool is_new_with_journal() const { return is_new_with_journal_; }
  // The last transaction is over: a rollback journal that was kept for the next one is removed.
  void end_journal();
  // Statements, then the connection.
  void close();

  SqliteConnection& connection() { return connection_; }
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
  std::uint32_t wal_pages() const { return wal_pages_; }

 private:
  SqliteError set_journal(Journal journal);

  BatchTable batches_;  // before the connection: destroyed after it
  SqliteConnection connection_;
  SqliteStatement begin_, commit_, rollback_, savepoint_, release_, undo_, insert_, checked_insert_;
  bool checks_exceptions_ = false;
  std::uint32_t wal_pages_ = 0;
  bool keeps_journal_ = false;
  bool is_new_with_journal_ = false;
};

}  // namespace mayfly
