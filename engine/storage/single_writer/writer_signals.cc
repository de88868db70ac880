#include "mayfly/storage/single_writer/writer_signals.h"

namespace mayfly {

WriterSignals::WriterSignals(SignalSink& sink, std::uint32_t sample_rate)
    : write_enqueue(sink.intern("write.enqueue")),
      write_start(sink.intern("write.start")),
      write_done(sink.intern("write.done")),
      write_error(sink.intern("write.error")),
      batch_enqueue(sink.intern("write.batch.enqueue")),
      batch_begin(sink.intern("write.batch.tx.begin")),
      batch_commit(sink.intern("write.batch.tx.commit")),
      batch_rollback(sink.intern("write.batch.tx.rollback")),
      transaction_enqueue(sink.intern("write.tx.enqueue")),
      transaction_begin(sink.intern("write.transaction.begin")),
      transaction_commit(sink.intern("write.transaction.commit")),
      transaction_rollback(sink.intern("write.transaction.rollback")),
      flush_start(sink.intern("write.flush.start")),
      flush_done(sink.intern("write.flush.done")),
      write_busy(sink.intern("write.busy")),
      write_checkpoint(sink.intern("write.checkpoint")),
      write_checkpoint_error(sink.intern("write.checkpoint.error")),
      wal_growing(sink.intern("wal.growing")),
      read_start(sink.intern("read.start")),
      read_done(sink.intern("read.done")),
      query_start(sink.intern("query.start")),
      cache_invalidate(sink.intern("cache.invalidate")),
      cache_invalidate_external(sink.intern("cache.invalidate.external")),
      open_write(sink.intern("connection.open.write")),
      open_read(sink.intern("connection.open.read")),
      connection_lost(sink.intern("connection.lost")),
      busy_timeout_set(sink.intern("pragma.busy_timeout")),
      foreign_keys_on(sink.intern("pragma.foreign_keys.on")),
      wal_on(sink.intern("pragma.wal.on")),
      sink_(sink),
      rate_(sample_rate) {}

}  // namespace mayfly
