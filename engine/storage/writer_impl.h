// SqliteWriter's parts and how a transaction goes through them. See sqlite_writer.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mayfly/storage/checkpointer.h"
#include "mayfly/storage/commits.h"
#include "mayfly/storage/dead_letters.h"
#include "mayfly/storage/file_identity.h"
#include "mayfly/storage/lineage.h"
#include "mayfly/storage/lock_file.h"
#include "mayfly/storage/progress.h"
#include "mayfly/storage/rejections.h"
#include "mayfly/storage/row_inserter.h"
#include "mayfly/storage/session.h"
#include "mayfly/storage/single_writer/shared_database.h"
#include "mayfly/storage/sqlite_writer.h"
#include "mayfly/storage/target.h"
#include "mayfly/storage/writeback.h"

namespace mayfly {

class SqliteWriter::Impl : private SharedConnection::User {
 public:
  Impl(const WriterOptions& options, const Schema& schema, BatchPool& pool, const Clock& clock,
       SignalSink& signals, const RejectionNames& names);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status open();
  Result<SourceStart> add_source(std::uint16_t index, const SourceSpec& spec);
  GroupResult write(std::span<const RowRef> slices, GroupFeed* feed);
  GroupResult flush();
  void give_up(std::span<const RowRef> slices, std::uint8_t outcome);
  void on_idle();
  GroupResult finish(bool durable);

  Progress& progress() { return progress_; }
  const Progress& progress() const { return progress_; }
  const Lineage& lineage() const { return lineage_; }
  const WriterTotals& totals() const { return totals_; }
  const WriterOptions& options() const { return options_; }
  void stage_stats(std::string json) { stats_ = std::move(json); }

  // This thread is writing to the database, by somebody else's transaction.
  bool has_turn() const { return shared_->queue().is_within(); }
  // Calls work() while nobody else in this process writes to the database. Everything that uses
  // the connection is called by it.
  template <class Work>
  auto in_turn(Work&& work) {
    return shared_->queue().take_turn(work);
  }

 private:
  // A statement covers slices until it has this many rows: small slices share one.
  static constexpr std::size_t kStatementRows = 1024;

  Status set_up();
  Status wind_up(bool durable);
  Status open_target();
  Status truncate();
  GroupResult transaction(std::span<const RowRef> slices, GroupFeed* feed);
  GroupResult ensure_open();
  // slices: what is to be inserted, and what was in the end. taken: how many of them.
  GroupResult insert_slices(std::span<const RowRef>& slices, GroupFeed* feed, std::uint32_t& taken);
  void gather(RowRef head);
  bool needs_check(const mayfly_batch& batch) const;
  static bool has_exceptions(const mayfly_batch& batch, const std::vector<ColumnCheck>& checks);
  bool reject_changed(const mayfly_batch& batch, std::uint16_t row);
  GroupResult record(std::span<const RowRef> slices);
  void set_outcomes();
  void count_updates();
  SqliteError put_dead_letters();
  SqliteError put_stats();
  GroupResult commit();
  GroupResult verify_commit(const SqliteError& error);
  void committed();
  GroupResult undo(const SqliteError& error, bool fatal);
  GroupResult undo(GroupResult result);
  GroupResult refuse(GroupResult result);
  GroupResult refuse_row();
  void close_session();
  void drop_statements();
  void let_go() noexcept override;
  void begin_turns(SqliteConnection& connection) override;
  void end_turns(SqliteConnection& connection) override;
  SqliteError reopen();
  void checkpoint();
  void tell_checkpoint_failure();
  SqliteError sync_database();
  Status check_in_place();
  Status sync_folder();

  const WriterOptions options_;
  const std::string path_;  // the database's, absolute; messages have it as it was given
  const Schema schema_;
  BatchPool& pool_;
  const Clock& clock_;
  SignalSink& signals_;
  const StemId write_checkpoint_;
  const StemId write_checkpoint_error_;
  const StemId wal_growing_;
  const std::shared_ptr<SharedDatabase> shared_;
  LockFile lock_;
  PinnedFile database_;  // the file that was opened
  Session session_;
  Target target_;
  Rejections rejections_;
  Progress progress_;
  Lineage lineage_;
  DeadLetters dead_letters_;
  CommitSequence commits_;
  Checkpointer checkpointer_;
  Writeback writeback_;
  std::unique_ptr<RowInserter> inserter_;

  std::vector<RowRef> letters_;  // rows that others rejected, in this transaction
  std::string stats_;            // staged; empty: none
  bool outcomes_set_ = false;
  WriterTotals totals_;
  Status dead_;               // not ok: writes no more
  SqliteError sync_failure_;  // an fsync failed in COMMIT: the log may not be on disk
  bool finished_ = false;
  std::int64_t place_checked_ns_ = 0;
};

}  // namespace mayfly
