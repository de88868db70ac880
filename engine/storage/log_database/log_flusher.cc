#include "mayfly/storage/log_database/log_flusher.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <string>

#include "mayfly/base/thread_name.h"
#include "mayfly/storage/log_database/log_codec.h"
#include "mayfly/storage/log_database/within_log.h"

namespace mayfly {
namespace {

constexpr std::int64_t kCleanAgainNs = 60 * kSecond;  // after one that failed

}  // namespace

LogFlusher::LogFlusher(const LogDatabaseOptions& options, LogIntake& intake, LogTable& table,
                       LogSignals& signals)
    : options_(options),
      intake_(intake),
      table_(table),
      signals_(signals),
      clock_(intake.clock()),
      backoff_({.max_retries = RetryOptions::kUnlimited}),
      rng_(static_cast<std::uint64_t>(clock_.now_ns())),
      signalled_(intake.ring().begin()) {
  next_store_ns_ = deadline_after(clock_.now_ns(), options.flush_interval_ns);
  next_clean_ns_ = options.retention_ns == kNever ? kNever : clock_.now_ns();
  thread_ = std::thread([this] { run(); });
}

LogFlusher::~LogFlusher() {
  if (thread_.joinable()) (void)stop();
  // Its thread has ended: what is left is this one's.
  intake_.add_dropped(intake_.ring().pending());
  raise_drops();
}

LogCounts LogFlusher::by_level() const {
  LogCounts counts;
  for (std::size_t i = 0; i < kLogLevels; ++i) {
    counts[i] = by_level_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

DbResult<void> LogFlusher::flush() {
  std::unique_lock lock(intake_.mutex());
  if (finished_) return copy_of(stop_result_);
  const std::uint64_t mine = ++wanted_.flush;
  intake_.wake();
  answered_.wait(lock, [&] { return flushed_ >= mine || finished_; });
  return copy_of(flushed_ >= mine ? flush_result_ : stop_result_);
}

DbResult<void> LogFlusher::stop() {
  intake_.ring().close();
  {
    const std::lock_guard lock(intake_.mutex());
    wanted_.stop = true;
    intake_.wake();
  }
  const std::lock_guard join(join_mutex_);
  if (has_given_up()) {
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::exception& error) {
      return no_thread("stopping a log database, once more", error);
    }
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(intake_.mutex());
  return copy_of(stop_result_);
}

// With join_mutex_ held.
bool LogFlusher::has_given_up() {
  if (thread_.joinable()) return false;
  const std::lock_guard lock(intake_.mutex());
  return finished_ && !stop_result_.ok();
}

void LogFlusher::run() {
  name_this_thread("mayfly-log");
  const WithinLog within(&intake_);
  for (;;) {
    const Wanted wanted = sleep();
    if (wanted.stop) return finish();
    work(wanted);
  }
}

LogFlusher::Wanted LogFlusher::sleep() {
  std::unique_lock lock(intake_.mutex());
  const bool for_batches = failures_ == 0;
  intake_.sleep(lock, std::min(next_store_ns_, next_clean_ns_), for_batches, [&] {
    return wanted_.stop || wanted_.flush != flushed_ || intake_.is_urgent() ||
           (for_batches && intake_.has_batch());
  });
  return wanted_;
}

void LogFlusher::work(const Wanted& wanted) {
  const bool is_urgent = intake_.take_urgent();
  // The time first: what was there when an interval ended isn't left to the next one.
  const std::int64_t now_ns = clock_.now_ns();
  const std::uint64_t records = intake_.ring().claimed_total();
  raise_signals();
  raise_drops();
  // First: what is stored now isn't looked at before the next cleaning.
  if (now_ns >= next_clean_ns_) clean_step();
  const bool is_asked = wanted.flush != flushed_;
  const bool is_due =
      now_ns >= next_store_ns_ || (failures_ == 0 && (is_urgent || intake_.has_batch()));
  if (is_asked || is_due) {
    const DbResult<void> result = store_until(records);
    if (is_asked) answer(wanted.flush, result);
  }
}

void LogFlusher::answer(std::uint64_t flush, const DbResult<void>& result) {
  const std::lock_guard lock(intake_.mutex());
  flushed_ = flush;
  flush_result_ = copy_of(result);
  answered_.notify_all();
}

void LogFlusher::finish() {
  const std::int64_t deadline_ns = deadline_after(clock_.now_ns(), options_.stop_timeout_ns);
  const std::uint64_t records = intake_.ring().claimed_total();
  DbResult<void> result = store_until(records);
  while (!result.ok() && clock_.now_ns() < deadline_ns) {
    {
      std::unique_lock lock(intake_.mutex());
      intake_.sleep(lock, std::min(next_store_ns_, deadline_ns), false, [] { return false; });
    }
    result = store_until(records);
  }
  if (!result.ok()) {
    // Who was admitted before the end gets done, and is counted.
    while (signalled_.records < records) {
      raise_signals();
      std::this_thread::yield();
    }
    DbError error = copy_of(result.error());
    try {
      error.message = fmt::format(
          "stopping a log database: expected every record to be written, "
          "found {} that couldn't be, and stay for another stop(): {}",
          records - intake_.ring().released_total(), error.message);
    } catch (const std::bad_alloc&) {  // then it says why alone
    }
    result = std::move(error);
  }
  raise_drops();
  running_.store(false, std::memory_order_release);
  const std::lock_guard lock(intake_.mutex());
  finished_ = true;
  stop_result_ = copy_of(result);
  answered_.notify_all();
}

void LogFlusher::raise_signals() noexcept {
  // Not what listeners log meanwhile: they might go on for ever.
  const std::uint64_t end = intake_.ring().claimed_total();
  while (signalled_.records < end) {
    const std::byte* const record = intake_.ring().next(signalled_);
    if (record == nullptr) return;
    const LogEntry entry(record);
    if (entry.is_quiet()) continue;
    try {
      signals_.sink().raise(signals_.of(entry.level()), entry.logger());
    } catch (...) {  // no memory for it; the record itself is stored
    }
  }
}

void LogFlusher::raise_drops() noexcept {
  const std::uint64_t dropped = intake_.dropped();
  if (dropped == drops_raised_) return;
  const auto more = static_cast<std::int64_t>(dropped - drops_raised_);
  try {
    signals_.sink().raise(signals_.dropped, more, "records");
    drops_raised_ = dropped;
  } catch (...) {  // said the next time
  }
}

DbResult<void> LogFlusher::store_until(std::uint64_t records) {
  LogRing& ring = intake_.ring();
  while (ring.released_total() < records) {
    raise_signals();
    if (signalled_.records == ring.released_total()) {
      // Its producer was stopped between its claim and its end.
      std::this_thread::yield();
      continue;
    }
    const auto stored = store_some();
    if (!stored.ok()) {
      note_failure(stored.error());
      return copy_of(stored.error());
    }
    for (std::size_t i = 0; i < kLogLevels; ++i) {
      by_level_[i].fetch_add(stored->by_level[i], std::memory_order_relaxed);
    }
    stored_.fetch_add(stored->rows, std::memory_order_relaxed);
    rejected_.fetch_add(stored->rejected, std::memory_order_relaxed);
    ring.release(stored->end);
    failures_ = 0;
  }
  if (failures_ == 0) next_store_ns_ = deadline_after(clock_.now_ns(), options_.flush_interval_ns);
  return {};
}

DbResult<LogTable::Stored> LogFlusher::store_some() noexcept {
  try {
    if (!table_is_there_) {
      if (const auto created = table_.create(); !created.ok()) return copy_of(created.error());
      table_is_there_ = true;
    }
    return table_.store(intake_.ring(), signalled_.records);
  } catch (const std::bad_alloc&) {
    return no_memory("no memory for records");
  }
}

void LogFlusher::note_failure(const DbError& error) noexcept {
  failures_total_.fetch_add(1, std::memory_order_relaxed);
  table_is_there_ = error.kind != DbError::Kind::kSql;
  const std::int64_t delay_ns =
      backoff_.next_delay_ns(failures_, 0, rng_).value_or(backoff_.options().max_delay_ns);
  ++failures_;
  next_store_ns_ = deadline_after(clock_.now_ns(), delay_ns);
  try {
    signals_.sink().raise(signals_.flush_failed, error.message);
  } catch (...) {  // the figure says it
  }
}

// Whether there may be more to do.
DbResult<bool> LogFlusher::clean_some() {
  if (is_shrinking_) {
    auto more = table_.shrink();
    is_shrinking_ = more.ok() && *more;
    return more;
  }
  const auto removed = table_.remove_before(clock_.wall_us() - options_.retention_ns / 1000);
  if (!removed.ok()) return removed.error();
  removed_ += *removed;
  is_shrinking_ = *removed < static_cast<std::int64_t>(LogTable::kRowsMax);
  return !is_shrinking_ || removed_ > 0;
}

void LogFlusher::clean_step() {
  const std::int64_t now_ns = clock_.now_ns();
  DbResult<bool> more = false;
  try {
    more = clean_some();
  } catch (const std::bad_alloc&) {
    more = no_memory("no memory");
  }
  if (more.ok() && *more) return;  // the next step is due at once
  is_shrinking_ = false;
  next_clean_ns_ =
      deadline_after(now_ns, more.ok() ? options_.cleanup_interval_ns
                                       : std::min(options_.cleanup_interval_ns, kCleanAgainNs));
  if (removed_ == 0) return;
  try {
    signals_.sink().raise(signals_.cleanup, removed_, "rows");
  } catch (...) {  // nothing depends on it
  }
  removed_ = 0;
}

}  // namespace mayfly
