// SqliteWriter: the only one who writes a database. Slices go in, each transaction answers all its
// rows.
//
// write() inserts the pending rows of its slices by one statement over a virtual table, records the
// answers of all (also of those that were answered elsewhere) in the same transaction, and commits.
// A bad row goes to mayfly_dead_letters alone. After kCommitted every row of the slices has an
// outcome.
//
// TURNS      Each call that uses the database waits until nobody else in this process writes to it,
//            whether by this class or by a SqliteSingleWriter, and then uses the one connection
//            for that (single_writer/shared_database.h): they never meet each other's locks.
// SIGNALS    write.truncated:Nrows   WriterOptions::truncate took them out
//            write.checkpoint:Npages:Nms
//            write.checkpoint.error:MESSAGE   the disk is full, or fails
//            wal.growing:Npages   the log can't shrink, for a reader or for the disk (wal_growth.h)
// OWNERSHIP  Rows are borrowed for the call; outcome, judge and reason of pending rows are set.
//            Batches that rows were made from are read and their rows counted down through the
//            pool.
// THREADS    One at a time; handing it over needs a happens-before edge.
// MEMORY     Scratch of one transaction, grown to its high-water mark; nothing is allocated per
// row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/schema.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/rejection_names.h"
#include "mayfly/storage/source_position.h"
#include "mayfly/storage/writer_options.h"

namespace mayfly {

// What became of one transaction.
struct GroupResult {
  enum class Kind : std::uint8_t {
    kCommitted,
    kTransient,  // rolled back, nothing answered, outcomes as before: try again
    kUnknown,    // the disk failed in COMMIT: perhaps written; no further writes
    kFailed,     // rolled back, and trying again won't help; no further writes
  };
  bool ok() const { return kind == Kind::kCommitted; }

  Kind kind = Kind::kCommitted;
  bool busy = false;         // kTransient: another connection has the database
  std::uint32_t slices = 0;  // kCommitted: how many of the first slices (time may cut a group)
  Status status;             // unless kCommitted
};

// What the writer has done.
struct WriterTotals {
  RowTotals rows;  // of this run and what it resumed
  std::uint64_t transactions = 0;
  std::uint64_t statements = 0;
  std::uint64_t rows_tried = 0;  // by statements, repeats included: bad rows cost more than one
  std::uint64_t transient_failures = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t wal_pages = 0;  // after the last commit
  std::uint64_t truncated = 0;  // rows that were taken out when it was opened
};

// What arrives while write() is at work, for the same transaction. Called on write()'s thread.
class GroupFeed {
 public:
  virtual ~GroupFeed() = default;
  // All of the group: the slices that were there before, then new ones, if there are any.
  virtual std::span<const RowRef> more() = 0;
};

class SqliteWriter {
 public:
  // Locks, opens, and creates or checks the table. Status codes: kTryAgain another writer has the
  // database, kCannotCreate, kConfig another shape of table, kIo not a database or corrupt.
  static Result<std::unique_ptr<SqliteWriter>> open(const WriterOptions& options,
                                                    const Schema& schema, BatchPool& pool,
                                                    const Clock& clock, SignalSink& signals,
                                                    const RejectionNames& names);
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Before the first write. One that resumes is named in WriterOptions::resumed_sources. `index` is
  // batch.source of the source's rows.
  Result<SourceStart> add_source(std::uint16_t index, const SourceSpec& spec);
  // The source has ended; its ordinals are below `ordinal_end`. Once they are all answered, it is
  // recorded as finished.
  void source_ended(std::uint16_t index, std::uint64_t ordinal_end);

  // One transaction over these slices, by the references of their head rows. When they are
  // inserted and time is left, `feed` is asked for more.
  GroupResult write(std::span<const RowRef> slices, GroupFeed* feed = nullptr);
  // Rows that the last committed write answered besides its slices: what its rows were made from,
  // MAYFLY_CONSUMED, as slices of one row each.
  std::span<const RowRef> answered_parents() const;
  // Gives up these slices after a failure: pending rows get `outcome` (producers' rows
  // MAYFLY_HANDED_BACK in place of MAYFLY_LEFT); nothing is recorded. What they were made from
  // stays pending, for whoever ends the run.
  void give_up(std::span<const RowRef> slices, std::uint8_t outcome);

  // Stores a line of JSON under the writer's name in mayfly_stats, in the next transaction.
  void stage_stats(std::string json);
  // A transaction for what is staged, if anything is: sources' ends, stats.
  GroupResult flush();

  // The queue is empty: a moment for housekeeping.
  void on_idle();
  // Records what is staged, checkpoints, and with `durable` makes all of it durable. Writes no
  // more. Its failure is kIo when the path no longer names the file that was written (looked at
  // while writing, too, once a second). kTransient: call it again; kFailed: nothing more can be
  // done.
  GroupResult finish(bool durable);

  const WriterTotals& totals() const;
  // Of one source, what it resumed included.
  RowTotals source_totals(std::uint16_t index) const;
  // Indices that were added are below this.
  std::uint16_t source_end() const;
  const WriterOptions& options() const;

 private:
  class Impl;
  explicit SqliteWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
