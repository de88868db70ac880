// WriterOptions: what the one writer writes to, and how. Plain values; times in nanoseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/storage/synchronous.h"

namespace mayfly {

// What a row that conflicts with another does.
enum class WriteMode : std::uint8_t {
  kInsert,   // a conflict rejects the row
  kIgnore,   // a conflict leaves the old row
  kUpsert,   // a conflict on the key columns updates the others
  kReplace,  // a conflict deletes the old row
};

// How a transaction is kept whole. WAL lets others read while rows are written, and small commits
// cost little. With a rollback journal every page is written once instead of twice: for a bulk load
// into a new database, whose transactions are large and which nobody reads yet.
enum class Journal : std::uint8_t {
  kWal,   // the database is switched to WAL, and stays so
  kKeep,  // as the database has it; a new one gets a rollback journal
};

// What rows do when a transaction failed for a reason that may pass.
enum class TransientPolicy : std::uint8_t {
  kWait,   // the rows stay at the head, in order
  kRoute,  // they leave by AnswerSink::on_attempt_failed
};

// What a bad row does.
enum class OnRowError : std::uint8_t {
  kDeadLetter,  // the row goes to mayfly_dead_letters, the others commit
  kFail,        // the writer stops at the first one, with nothing of its transaction committed
};

struct WriterOptions {
  std::string database;
  std::string table;
  std::string name = "writer";  // in mayfly_commits and as the node of the writer's own rejections

  WriteMode mode = WriteMode::kInsert;
  std::vector<std::string> key_columns;  // empty: the schema's key columns, else the table's
  Synchronous synchronous = Synchronous::kFull;
  Journal journal = Journal::kWal;
  bool foreign_keys = true;

  bool create_table = true;           // when it isn't there, with the schema's types
  std::vector<std::string> not_null;  // columns of such a table
  std::vector<std::string> defaults;  // likewise, each as column=value
  bool strict = false;                // such a table is STRICT
  bool truncate = false;              // open() takes out what rows there are
  std::vector<std::string> indexed;   // columns that there must be, for who makes indexes later
  bool alter = false;                 // add the columns that an existing table lacks
  bool coerce = false;                // let a column's affinity change values
  bool parsed = false;     // values were read from text: a real has lost how it was written
  std::string select;      // a SELECT over mayfly_batch in place of its columns
  bool per_batch = false;  // the SELECT depends on batch borders: a batch is answered as a whole

  // Sources that go on from their marks: where their rows were written to, the table must be.
  std::vector<std::string> resumed_sources;

  OnRowError on_error = OnRowError::kDeadLetter;
  std::uint64_t row_bytes_max = 32ull << 20;

  // One transaction: what waits, up to this many full batches or this much time.
  std::uint32_t group_batches = 8;
  std::int64_t group_ns = 0;  // 0: 5 ms at kNormal, 20 ms at kFull

  TransientPolicy transient = TransientPolicy::kWait;
  // The waits of one outage; its deadline ends the run.
  RetryOptions retry = {.max_retries = RetryOptions::kUnlimited,
                        .initial_delay_ns = 10 * kMillisecond};

  // Pages of WAL before a checkpoint: while rows keep coming, and when the writer falls idle.
  std::uint32_t checkpoint_pages = 4000;
  std::uint32_t checkpoint_idle_pages = 700;
  // wal.growing: readers keep so many in the log (wal_growth.h). More than checkpoint_pages, since
  // that is when the first checkpoint finds them.
  std::uint32_t wal_warning_pages = 5000;
  bool checkpoint_thread = true;     // by a thread of its own, for their greater part
  std::int64_t open_wait_ns = 0;     // for another connection's lock, at open alone
  std::string vfs;                   // of SQLite; empty: the default one
  std::uint32_t page_bytes = 16384;  // of a new database
  // SQLite's page cache. A table that is only appended to never reads its pages again.
  std::uint32_t cache_bytes = 64'000'000;
  std::uint32_t append_cache_bytes = 8'000'000;

  std::int64_t group_limit_ns() const {
    if (group_ns > 0) return group_ns;
    return synchronous == Synchronous::kFull ? 20 * kMillisecond : 5 * kMillisecond;
  }
};

}  // namespace mayfly
