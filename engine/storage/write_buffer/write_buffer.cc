#include "mayfly/storage/write_buffer/write_buffer.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <thread>
#include <utility>

#include "mayfly/storage/machine_clock.h"
#include "mayfly/storage/own_thread.h"
#include "mayfly/storage/write_buffer/row_calls.h"
#include "mayfly/storage/write_buffer/write_buffer_impl.h"

namespace mayfly {
namespace {

DbError from_within(const std::string& what) {
  return {.message = what +
                     ": expected a call from outside of the writer's and the buffer's own "
                     "callbacks, found one from within, which would wait for itself; do it later"};
}

}  // namespace

WriteBuffer::Impl::Impl(std::shared_ptr<SqliteSingleWriter> writer_in,
                        WriteBufferOptions options_in)
    : writer(std::move(writer_in)),
      options(std::move(options_in)),
      clock(options.clock != nullptr ? *options.clock : machine_clock()),
      sink(options.signals != nullptr ? *options.signals : writer->sink()),
      retry(options.retry),
      flush_start(sink.intern("buffer.flush.start")),
      flush_done(sink.intern("buffer.flush.done")),
      flush_error(sink.intern("buffer.flush.error")),
      buffer_full(sink.intern("buffer.full")),
      row_rejected(sink.intern("buffer.row.rejected")),
      stop_left(sink.intern("buffer.stop.left")),
      spool_replayed(sink.intern("buffer.spool.replayed")),
      spool_torn(sink.intern("buffer.spool.torn")),
      spool_lost(sink.intern("buffer.spool.lost")),
      rng(options.seed != 0 ? options.seed : static_cast<std::uint64_t>(clock.now_ns())),
      catalog(options.table_priorities),
      rewrite_at(options.spool_rewrite_bytes) {}

bool WriteBuffer::Impl::would_wait_for_itself() const {
  return writer->is_within() || flushing.is_here() || stopping_here.is_here();
}

DbResult<void> WriteBuffer::Impl::write(const Call& call) {
  try {
    std::uint64_t number = 0;
    bool wakes = false;
    {
      std::unique_lock lock(mutex);
      const bool wanted = flush_wanted;
      if (auto done = write_locked(call, lock); !done.ok()) return done;
      number = calls;
      wakes = flush_wanted && !wanted;
    }
    if (wakes) work.notify_one();
    if (spool == nullptr) return {};
    return spool->sync(number);
  } catch (const std::bad_alloc&) {
    return no_memory("no memory for a buffered row");
  }
}

DbResult<void> WriteBuffer::Impl::write_locked(const Call& call,
                                               std::unique_lock<std::mutex>& lock) {
  std::optional<std::int64_t> deadline;
  std::optional<Place> place;
  DbResult<ShapedCall> shaped = DbError{};
  for (;;) {
    if (closed) {
      return DbError{.kind = DbError::Kind::kClosed,
                     .message = "buffering for table '" + std::string(call.table) +
                                "': expected a buffer that takes writes, found one that was "
                                "stopped"};
    }
    // Again after each wait: others use the room for the values meanwhile.
    shaped = shape(call);
    if (!shaped.ok()) return shaped.error();
    if ((place = find_place(*shaped))) break;
    if (auto waited = wait_for_room(lock, deadline); !waited.ok()) return waited;
  }
  const BufferedTable& table = *shaped->shape->space->table;
  if (spool != nullptr) {
    if (auto kept = spool_call(call, shaped->number); !kept.ok()) {
      give_back(*place, table);
      return kept;
    }
  }
  try {
    active->add(*shaped, place->open, catalog);
  } catch (const std::bad_alloc&) {
    if (spool != nullptr) spool->undo();
    give_back(*place, table);
    return no_memory("no memory for a buffered row");
  }
  calls = shaped->number;
  ++buffered;
  if (place->open) ++coalesced;
  const std::int64_t now_pending = pending.load(std::memory_order_relaxed);
  pending_high = std::max(pending_high, now_pending);
  if (now_pending * 5 >= static_cast<std::int64_t>(options.max_buffer_size) * 4) {
    flush_wanted = true;
  }
  if (spool != nullptr && spool->bytes() > rewrite_at) rewrite_spool();
  return {};
}

DbResult<ShapedCall> WriteBuffer::Impl::shape(const Call& call) {
  const auto found = catalog.resolve(call.op, call.table, call.data, call.keys);
  if (!found.ok()) return found.error();
  const CallShape& names = **found;
  values.clear();
  for (const std::uint32_t source : names.source) {
    const Value& value = call.data[source].value;
    if (value.kind() == Value::Kind::kFloat64 && std::isnan(value.float64())) {
      return DbError{.kind = DbError::Kind::kParameter,
                     .message = "buffering for table '" + std::string(call.table) +
                                "': expected a number for column '" +
                                std::string(call.data[source].column) +
                                "', found NaN, which SQLite would store as NULL"};
    }
    if (value.text().size() > kSpoolRecordMax) {
      return DbError{.kind = DbError::Kind::kTooBig,
                     .message = "buffering for table '" + std::string(call.table) +
                                "': expected at most " + std::to_string(kSpoolRecordMax) +
                                " bytes for column '" + std::string(call.data[source].column) +
                                "', found " + std::to_string(value.text().size())};
    }
    values.push_back(value);
  }
  const std::span<const Value> all = values;
  return ShapedCall{.op = call.op,
                    .shape = names.shape,
                    .values = all,
                    .hash = PendingRows::hash_key(all.first(names.shape->keys())),
                    .number = calls + 1};
}

std::optional<WriteBuffer::Impl::Place> WriteBuffer::Impl::find_place(const ShapedCall& call) {
  Place place;
  place.open = active->find_open(call);
  if (place.open) return place;
  if (front != nullptr && !active->find(call)) {
    const RowRef before = front->find(call);
    if (before && front->mark(before, PendingRows::kTakenOver) == 0) {
      place.taken = before;
      return place;
    }
  }
  if (pending.load() >= static_cast<std::int64_t>(options.max_buffer_size)) return std::nullopt;
  place.is_new = true;
  full_said = false;
  pending.fetch_add(1);
  call.shape->space->table->pending.fetch_add(1, std::memory_order_relaxed);
  return place;
}

void WriteBuffer::Impl::give_back(const Place& place, const BufferedTable& table) {
  const bool left_meanwhile = place.taken && (front->unmark(place.taken, PendingRows::kTakenOver) &
                                              PendingRows::kGone) != 0;
  if (!place.is_new && !left_meanwhile) return;
  table.pending.fetch_sub(1, std::memory_order_relaxed);
  pending.fetch_sub(1);
  room.notify_all();
}

DbError WriteBuffer::Impl::full() const {
  return {.kind = DbError::Kind::kBusy,
          .message = "the write buffer is full: expected at most " +
                     std::to_string(options.max_buffer_size) +
                     " rows pending, found another; flush more often, or raise max_buffer_size"};
}

DbResult<void> WriteBuffer::Impl::wait_for_room(std::unique_lock<std::mutex>& lock,
                                                std::optional<std::int64_t>& deadline) {
  if (!full_said) {
    full_said = true;
    lock.unlock();
    sink.raise(buffer_full);
    lock.lock();
    return {};
  }
  const bool within = would_wait_for_itself();
  if (options.when_full == WhenFull::kRefuse || within) {
    ++refusals;
    flush_wanted = true;
    work.notify_one();
    if (within) return from_within(full().message + "; waiting for room");
    return full();
  }
  if (!deadline) {
    ++waits;
    deadline =
        options.when_full == WhenFull::kWait ? kNever : clock.now_ns() + options.full_timeout_ns;
  }
  if (clock.now_ns() >= *deadline) {
    ++refusals;
    return full();
  }
  if (!running) {
    // Nobody else would make room.
    lock.unlock();
    const auto done = flush_all();
    lock.lock();
    if (!done.ok()) return done.error();
    return {};
  }
  flush_wanted = true;
  work.notify_one();
  waiting.fetch_add(1);
  if (pending.load() >= static_cast<std::int64_t>(options.max_buffer_size) && !closed) {
    clock.wait_until(lock, room, *deadline);
  }
  waiting.fetch_sub(1);
  return {};
}

DbResult<void> WriteBuffer::Impl::spool_call(const Call& call, std::uint64_t number) {
  record.clear();
  if (!append_record(record, spool->id().key, number, call.op, call.table, call.data, call.keys)) {
    return DbError{.kind = DbError::Kind::kTooBig,
                   .message = "buffering for table '" + std::string(call.table) +
                              "': expected a row of at most " + std::to_string(kSpoolRecordMax) +
                              " bytes, found more"};
  }
  return spool->append(record, number);
}

DbResult<void> WriteBuffer::Impl::write_spool_anew() {
  return spool->rewrite(calls, [this](std::string& out) {
    const RecordKey key = spool->id().key;
    return (front == nullptr || append_rows(*front, key, out)) && append_rows(*active, key, out);
  });
}

void WriteBuffer::Impl::rewrite_spool() {
  const std::size_t before = spool->bytes();
  bool smaller = false;
  try {
    const auto done = write_spool_anew();
    smaller = done.ok() && spool->bytes() < before;
  } catch (const std::bad_alloc&) {
    // It grows, then: the call is in.
  }
  const std::size_t now = spool->bytes();
  rewrite_at = std::max(options.spool_rewrite_bytes, smaller ? 4 * now : 2 * before);
}

std::optional<BufferedRow> WriteBuffer::Impl::look_up(std::string_view table, Row key_data,
                                                      Keys keys, bool& is_buffered) {
  const std::lock_guard lock(mutex);
  const auto shaped =
      shape({.op = BufferedOp::kDelete, .table = table, .data = key_data, .keys = keys});
  is_buffered = false;
  if (!shaped.ok()) return std::nullopt;
  std::vector<std::pair<const PendingRows*, RowRef>> rows;
  for (const PendingRows* generation : {active.get(), front.get()}) {
    if (generation == nullptr) continue;
    RowRef ref = generation->find(*shaped);
    for (; ref; ref.row = generation->row(ref).older) {
      if (!generation->is_gone(ref)) rows.emplace_back(generation, ref);
    }
  }
  is_buffered = !rows.empty();
  std::reverse(rows.begin(), rows.end());
  BufferedRow merged;
  if (!merge_rows(rows, merged)) return std::nullopt;
  return merged;
}

WriteBuffer::WriteBuffer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DbResult<std::unique_ptr<WriteBuffer>> WriteBuffer::create(
    std::shared_ptr<SqliteSingleWriter> writer, WriteBufferOptions options) {
  if (writer == nullptr) {
    return DbError{.kind = DbError::Kind::kParameter,
                   .message = "write buffer: expected a writer, found none"};
  }
  if (const Status checked = check_write_buffer_options(options); !checked.ok()) {
    return DbError{.kind = DbError::Kind::kParameter, .message = checked.message()};
  }
  try {
    auto impl = std::make_unique<Impl>(std::move(writer), std::move(options));
    if (const auto opened = impl->open_spool(); !opened.ok()) return opened.error();
    return std::unique_ptr<WriteBuffer>(new WriteBuffer(std::move(impl)));
  } catch (const std::bad_alloc&) {
    return no_memory("no memory for a buffered row");
  }
}

WriteBuffer::~WriteBuffer() {
  if (!impl_->would_wait_for_itself()) {
    static_cast<void>(impl_->stop());
    return;
  }
  // Without a thread nobody can wait for it: it goes on working.
  (void)run_on_own_thread([impl = impl_.release()] {
    static_cast<void>(impl->stop());
    delete impl;
  });
}

bool WriteBuffer::is_within() const { return impl_->would_wait_for_itself(); }
DbResult<void> WriteBuffer::start() {
  if (impl_->would_wait_for_itself()) return from_within("starting a write buffer");
  return impl_->start();
}
DbResult<void> WriteBuffer::stop() {
  if (impl_->would_wait_for_itself()) return from_within("stopping a write buffer");
  return impl_->stop();
}

DbResult<void> WriteBuffer::buffer_upsert(std::string_view table, Row data, Keys key_columns) {
  return impl_->write({BufferedOp::kUpsert, table, data, key_columns});
}

DbResult<void> WriteBuffer::buffer_update(std::string_view table, Row data, Keys key_columns) {
  return impl_->write({BufferedOp::kUpdate, table, data, key_columns});
}

namespace {

// Those of the data, where none are given.
std::vector<std::string_view> all_columns(WriteBuffer::Row data) {
  std::vector<std::string_view> names;
  for (const ColumnValue& one : data) names.push_back(one.column);
  return names;
}

}  // namespace

DbResult<void> WriteBuffer::buffer_delete(std::string_view table, Row key_data, Keys key_columns) {
  if (!key_columns.empty())
    return impl_->write({BufferedOp::kDelete, table, key_data, key_columns});
  const auto names = all_columns(key_data);
  return impl_->write({BufferedOp::kDelete, table, key_data, names});
}

std::optional<BufferedRow> WriteBuffer::get_buffered_value(std::string_view table, Row key_data,
                                                           Keys key_columns) const {
  const auto names = all_columns(key_data);
  bool is_buffered = false;
  return impl_->look_up(table, key_data, key_columns.empty() ? Keys(names) : key_columns,
                        is_buffered);
}

bool WriteBuffer::is_key_buffered(std::string_view table, Row key_data, Keys key_columns) const {
  const auto names = all_columns(key_data);
  bool is_buffered = false;
  impl_->look_up(table, key_data, key_columns.empty() ? Keys(names) : key_columns, is_buffered);
  return is_buffered;
}

DbResult<std::int64_t> WriteBuffer::force_flush() {
  if (impl_->would_wait_for_itself()) return from_within("flushing a write buffer");
  return impl_->flush_all();
}

WriteBufferStats WriteBuffer::stats() const {
  const std::lock_guard lock(impl_->mutex);
  WriteBufferStats stats{.pending = impl_->pending.load(),
                         .pending_by_table = {},
                         .pending_high = impl_->pending_high,
                         .total_buffered = impl_->buffered,
                         .total_coalesced = impl_->coalesced,
                         .total_flushed = impl_->flushed.load(),
                         .flush_count = impl_->flushes.load(),
                         .flush_failures = impl_->failures.load(),
                         .rejected = impl_->rejected.load(),
                         .waits = impl_->waits,
                         .refusals = impl_->refusals,
                         .spool_bytes = impl_->spool != nullptr ? impl_->spool->bytes() : 0,
                         .is_running = impl_->running};
  for (const BufferedTable& table : impl_->catalog.tables()) {
    const std::int64_t rows = table.pending.load(std::memory_order_relaxed);
    if (rows != 0) stats.pending_by_table[table.name] = rows;
  }
  return stats;
}

std::vector<RejectedRow> WriteBuffer::rejected() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->rejected_rows.begin(), impl_->rejected_rows.end()};
}

std::vector<RejectedRow> WriteBuffer::take_rejected() {
  const std::lock_guard lock(impl_->mutex);
  std::vector<RejectedRow> taken(std::make_move_iterator(impl_->rejected_rows.begin()),
                                 std::make_move_iterator(impl_->rejected_rows.end()));
  impl_->rejected_rows.clear();
  return taken;
}

const WriteBufferOptions& WriteBuffer::options() const { return impl_->options; }

}  // namespace mayfly
