// WriteConnection: callers' writes on the one connection by which a process writes to a database
// (shared_connection.h), and what keeps it going: it is opened anew after it died, and its log is
// moved into the database.
//
// LOST       After an I/O error, a corrupt file or a database that was removed, renamed or replaced
//            (looked at once a second) the connection is closed, and the next group opens it again,
//            with all its settings; the same when another of its users found it so. The writes that
//            met the error have it as their result: of one that failed while it was committed
//            nobody can tell whether it is in the database.
// SETTINGS   What a caller sets by PRAGMA holds for callers until the connection is opened anew,
//            and for no other user: foreign_keys, synchronous (FULL, NORMAL) and busy_timeout are
//            set with each change of turn, and anything else, as ATTACH, TEMP and the handle of
//            SqlSession, makes the connection the callers' alone.
// LOG        checkpointer.h. A checkpoint that fails is write.checkpoint.error, told with the next
//            write where the thread made it, and at the end; the writer's own come again when the
//            log is a quarter longer and checkpoint_pages. What keeps the log from shrinking is
//            told as wal.growing (wal_growth.h says when).
// THREADS    open(), execute(), end(): one at a time, within a turn of the database's queue
//            (commit_queue.h). The rest as they say.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/storage/checkpointer.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/commit_queue.h"
#include "mayfly/storage/single_writer/connection_settings.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/group_writer.h"
#include "mayfly/storage/single_writer/shared_connection.h"
#include "mayfly/storage/single_writer/single_writer_options.h"
#include "mayfly/storage/single_writer/statement_cache.h"
#include "mayfly/storage/single_writer/writer_signals.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class WriteConnection final : public CommitQueue::Executor, private SharedConnection::User {
 public:
  // All of them outlive it. lost: called when it was, within a turn; doesn't throw.
  WriteConnection(SharedConnection& shared, const DatabaseName& name,
                  const SingleWriterOptions& options, const Clock& clock, WriterSignals& signals,
                  std::function<void()> lost);

  // It is ended by then, if it was opened.
  ~WriteConnection() override = default;

  // again: after it was lost. A file that isn't there isn't made then.
  SqliteError open(bool again = false);
  // Moves the log, and leaves the connection.
  void end();
  void execute(std::span<CommitQueue::Request* const> group) noexcept override;
  bool is_quick() const noexcept override { return is_quick_; }

  // Of the write that is being executed.
  SqliteConnection& connection() { return shared_.connection(); }
  StatementCache& statements() { return statements_; }
  // A caller may have changed anything on it.
  void keep() { keeps_ = true; }

  // Any thread.
  std::uint64_t transactions() const { return transactions_.load(std::memory_order_relaxed); }
  std::uint64_t checkpoints() const { return checkpoints_.load(std::memory_order_relaxed); }
  std::uint32_t wal_pages() const { return wal_pages_shown_.load(std::memory_order_relaxed); }
  std::uint64_t reopened() const { return reopened_.load(std::memory_order_relaxed); }

 private:
  void let_go() noexcept override { drop_statements(); }
  void on_lost() noexcept override;
  void begin_turns(SqliteConnection& connection) override { limit_.watch(connection); }
  void end_turns(SqliteConnection& connection) override { limit_.unwatch(connection); }
  // Opens it again if it was lost, and looks whether it still is the path's file.
  DbResult<void> take();
  DbResult<void> try_take() noexcept;
  // True: the connection isn't to be used any more.
  bool look_at_results(std::span<CommitQueue::Request* const> group);
  void look_at_changes();
  void execute_group(std::span<CommitQueue::Request* const> group) noexcept;
  // What callers have set for themselves. False: no user can have it so.
  bool read_settings() noexcept;
  void leave();
  void drop_statements();
  void checkpoint();
  void tell_checkpoint_failure();

  const DatabaseName& name_;
  const SingleWriterOptions& options_;
  const Clock& clock_;
  WriterSignals& signals_;
  SharedConnection::Settings settings_;
  StatementLimit limit_;
  PlaceWatch place_;
  const std::function<void()> lost_;
  SharedConnection& shared_;
  StatementCache statements_;  // before the connection goes: let_go()
  GroupWriter writer_;
  Checkpointer checkpointer_;
  bool keeps_ = false;
  bool is_quick_ = false;  // the last group took microseconds

  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint32_t> wal_pages_shown_{0};
  std::atomic<std::uint64_t> reopened_{0};
};

}  // namespace mayfly
