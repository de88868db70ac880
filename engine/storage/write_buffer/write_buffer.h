// WriteBuffer: rows that are written often go here in no time, are merged by key, and reach the
// database in batches.
//
//   auto writer = SqliteSingleWriter::get_or_create("app.db");
//   auto made = WriteBuffer::create(*writer, {.table_priorities = {{"downloads", 1}}});
//   WriteBuffer& buffer = **made;
//   buffer.start();
//   buffer.buffer_upsert("downloads", {{"id", 7}, {"status", "done"}, {"progress", 100}}, {"id"});
//   auto row = buffer.get_buffered_value("downloads", {{"id", 7}}, {"id"});
//   buffer.stop();
//
// ROWS       A row is a table, the names of its key columns and their values, compared by type.
//            Calls for one row are merged: what is written is what the calls would have done one
//            after another (pending_rows.h), where the key is that of one row of the database. An
//            upsert needs a UNIQUE or PRIMARY KEY constraint on exactly the key's columns. Columns
//            that aren't given keep their values. NULL in a key equals NULL. A table's name has no
//            schema before it.
// FLUSHING   At each flush_interval_ns, when 80 % of max_buffer_size are pending, by force_flush()
//            and by stop(). Tables by priority, each in transactions of flush_batch_size rows
//            (flush_plan.h). Producers don't wait for it: what they write meanwhile goes to the
//            next one. A row leaves when it is committed, and not before; is read here until then.
// FAILURES   A row that the database refuses (a constraint, a type, no such table or column) leaves
//            alone: counted, told, kept among the newest (rejected()); but first it is tried again
//            behind all others, since they may have been in its way, unless a newer row of its key,
//            made behind calls by another key, is in by then. Whatever concerns more than a
//            row (a lock, a full disk) keeps everything, and the flush is tried again by
//            WriteBufferOptions::retry.
// FULL       A call for a row that is pending is always taken. One for another row waits, is
//            refused or times out, as the options say; pending rows never exceed max_buffer_size,
//            but for what a spool brings back.
// SPOOL      With a path, a call returns when a file has it (write_spool.h): after a crash the next
//            buffer with this path writes what isn't committed, each call exactly once. Without one
//            a crash loses what is pending. What a loss of power leaves depends on the writer's
//            Synchronous and on SpoolSync, too.
// OWNERSHIP  Holds the writer, so it can't be closed before the buffer; the destructor stops. Clock
//            and sink are the caller's and outlive it. Values are copied by the call.
// THREADS    Any. From within the writer's callbacks and this buffer's own (on_rejected, listeners
//            while it flushes or stops), what would wait for itself, or may, is refused (kOther):
//            flushing, starting, stopping, and writing when it is full.
// SIGNALS    buffer.flush.start   buffer.flush.done:Nrows:Nms   buffer.flush.error:MESSAGE
//            buffer.full (a row met a full buffer; the next time, once there was room again)
//            buffer.row.rejected:TABLE: MESSAGE   buffer.stop.left:Nrows (a stop gave up)
//            buffer.spool.replayed:Ncalls   buffer.spool.torn:Nbytes
//            buffer.spool.lost:Ncalls:Nbytes (accept_spool_loss)
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/write_buffer/buffered_row.h"
#include "mayfly/storage/write_buffer/write_buffer_options.h"

namespace mayfly {

// What a buffer holds and has done. Rows are those that are or were pending, after merging.
struct WriteBufferStats {
  std::int64_t pending = 0;
  std::map<std::string, std::int64_t> pending_by_table;  // without those that have none
  std::int64_t pending_high = 0;                         // the most there were
  std::uint64_t total_buffered = 0;                      // calls that were taken
  std::uint64_t total_coalesced = 0;                     // of them merged into a pending row
  std::uint64_t total_flushed = 0;                       // rows committed
  std::uint64_t flush_count = 0;                         // that wrote something, or failed
  std::uint64_t flush_failures = 0;
  std::uint64_t rejected = 0;  // rows
  std::uint64_t waits = 0;     // calls that waited for room
  std::uint64_t refusals = 0;  // calls that got none
  std::size_t spool_bytes = 0;
  bool is_running = false;
};

class WriteBuffer {
 public:
  using Row = std::span<const ColumnValue>;
  using Keys = std::span<const std::string_view>;
  using RowList = std::initializer_list<ColumnValue>;
  using KeyList = std::initializer_list<std::string_view>;

  // Takes calls from then on; with a spool, what it has left is pending. kParameter: no writer, an
  // option out of range, a spool of another database. kCorrupt: calls are missing in the spool
  // (accept_spool_loss). The spool's other errors: write_spool.h.
  static DbResult<std::unique_ptr<WriteBuffer>> create(std::shared_ptr<SqliteSingleWriter> writer,
                                                       WriteBufferOptions options = {});
  // stop(); from within one of those callbacks, on a thread of its own.
  ~WriteBuffer();
  WriteBuffer(const WriteBuffer&) = delete;
  WriteBuffer& operator=(const WriteBuffer&) = delete;

  // Begins to flush by itself, and to take calls again after a stop. Does nothing when it has
  // begun. kNoMemory: there is no thread for it. kOther: from within (THREADS).
  DbResult<void> start();
  // Takes no more calls, and writes everything. An error: that of the last try, when
  // stop_timeout_ns have passed, and how many rows stay; they are pending still, and in the spool.
  // A try isn't cut short, so one that waits for a lock may take the writer's busy_timeout_ns more.
  DbResult<void> stop();
  // This thread is in a callback or a listener of the buffer's or of its writer's, where start(),
  // stop() and force_flush() are refused.
  bool is_within() const;

  // The row is inserted, or these columns of it are set.
  DbResult<void> buffer_upsert(std::string_view table, Row data, Keys key_columns);
  // These columns are set, where there is such a row.
  DbResult<void> buffer_update(std::string_view table, Row data, Keys key_columns);
  // There is no such row any more. Without key_columns: all of key_data's.
  DbResult<void> buffer_delete(std::string_view table, Row key_data, Keys key_columns = {});
  // Errors of all three. kParameter: names that don't fit (write_catalog.h), a NaN. kBusy: full.
  // kClosed: stopped. kFull, kIo: the spool. Nothing of the call is done then; but where SpoolSync
  // fails it is buffered, and not safe from a loss of power.

  DbResult<void> buffer_upsert(std::string_view table, RowList data, KeyList key_columns) {
    return buffer_upsert(table, Row(data), Keys(key_columns));
  }
  DbResult<void> buffer_update(std::string_view table, RowList data, KeyList key_columns) {
    return buffer_update(table, Row(data), Keys(key_columns));
  }
  DbResult<void> buffer_delete(std::string_view table, RowList key_data, KeyList key_columns = {}) {
    return buffer_delete(table, Row(key_data), Keys(key_columns));
  }

  // What is pending for the row: the columns that calls have set. Nothing: no call, or it is to be
  // deleted. Calls by another key of the table aren't looked at.
  std::optional<BufferedRow> get_buffered_value(std::string_view table, Row key_data,
                                                Keys key_columns = {}) const;
  // Whether something is pending for the row, be it its deletion.
  bool is_key_buffered(std::string_view table, Row key_data, Keys key_columns = {}) const;
  std::optional<BufferedRow> get_buffered_value(std::string_view table, RowList key_data,
                                                KeyList key_columns = {}) const {
    return get_buffered_value(table, Row(key_data), Keys(key_columns));
  }
  bool is_key_buffered(std::string_view table, RowList key_data, KeyList key_columns = {}) const {
    return is_key_buffered(table, Row(key_data), Keys(key_columns));
  }

  // Writes all that was buffered before, on this thread: how many rows were committed.
  DbResult<std::int64_t> force_flush();

  WriteBufferStats stats() const;
  // The newest that were rejected, oldest first; what is taken is forgotten.
  std::vector<RejectedRow> rejected() const;
  std::vector<RejectedRow> take_rejected();
  const WriteBufferOptions& options() const;

 private:
  struct Impl;
  explicit WriteBuffer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
