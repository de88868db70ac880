// WriteBufferOptions: how a WriteBuffer collects rows, when it writes them, and what it does when
// it is full. Plain values; times in nanoseconds of the clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/write_buffer/buffered_row.h"

namespace mayfly {

// What a write of a row that isn't pending yet does when the buffer is full.
enum class WhenFull : std::uint8_t {
  kWait,     // until there is room, or the buffer is stopped
  kRefuse,   // kBusy at once
  kTimeOut,  // kWait, but kBusy after full_timeout_ns
};

// When what the spool accepted is on disk.
enum class SpoolSync : std::uint8_t {
  // The kernel has it: a crash of the process loses nothing. A loss of power may lose calls, and
  // may leave files that the next start refuses (accept_spool_loss), since calls may have been in
  // them.
  kNone,
  kEachWrite,  // fdatasync before the call returns: a loss of power loses nothing either
};

struct WriteBufferOptions {
  std::size_t max_buffer_size = 1000;            // rows pending; at least 1
  std::int64_t flush_interval_ns = 5 * kSecond;  // from one flush to the next; more than 0
  std::size_t flush_batch_size = 100;            // rows of a table in one transaction; at least 1
  std::map<std::string, int, std::less<>> table_priorities;  // lower first; unlisted: 999
  WhenFull when_full = WhenFull::kWait;
  std::int64_t full_timeout_ns = 5 * kSecond;
  // Between a flush that failed and the next try. Once its retries are used up, a try is made at
  // each flush interval.
  RetryOptions retry = {.max_retries = 10};
  // stop() gives up then, and so does the destructor; kNever: when all is written.
  std::int64_t stop_timeout_ns = kNever;
  std::size_t rejected_max = 100;  // newest rejected rows that are kept
  // Called on the flushing thread with each row that the database refuses. What it throws is
  // dropped.
  std::function<void(const RejectedRow&)> on_rejected;

  // A file that keeps what was accepted until it is committed; empty: none. "<path>.old",
  // "<path>.new", "<path>.made" and "<path>.lock" are used, too. It belongs to one database.
  std::string spool_path;
  SpoolSync spool_sync = SpoolSync::kNone;
  // A spool that is damaged, or of which a file was taken away, is refused (kCorrupt) and stays as
  // it is. true: what it still has is taken, and what is missing is told by a signal. For the one
  // start in which that was decided: once it has succeeded, what was given up isn't missed again,
  // and an option that stays would give up what is lost later, too.
  bool accept_spool_loss = false;
  // Larger, and four times as large as what is pending, it is written anew.
  std::size_t spool_rewrite_bytes = std::size_t{64} << 20;

  const Clock* clock = nullptr;   // nullptr: the machine's. Outlives the buffer
  SignalSink* signals = nullptr;  // nullptr: the writer's. Outlives the buffer
  std::uint64_t seed = 0;         // of the retries' jitter; 0: taken from the clock
};

// kUsage: an option out of its range, and which.
Status check_write_buffer_options(const WriteBufferOptions& options);

}  // namespace mayfly
