#include "mayfly/storage/persistent_window/signal_flusher.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "mayfly/base/thread_name.h"
#include "mayfly/storage/persistent_window/stored_time.h"

namespace mayfly {
namespace {

// Rows deleted in one transaction.
constexpr std::int64_t kPruneRows = 1000;
constexpr std::int64_t kRetryNs = kSecond;

DbError refuse(const char* found) {
  return {.message = fmt::format("expected a flush that may wait, found one {}, which would wait "
                                 "for itself; flush from another thread, or later",
                                 found)};
}

}  // namespace

SignalFlusher::SignalFlusher(std::string_view database, std::shared_ptr<SqliteSingleWriter> writer,
                             CaptureBuffer& captured, SignalSink& sink, const Clock& clock,
                             const PersistentWindowOptions& options)
    : database_(database),
      writer_(std::move(writer)),
      captured_(captured),
      sink_(sink),
      clock_(clock),
      options_(options),
      flush_start_(sink.intern("window.flush.start")),
      flush_done_(sink.intern("window.flush.done")),
      flush_error_(sink.intern("window.flush.error")),
      window_dropped_(sink.intern("window.dropped")),
      pruned_stem_(sink.intern("window.pruned")) {}

DbResult<void> SignalFlusher::start() {
  const auto looked = writer_->query([&](SqlSession& session) -> DbResult<void> {
    const auto newest = signal_table::newest_id(session);
    if (!newest.ok()) return newest.error();
    const auto rows = signal_table::count(session);
    if (!rows.ok()) return rows.error();
    id_at_start_ = last_id_ = *newest;
    stored_.store(static_cast<std::uint64_t>(*rows), std::memory_order_relaxed);
    return {};
  });
  if (!looked.ok()) return looked.error();
  next_round_ns_ = deadline_after(clock_.now_ns(), options_.flush_interval_ns);
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (const std::exception& error) {
    return no_thread("opening a window", error);
  }
  return {};
}

DbResult<void> SignalFlusher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    deadline_ns_ = deadline_after(clock_.now_ns(), options_.stop_timeout_ns);
    wake_.notify_all();
  }
  if (!thread_.joinable() && captured_.held() > 0) {
    try {
      thread_ = std::thread([this] { loop(); });
    } catch (const std::exception& error) {
      return no_thread("closing a window, once more", error);
    }
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return copy_of(end_);
}

DbResult<void> SignalFlusher::flush() {
  if (own_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    return refuse("by a listener of what the flush itself says");
  }
  if (writer_->is_within()) return refuse("from within a function of the database's writer");
  Waiter waiter;
  std::unique_lock lock(mutex_);
  if (stopping_) {
    return DbError{.kind = DbError::Kind::kClosed,
                   .message = "expected a window that is open, found one that was closed"};
  }
  waiter.next = std::exchange(waiters_, &waiter);
  wake_.notify_all();
  answered_.wait(lock, [&] { return waiter.done; });
  return copy_of(waiter.result);
}

void SignalFlusher::hurry() noexcept {
  // Relaxed: whoever sees true has nothing to do, and the mutex orders the rest.
  if (hurried_.load(std::memory_order_relaxed)) return;
  if (hurried_.exchange(true, std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

void SignalFlusher::loop() {
  name_this_thread("mayfly-window");
  own_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  for (bool ended = false; !ended;) {
    const bool last = !wait(lock);
    Waiter* const waiters = std::exchange(waiters_, nullptr);
    lock.unlock();
    hurried_.store(false, std::memory_order_relaxed);
    DbResult<void> result = run_round();
    if (result.ok() && (waiters != nullptr || last)) result = take_dropped_error();
    lock.lock();
    answer(waiters, result);
    if (!last) continue;
    end_ = copy_of(result);
    ended = captured_.held() == 0 || clock_.now_ns() >= deadline_ns_;
    const std::int64_t next_ns = std::min(earliest_ns_, deadline_ns_);
    while (!ended && clock_.now_ns() < next_ns) clock_.wait_until(lock, wake_, next_ns);
  }
}

void SignalFlusher::answer(Waiter* waiters, const DbResult<void>& result) {
  while (waiters != nullptr) {
    Waiter* const next = waiters->next;  // it may be gone once it is done
    waiters->result = copy_of(result);
    waiters->done = true;
    waiters = next;
  }
  answered_.notify_all();
}

bool SignalFlusher::wait(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (stopping_) return false;
    if (waiters_ != nullptr) return true;
    const bool hurried = hurried_.load(std::memory_order_relaxed);
    const std::int64_t due_ns = hurried ? std::min(earliest_ns_, next_round_ns_) : next_round_ns_;
    if (clock_.now_ns() >= due_ns) return true;
    clock_.wait_until(lock, wake_, due_ns);
  }
}

DbResult<void> SignalFlusher::run_round() noexcept {
  DbResult<void> result;
  try {
    const std::uint64_t flushed_before = total_flushed();
    result = write_pending();
    const std::uint64_t flushed = total_flushed() - flushed_before;
    if (pending() == 0) prune(static_cast<std::size_t>(flushed / kPruneRows) + 1);
  } catch (const std::exception& error) {
    result = DbError{.kind = DbError::Kind::kNoMemory, .message = error.what()};
    say_error(error.what());
  }
  const std::int64_t now_ns = clock_.now_ns();
  if (result.ok()) {
    next_round_ns_ = deadline_after(now_ns, options_.flush_interval_ns);
    earliest_ns_ = now_ns;
  } else {
    failures_.fetch_add(1, std::memory_order_relaxed);
    earliest_ns_ = next_round_ns_ =
        deadline_after(now_ns, std::min(kRetryNs, options_.flush_interval_ns));
  }
  return result;
}

DbResult<void> SignalFlusher::write_pending() {
  // Before it takes what is there, so that no drop belongs to a later flush than its neighbours.
  look_for_dropped();
  if (CapturedBatch batch = captured_.take(); !batch.signals.empty()) {
    batches_.push_back(std::move(batch));
  }
  const std::size_t count = pending();
  if (count == 0) return {};
  say(flush_start_, std::to_string(count));
  while (pending() > 0) {
    DbResult<void> written;
    if (!table_is_there_) written = signal_table::prepare(*writer_);
    table_is_there_ = written.ok();
    if (written.ok()) written = write_chunk(next_chunk());
    if (!written.ok()) {
      // Somebody may have dropped it.
      table_is_there_ = table_is_there_ && written.error().kind != DbError::Kind::kSql;
      say_error(written.error().message);
      return written;
    }
  }
  say(flush_done_, std::to_string(count));
  return {};
}

std::size_t SignalFlusher::pending() const {
  std::size_t count = 0;
  for (const CapturedBatch& batch : batches_) count += batch.signals.size();
  return count - written_;
}

SignalFlusher::Chunk SignalFlusher::next_chunk() const {
  const Chunk left = Chunk(batches_.front().signals).subspan(written_);
  const std::size_t wanted = uncertain_ ? uncertain_signals_ : options_.max_signals_per_flush;
  return left.first(std::min(wanted, left.size()));
}

DbResult<void> SignalFlusher::write_chunk(Chunk chunk) {
  std::optional<signal_table::Inserted> tried;
  const auto written =
      writer_->execute_in_transaction([&](SqlSession& session) -> DbResult<signal_table::Inserted> {
        auto inserted = write_rows(session, chunk);
        if (inserted.ok()) tried = *inserted;
        return inserted;
      });
  if (written.ok()) {
    leave(chunk, *written);
    return {};
  }
  if (tried && tried->rows > 0) {
    uncertain_ = tried;
    uncertain_signals_ = chunk.size();
  }
  return written.error();
}

DbResult<signal_table::Inserted> SignalFlusher::write_rows(SqlSession& session, Chunk chunk) {
  const auto newest = signal_table::newest_id(session);
  if (!newest.ok()) return newest.error();
  if (uncertain_) {
    const auto there = signal_table::holds(session, chunk, *uncertain_);
    if (!there.ok()) return there.error();
    if (*there) return *uncertain_;
  }
  if (*newest != last_id_) {
    // Somebody else writes or deletes here too.
    const auto rows = signal_table::count(session);
    if (!rows.ok()) return rows.error();
    stored_.store(static_cast<std::uint64_t>(*rows), std::memory_order_relaxed);
  }
  return signal_table::insert(session, chunk, std::max(*newest, last_id_) + 1, wall_time());
}

// The chunk is committed.
void SignalFlusher::leave(Chunk chunk, const signal_table::Inserted& inserted) {
  uncertain_.reset();
  if (inserted.refused > 0) {
    refused_.fetch_add(inserted.refused, std::memory_order_relaxed);
    say_error(inserted.refusal);
  }
  if (inserted.rows > 0) {
    last_id_ = std::max(last_id_, inserted.last_id());
    last_flushed_id_.store(inserted.last_id(), std::memory_order_release);
    total_flushed_.fetch_add(inserted.rows, std::memory_order_relaxed);
    stored_.fetch_add(inserted.rows, std::memory_order_relaxed);
  }
  std::size_t bytes = 0;
  for (const CapturedSignal& signal : chunk) bytes += signal.bytes();
  captured_.release(chunk.size(), bytes);
  written_ += chunk.size();
  if (written_ < batches_.front().signals.size()) return;
  captured_.give_back(std::move(batches_.front()));
  batches_.pop_front();
  written_ = 0;
}

void SignalFlusher::look_for_dropped() {
  const std::uint64_t dropped = captured_.dropped();
  const std::uint64_t more = dropped - std::exchange(dropped_seen_, dropped);
  dropped_untold_ += more;
  if (more > 0) say(window_dropped_, std::to_string(more));
}

DbResult<void> SignalFlusher::take_dropped_error() {
  const std::uint64_t untold = std::exchange(dropped_untold_, 0);
  if (untold == 0) return {};
  try {
    return DbError{
        .message = fmt::format("expected room for what is raised, found max_pending_signals or "
                               "max_pending_bytes reached: {} signals since the last flush are in "
                               "memory alone; raise the limit, or see why flushes failed",
                               untold)};
  } catch (const std::bad_alloc&) {
    return no_memory("some are lost");
  }
}

void SignalFlusher::say(StemId stem, std::string_view argument) noexcept {
  try {
    sink_.raise(stem, argument);
  } catch (const std::bad_alloc&) {
    // Without memory for it nobody hears of it; the figures have it.
  }
}

// Of several windows that share a sink, whose it is.
void SignalFlusher::say_error(std::string_view why) noexcept {
  try {
    sink_.raise(flush_error_, fmt::format("{}: {}", database_, why));
  } catch (const std::bad_alloc&) {
    // As above.
  }
}

// Goes on until all is within the limits, or somebody waits; then at least so many chunks.
void SignalFlusher::prune(std::size_t chunks_min) {
  std::uint64_t deleted = 0;
  for (std::size_t i = 0; i < chunks_min || !is_asked(); ++i) {
    const auto chunk = prune_chunk();
    if (!chunk.ok()) {
      say_error(chunk.error().message);
      break;
    }
    deleted += static_cast<std::uint64_t>(*chunk);
    if (*chunk == 0) break;
  }
  if (deleted == 0) return;
  pruned_.fetch_add(deleted, std::memory_order_relaxed);
  say(pruned_stem_, std::to_string(deleted));
}

// How many rows it deleted; 0: there is nothing to delete.
DbResult<std::int64_t> SignalFlusher::prune_chunk() {
  const std::uint64_t rows = stored();
  const std::uint64_t most = options_.max_stored_signals;
  std::int64_t beyond = most == 0 || rows <= most ? 0 : static_cast<std::int64_t>(rows - most);
  std::string before;
  if (beyond == 0 && options_.max_stored_age_ns != kNever) {
    before = StoredTime().text(clock_.wall_us() - options_.max_stored_age_ns / kMicrosecond);
    const auto some = writer_->query(
        [&](SqlSession& session) { return signal_table::has_before(session, before); });
    if (!some.ok()) return some.error();
    if (!*some) return 0;
  } else if (beyond == 0) {
    return 0;
  }
  const auto deleted = writer_->execute_in_transaction([&](SqlSession& session) {
    return beyond > 0 ? signal_table::delete_oldest(session, std::min(beyond, kPruneRows))
                      : signal_table::delete_before(session, before, kPruneRows);
  });
  if (deleted.ok()) {
    const auto gone = static_cast<std::uint64_t>(*deleted);
    stored_.store(rows - std::min(rows, gone), std::memory_order_relaxed);
  }
  return deleted;
}

bool SignalFlusher::is_asked() {
  const std::lock_guard lock(mutex_);
  return stopping_ || waiters_ != nullptr || hurried_.load(std::memory_order_relaxed);
}

signal_table::WallTime SignalFlusher::wall_time() const {
  const std::int64_t wall_us = clock_.wall_us();
  return {.offset_us = wall_us - clock_.now_ns() / kMicrosecond, .now_us = wall_us};
}

}  // namespace mayfly
