// PersistentWindowOptions: how a PersistentSignalWindow keeps, writes and forgets signals; and what
// it tells of itself. Plain values; times in nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/single_writer/single_writer_options.h"

namespace mayfly {

struct PersistentWindowOptions {
  std::int64_t flush_interval_ns = 30 * kSecond;   // kNever: only flush(), half full, and the end
  std::size_t max_signals_per_flush = 1000;        // in one transaction; a flush has several
  std::size_t max_window_size = 10'000;            // newest signals in memory
  std::int64_t window_max_age_ns = 600 * kSecond;  // of signals in memory; kNever: any
  std::uint32_t sample_rate = 10;                  // window.raise for one raise in so many

  // On disk; the oldest are deleted beyond either. The newest always stays: ids go on from it.
  std::size_t max_stored_signals = 1'000'000;              // 0: any number
  std::int64_t max_stored_age_ns = 30 * 86'400 * kSecond;  // kNever: any

  // Not on disk yet. At half of either a flush begins early; beyond, new signals are in memory
  // alone, and counted as dropped. Raising never waits.
  std::size_t max_pending_signals = 200'000;
  std::size_t max_pending_bytes = std::size_t{64} << 20;

  // close() gives up then, and so does the destructor; kNever: when all is written, which on a disk
  // that stays full, or a file that is broken, isn't ever.
  std::int64_t stop_timeout_ns = kNever;

  // Whose signals are captured, and what sink() is; nullptr: one of its own, of the sizes above.
  // Outlives the window.
  SignalSink* signals = nullptr;
  const Clock* clock = nullptr;  // nullptr: the machine's. Outlives the window and the writer
  // Of the database's writer, for whoever asks for it first; its clock is the one above.
  SingleWriterOptions writer = {};
};

// kUsage: an option out of its range, and which.
Status check_persistent_window_options(const PersistentWindowOptions& options);

// What load_from_disk() brings back.
struct WindowLoadOptions {
  std::int64_t max_age_ns = kNever;  // of signals; kNever: any
  std::size_t limit = 0;             // the newest; 0: max_window_size
  std::string pattern = "*";         // a comma-separated list of globs
  // Signals not older than window_max_age_ns are raised into the sink, at their own times as far as
  // it can (the times of one thread's raises never go back); listeners hear them like any others.
  bool raise_into_sink = false;
};

// A moment's figures.
struct WindowStats {
  std::size_t in_memory_count = 0;   // with the window's own window.* and what was restored
  std::uint64_t total_raised = 0;    // without either
  std::int64_t last_flushed_id = 0;  // 0: nothing was flushed by this window yet
  std::uint64_t total_flushed = 0;   // by this window
  std::size_t pending = 0;           // raised and not on disk
  std::uint64_t dropped = 0;         // that will never be: pending was full
  std::size_t restored = 0;          // of in_memory_count
  std::uint64_t stored = 0;          // rows on disk
  std::uint64_t pruned = 0;          // rows deleted by this window
  std::uint64_t flush_failures = 0;
};

}  // namespace mayfly
