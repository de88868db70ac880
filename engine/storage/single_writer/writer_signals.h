// WriterSignals: the names by which a single writer says what it does, and which of it is said.
//
//   write.enqueue  write.start  write.done:Nrows:Nms  write.error:MESSAGE
//   write.batch.enqueue  write.batch.tx.begin|commit|rollback
//   write.tx.enqueue  write.transaction.begin|commit|rollback
//   write.flush.start  write.flush.done
//   write.busy                another process has the database locked, for longer than was waited
//   write.checkpoint:Npages   the log was moved into the database, as far as readers let it
//   write.checkpoint.error:MESSAGE   it couldn't be: the disk is full, or fails
//   wal.growing:Npages        a reader that stays, or a disk that fails, keeps it from shrinking,
//                             or there is always some reader (wal_growth.h says from when on)
//   read.start:KEY  read.done:KEY  query.start
//   cache.hit|miss|hot|set|evict:KEY (lru_cache.h)
//   cache.invalidate:KEY      also by a read that failed: it isn't kept
//   cache.invalidate.external:KEY
//   cache.clear:N             the database may be another one: it was lost, or its path's is
//   connection.open.write  connection.open.read  connection.lost
//   pragma.busy_timeout  pragma.foreign_keys.on  pragma.wal.on
//
// SAMPLING  A write, or a read, is said wholly or not at all: whoever was chosen at its begin also
//           says its end. Enqueueing, errors, opening and invalidating are always said.
// THREADS   Any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class WriterSignals {
 public:
  // The sink outlives this.
  WriterSignals(SignalSink& sink, std::uint32_t sample_rate);
  WriterSignals(const WriterSignals&) = delete;
  WriterSignals& operator=(const WriterSignals&) = delete;

  SignalSink& sink() { return sink_; }
  // Whether the next one is said.
  bool sample() { return rate_ == 1 || next_.fetch_add(1, std::memory_order_relaxed) % rate_ == 0; }

  const StemId write_enqueue, write_start, write_done, write_error;
  const StemId batch_enqueue, batch_begin, batch_commit, batch_rollback;
  const StemId transaction_enqueue, transaction_begin, transaction_commit, transaction_rollback;
  const StemId flush_start, flush_done;
  const StemId write_busy, write_checkpoint, write_checkpoint_error, wal_growing;
  const StemId read_start, read_done, query_start;
  const StemId cache_invalidate, cache_invalidate_external;
  const StemId open_write, open_read, connection_lost;
  const StemId busy_timeout_set, foreign_keys_on, wal_on;

 private:
  SignalSink& sink_;
  const std::uint32_t rate_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace mayfly
