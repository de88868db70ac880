// WriteBuffer::Impl: flushes.
#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "mayfly/storage/write_buffer/row_calls.h"
#include "mayfly/storage/write_buffer/write_buffer_impl.h"

namespace mayfly {
namespace {

// A generation with more than this isn't kept for the next one.
constexpr std::size_t kSpareBytesMax = std::size_t{16} << 20;

bool has(const std::vector<RowRef>& sorted, RowRef row) {
  return std::binary_search(sorted.begin(), sorted.end(), row);
}

}  // namespace

DbResult<std::int64_t> WriteBuffer::Impl::flush_all() {
  const std::lock_guard lock(flush_mutex);
  const ThreadMark::Here here(flushing);
  const std::int64_t began_ns = clock.now_ns();
  flushed_now = 0;
  bool said = false;
  DbResult<void> done;
  try {
    // What an earlier flush left, and then what has come since.
    for (bool is_last = false; done.ok() && !is_last;) {
      is_last = front == nullptr;
      if (is_last && !bring_to_front()) break;
      if (!said) sink.raise(flush_start);
      said = true;
      done = flush_front();
    }
  } catch (const std::bad_alloc&) {
    done = no_memory("no memory for a flush");
  }
  if (said) flushes.fetch_add(1, std::memory_order_relaxed);
  if (!done.ok()) {
    failures.fetch_add(1, std::memory_order_relaxed);
    try {
      sink.raise(flush_error, done.error().message);
    } catch (const std::bad_alloc&) {  // the figure says it
    }
    return copy_of(done.error());
  }
  if (said) {
    sink.raise(flush_done, flushed_now, "rows", (clock.now_ns() - began_ns) / kMillisecond, "ms");
  }
  return flushed_now;
}

bool WriteBuffer::Impl::bring_to_front() {
  auto fresh = spare != nullptr ? std::move(spare) : std::make_unique<PendingRows>();
  if (spool != nullptr) {
    std::uint64_t last = 0;
    {
      const std::lock_guard lock(mutex);
      if (active->empty()) return false;
      spool->begin_rotation();
      last = calls;
    }
    spool->prepare_rotation(last);
  }
  const std::lock_guard lock(mutex);
  if (active->empty()) return false;
  front = std::exchange(active, std::move(fresh));
  // All up to this one are in it, or were committed before: its rows' own numbers may be lower.
  front_upto = calls;
  if (spool != nullptr) spool->rotate();
  return true;
}

DbResult<void> WriteBuffer::Impl::flush_front() {
  std::vector<RefusedRow> refused;
  bool recorded = false;
  if (auto done = write_front(refused, recorded); !done.ok()) return done;
  for (const RefusedRow& row : refused) reject(row);
  wake_waiting();
  if (progress && !recorded) {
    if (auto done = record_front_done(); !done.ok()) return done;
  }
  forget_front();
  return {};
}

DbResult<void> WriteBuffer::Impl::write_front(std::vector<RefusedRow>& refused, bool& recorded) {
  std::vector<TableRows> plan = plan_flush(*front);
  // Refused by a flush that failed later, when a newer row of the key was written.
  if (const auto outdated = front->outdated(); !outdated.empty()) {
    for (TableRows& table : plan) {
      std::erase_if(table.rows, [&](RowRef row) { return has(outdated, row); });
    }
    for (const RowRef row : outdated) {
      refused.push_back(
          {row,
           {.kind = DbError::Kind::kConstraint,
            .message = "writing a row: expected it to be in before newer calls for it by the same "
                       "key, found that the database had refused it, and has those"}});
    }
  }
  bool is_last = false;
  std::size_t batch_size = 0;
  bool records_all = false;
  std::vector<std::uint64_t> calls_in;
  const auto record_rows = [&](SqlSession& session,
                               std::span<const RowRef> rows) -> DbResult<void> {
    records_all = false;
    if (!progress || rows.empty()) return {};
    records_all = is_last && refused.empty() && rows.size() == batch_size;
    if (records_all) return progress->record_all(session, front_upto);
    calls_in.clear();
    for (const RowRef row : rows) calls_in.push_back(front->row(row).last_call);
    return progress->record_rows(session, calls_in);
  };
  const auto written = [&](std::span<const RowRef> rows) {
    recorded = records_all;
    rows_left(rows);
  };
  BatchWriter batches(*writer, *front, record_rows, written);
  for (const TableRows& table : plan) {
    for (std::size_t at = 0; at < table.rows.size(); at += batch_size) {
      batch_size = std::min(options.flush_batch_size, table.rows.size() - at);
      is_last = &table == &plan.back() && at + batch_size == table.rows.size();
      const auto batch = std::span(table.rows).subspan(at, batch_size);
      if (auto done = batches.write(batch, refused); !done.ok()) return done;
    }
  }
  is_last = false;
  return retry_refused(batches, refused);
}

// Others may have been in their way: a row they refer to, a unique value that was given up. But
// what is older than a row of its key that is in by now stays refused.
DbResult<void> WriteBuffer::Impl::retry_refused(BatchWriter& batches,
                                                std::vector<RefusedRow>& refused) {
  for (std::size_t before = refused.size() + 1; !refused.empty() && refused.size() < before;) {
    before = refused.size();
    std::vector<RowRef> rows;
    std::vector<RefusedRow> again;
    const std::vector<RowRef> outdated = front->outdated();
    for (const RefusedRow& row : refused) {
      if (has(outdated, row.row)) {
        again.push_back(row);
      } else {
        rows.push_back(row.row);
      }
    }
    sort_by_order(*front, rows);
    for (std::size_t at = 0; at < rows.size(); at += options.flush_batch_size) {
      const std::size_t count = std::min(options.flush_batch_size, rows.size() - at);
      auto done = batches.write(std::span(rows).subspan(at, count), again);
      if (!done.ok()) return done;
    }
    refused = std::move(again);
  }
  return {};
}

void WriteBuffer::Impl::rows_left(std::span<const RowRef> rows) {
  for (const RowRef row : rows) row_left(row);
  flushed_now += static_cast<std::int64_t>(rows.size());
  flushed.fetch_add(rows.size(), std::memory_order_relaxed);
  wake_waiting();
}

void WriteBuffer::Impl::row_left(RowRef ref) {
  if (front->mark(ref, PendingRows::kGone) != 0) return;  // another counts in its place
  front->row(ref).shape->space->table->pending.fetch_sub(1, std::memory_order_relaxed);
  pending.fetch_sub(1);
}

void WriteBuffer::Impl::wake_waiting() {
  if (waiting.load() == 0) return;
  const std::lock_guard lock(mutex);
  room.notify_all();
}

void WriteBuffer::Impl::reject(const RefusedRow& refused) {
  const PendingRow& row = front->row(refused.row);
  RejectedRow told{.table = row.shape->space->table->name,
                   .op = row.asked,
                   .row = row_values(*front, row),
                   .error = refused.error};
  {
    // First: without memory for it the row stays, and is refused by the next flush.
    const std::lock_guard lock(mutex);
    rejected_rows.push_back(told);
    while (rejected_rows.size() > options.rejected_max) rejected_rows.pop_front();
  }
  row_left(refused.row);
  rejected.fetch_add(1, std::memory_order_relaxed);
  try {
    sink.raise(row_rejected, told.table + ": " + told.error.message);
  } catch (const std::bad_alloc&) {  // it is in rejected(), too
  }
  if (!options.on_rejected) return;
  try {
    options.on_rejected(told);
  } catch (...) {
    // The caller's own: likewise.
  }
}

DbResult<void> WriteBuffer::Impl::record_front_done() {
  return writer->execute_in_transaction([this](SqlSession& session) -> DbResult<void> {
    return progress->record_all(session, front_upto);
  });
}

void WriteBuffer::Impl::forget_front() {
  std::unique_ptr<PendingRows> done;
  {
    const std::lock_guard lock(mutex);
    done = std::move(front);
    if (spool != nullptr && active->empty()) spool->empty();
  }
  if (spool != nullptr) spool->drop_old();
  if (done->bytes() > kSpareBytesMax) return;
  done->clear();
  spare = std::move(done);
}

}  // namespace mayfly
