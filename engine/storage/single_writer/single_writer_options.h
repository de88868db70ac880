// SingleWriterOptions: how a SqliteSingleWriter writes, reads and caches. Plain values; times in
// nanoseconds, sizes in bytes unless their name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/synchronous.h"

namespace mayfly {

struct SingleWriterOptions {
  // Cached reads (lru_cache.h).
  std::size_t cache_size_limit = 1000;                     // entries
  std::int64_t default_cache_duration_ns = 300 * kSecond;  // since the last access
  std::int64_t hot_key_extension_ns = 1'800 * kSecond;     // the same of a hot key
  std::uint32_t hot_access_threshold = 3;

  std::size_t max_tracked_writes = 128;  // newest ones that write_snapshot() tells
  std::size_t queue_capacity = 0;        // write_async() that wait; 0: max_tracked_writes
  std::size_t group_max = 256;           // independent writes in one transaction
  // Signals of one in so many writes, reads and cache accesses; 1: all. Errors, enqueueing, opening
  // and invalidating are always signalled.
  std::uint32_t sample_rate = 1;

  // For another process's lock; 0 or less: none. Each transaction waits as long, and one after the
  // other: the last of N callers in transactions of their own is told after N times that.
  std::int64_t busy_timeout_ns = 10 * kSecond;
  std::int64_t command_timeout_ns = 30 * kSecond;  // for one statement; kNever: none

  bool write_ahead_log = true;
  bool foreign_keys = true;
  Synchronous synchronous = Synchronous::kFull;
  std::int64_t cache_bytes = 0;           // each connection's page cache; 0: SQLite's default
  std::int64_t mmap_bytes = 0;            // 0: none
  std::size_t statements_max = 128;       // kept prepared, by each connection
  std::size_t read_connections = 4;       // kept open; more threads at once open further ones
  std::uint32_t checkpoint_pages = 2000;  // of the log: then it is moved into the database
  bool checkpoint_thread = true;          // false: whoever writes does all of it
  // wal.growing: a reader that stays keeps so many in the log; of others four times as many. A
  // reader counts as staying after 250 ms, in which the log grows on (wal_growth.h).
  std::uint32_t wal_warning_pages = 4000;

  const Clock* clock = nullptr;   // nullptr: the machine's. Outlives the writer
  SignalSink* signals = nullptr;  // nullptr: one of its own. Outlives the writer
};

// kUsage: an option out of its range, and which.
Status check_single_writer_options(const SingleWriterOptions& options);

}  // namespace mayfly
