#include "mayfly/storage/writer_loop.h"

#include <algorithm>
#include <array>
#include <bit>

#include "mayfly/base/thread_name.h"
#include "mayfly/data/outcome.h"
#include "mayfly/data/slice_chain.h"
#include "mayfly/storage/rejection_names.h"

namespace mayfly {

using Kind = GroupResult::Kind;

WriterLoop::WriterLoop(SqliteWriter& writer, BatchPool& pool, AnswerSink& answers,
                       const Clock& clock, SignalSink& signals, std::uint64_t seed,
                       WriterLoopOptions options)
    : writer_(writer),
      pool_(pool),
      answers_(answers),
      clock_(clock),
      signals_(signals),
      retry_(writer.options().retry),
      rng_(seed),
      options_(std::move(options)),
      queue_(pool.rows_max(), options_.lanes_max),
      write_start_(signals.intern("write.start")),
      write_done_(signals.intern("write.done")),
      write_busy_(signals.intern("write.busy")),
      write_error_(signals.intern("write.error")) {
  // As many slices as a group's rows and the last pop can bring.
  const std::size_t slices = (writer.options().group_batches + 1ull) * pool.options().rows;
  group_.reserve(slices);
  failed_slices_.reserve(slices);
}

WriterLoop::~WriterLoop() { abandon(); }

void WriterLoop::start() {
  stats_at_ns_ = clock_.now_ns() + options_.stats_interval_ns;
  stats_rows_ = writer_.totals().rows.read;  // by earlier runs
  publish_totals();
  thread_ = std::thread([this] { run(); });
}

void WriterLoop::source_ended(std::uint16_t index, std::uint64_t ordinal_end) {
  {
    const std::lock_guard lock(mutex_);
    ended_.push_back({index, ordinal_end});
  }
  has_ended_.store(true, std::memory_order_release);  // partner: take_ended_sources
  wake();
}

Status WriterLoop::stop(bool durable, std::int64_t give_up_ns) {
  durable_.store(durable, std::memory_order_relaxed);
  give_up_ns_.store(give_up_ns, std::memory_order_relaxed);
  Order running = Order::kRun;
  // Release: partner is the thread's load, which then sees both.
  order_.compare_exchange_strong(running, Order::kStop, std::memory_order_acq_rel);
  wake();
  const bool started = thread_.joinable();
  join();
  if (!started && final_.ok()) final_ = writer_.finish(durable).status;
  publish_totals();
  return final_;
}

void WriterLoop::abandon() {
  order_.store(Order::kAbandon, std::memory_order_release);
  wake();
  join();
}

void WriterLoop::join() {
  const std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void WriterLoop::run() {
  name_this_thread("mayfly-writer");
  while (true) {
    // What woke this pass, and passes that needed no waking.
    while (wakeups_.try_acquire()) {
    }
    // Before the queue is looked at: a push from here on wakes again. Partner: wake().
    pending_.exchange(false, std::memory_order_acq_rel);
    const Order order = order_.load(std::memory_order_acquire);
    if (order == Order::kAbandon) break;
    take_ended_sources();
    const bool routed = writer_.options().transient == TransientPolicy::kRoute;
    // Under kWait a group that failed stays alone at the head.
    const bool took = (group_.empty() || routed) && take_group();
    if (took && routed) retry_at_ns_ = 0;  // policies outside decide when rows come again
    if (failed_) {
      give_back(MAYFLY_LEFT);
      if (!took && order == Order::kStop) break;
      if (!took) wait();
    } else if (!group_.empty() && clock_.now_ns() >= std::min(retry_at_ns_, give_up_at_ns())) {
      write_group();
    } else if (group_.empty() && order == Order::kStop) {
      if (wind_up()) break;
    } else {
      if (group_.empty()) idle();
      wait();
    }
  }
  do {
    give_back(MAYFLY_LEFT);
  } while (take_group());
  publish_totals();
}

bool WriterLoop::take_group() {
  const std::uint64_t batch_rows = pool_.options().rows;
  const std::uint64_t rows_max = writer_.options().group_batches * batch_rows;
  std::array<RowRef, 16> heads;
  bool took = false;
  while (group_rows_ < rows_max) {
    const std::size_t wanted =
        std::min<std::size_t>(heads.size(), (rows_max - group_rows_ + batch_rows - 1) / batch_rows);
    const std::size_t got = queue_.pop(std::span(heads).first(wanted));
    for (std::size_t i = 0; i < got; ++i) {
      group_.push_back(heads[i]);
      group_rows_ += slice_rows(*pool_.batch(heads[i]), row_of(heads[i]));
    }
    took = took || got > 0;
    if (got == 0) break;
  }
  return took;
}

std::span<const RowRef> WriterLoop::more() {
  take_group();
  return group_;
}

void WriterLoop::write_group() {
  was_idle_ = false;
  const std::int64_t began_ns = clock_.now_ns();
  stage_stats_if_due(began_ns);
  signals_.raise_at(began_ns, write_start_);
  const GroupResult result = writer_.write(group_, this);
  if (result.kind != Kind::kCommitted) {
    on_failure(result);
    return;
  }
  std::uint64_t rows = 0;
  for (std::uint32_t i = 0; i < result.slices; ++i) {
    rows += slice_rows(*pool_.batch(group_[i]), row_of(group_[i]));
  }
  deliver(result, rows, began_ns);
}

void WriterLoop::deliver(const GroupResult& result, std::uint64_t rows, std::int64_t began_ns) {
  failures_ = 0;
  retry_at_ns_ = 0;
  outage_since_ns_.store(0, std::memory_order_relaxed);
  const std::int64_t now_ns = clock_.now_ns();
  signals_.raise_at(now_ns, write_done_, static_cast<std::int64_t>(rows), "rows",
                    (now_ns - began_ns) / kMillisecond, "ms");
  publish_totals();
  answers_.on_answered(std::span(group_).first(result.slices));
  if (const auto parents = writer_.answered_parents(); !parents.empty()) {
    answers_.on_answered(parents);
  }
  group_.erase(group_.begin(), group_.begin() + result.slices);
  group_rows_ -= rows;
}

void WriterLoop::on_failure(const GroupResult& result) {
  switch (result.kind) {
    case Kind::kCommitted:
      return;
    case Kind::kTransient:
      on_transient(result);
      break;
    case Kind::kUnknown: {
      // Only what was in the transaction may have been written.
      const std::size_t slices = std::min<std::size_t>(result.slices, group_.size());
      writer_.give_up(std::span(group_).first(slices), MAYFLY_UNKNOWN);
      fail(result.status);
      break;
    }
    case Kind::kFailed:
      fail(result.status);
      break;
  }
}

// kNever while it isn't stopped.
std::int64_t WriterLoop::give_up_at_ns() const {
  const bool stops = order_.load(std::memory_order_acquire) == Order::kStop;
  return stops ? give_up_ns_.load(std::memory_order_relaxed) : kNever;
}

void WriterLoop::on_transient(const GroupResult& result) {
  const std::int64_t now_ns = clock_.now_ns();
  if (result.busy) {
    signals_.raise_at(now_ns, write_busy_);
  } else {
    signals_.raise_at(now_ns, write_error_, result.status.message());
  }
  std::int64_t since_ns = outage_since_ns_.load(std::memory_order_relaxed);
  if (since_ns == 0) {
    since_ns = now_ns;
    outage_since_ns_.store(now_ns, std::memory_order_relaxed);
  }
  const std::int64_t give_up_ns = give_up_at_ns();
  const auto delay_ns = retry_.next_delay_ns(failures_, now_ns - since_ns, rng_);
  if (!delay_ns || now_ns >= give_up_ns) {
    const std::int64_t waited_ms = (now_ns - since_ns) / kMillisecond;
    // A full disk stays full; a lock goes.
    const bool disk = result.status.code() == Code::kIo;
    fail({disk ? Code::kIo : Code::kTryAgain,
          "gave up after " + std::to_string(waited_ms) + " ms: " + result.status.message() +
              "; what was written before is safe, resume when it " +
              (disk ? "can be written to" : "is free")});
    return;
  }
  ++failures_;
  retry_at_ns_ = now_ns + std::min(*delay_ns, give_up_ns - now_ns);
  route_pending();
}

// Counts the attempt; under kRoute splits the pending rows off and lets them go.
void WriterLoop::route_pending() {
  const bool routed = writer_.options().transient == TransientPolicy::kRoute;
  failed_slices_.clear();
  std::size_t kept = 0;
  for (const RowRef head : group_) {
    mayfly_batch& batch = *pool_.batch(head);
    SliceChain pending;
    SliceChain answered;
    for_each_row(batch, row_of(head), [&](std::uint16_t row) {
      const bool is_pending = batch.outcome[row] == MAYFLY_PENDING;
      if (is_pending) count_failed_attempt(batch, row, kWriterJudge);
      if (routed) (is_pending ? pending : answered).append(batch, row);
    });
    if (!routed) continue;
    group_rows_ -= pending.rows();
    if (!pending.empty()) failed_slices_.push_back(pending.finish(batch));
    if (!answered.empty()) group_[kept++] = answered.finish(batch);
  }
  if (!routed) return;
  group_.resize(kept);
  if (!failed_slices_.empty()) answers_.on_attempt_failed(failed_slices_);
}

void WriterLoop::fail(const Status& status) {
  failed_ = true;
  final_ = status;
  signals_.raise(write_error_, status.message());
  answers_.on_failed(status);
  // After it: whoever sees the outage end sees that it was given up. Partner: outage_since_ns().
  outage_since_ns_.store(0, std::memory_order_release);
  give_back(MAYFLY_LEFT);
}

void WriterLoop::give_back(std::uint8_t outcome) {
  if (group_.empty()) return;
  writer_.give_up(group_, outcome);
  answers_.on_answered(group_);
  group_.clear();
  group_rows_ = 0;
}

void WriterLoop::idle() {
  const std::int64_t now_ns = clock_.now_ns();
  if (now_ns < retry_at_ns_) return;
  stage_stats_if_due(now_ns);
  const GroupResult result = writer_.flush();
  if (result.kind != Kind::kCommitted) {
    on_failure(result);
    return;
  }
  if (outage_since_ns_.load(std::memory_order_relaxed) != 0) {
    failures_ = 0;
    retry_at_ns_ = 0;
    outage_since_ns_.store(0, std::memory_order_relaxed);
  }
  if (!was_idle_) writer_.on_idle();
  was_idle_ = true;
  publish_totals();
}

bool WriterLoop::wind_up() {
  // A wait that began before the stop may be longer than what is left.
  if (clock_.now_ns() < std::min(retry_at_ns_, give_up_at_ns())) {
    wait();
    return false;
  }
  // What `mayfly stats` shows from then on.
  if (options_.stats_interval_ns > 0) stage_stats(clock_.now_ns());
  const GroupResult result = writer_.finish(durable_.load(std::memory_order_relaxed));
  if (result.kind == Kind::kTransient) {
    on_transient(result);
    return failed_;
  }
  outage_since_ns_.store(0, std::memory_order_release);
  final_ = result.status;
  return true;
}

void WriterLoop::stage_stats_if_due(std::int64_t now_ns) {
  if (options_.stats_interval_ns > 0 && now_ns >= stats_at_ns_) stage_stats(now_ns);
}

void WriterLoop::stage_stats(std::int64_t now_ns) {
  const std::int64_t elapsed_ns = now_ns - stats_at_ns_ + options_.stats_interval_ns;
  stats_at_ns_ = now_ns + options_.stats_interval_ns;
  const WriterTotals& totals = writer_.totals();
  const std::uint64_t done = totals.rows.read;
  const double rate = static_cast<double>(done - stats_rows_) * 1e9 /
                      static_cast<double>(std::max<std::int64_t>(1, elapsed_ns));
  stats_rows_ = done;
  std::string json = "{\"version\":1";
  const auto member = [&json](std::string_view name, std::uint64_t value) {
    json.append(",\"").append(name).append("\":").append(std::to_string(value));
  };
  member("rows_read", totals.rows.read);
  member("rows_written", totals.rows.written);
  member("rows_inserted", totals.rows.inserted);
  member("rows_updated", totals.rows.updated);
  member("rows_ignored", totals.rows.ignored);
  member("rows_rejected", totals.rows.rejected);
  member("rows_dropped", totals.rows.dropped);
  member("rows_consumed", totals.rows.consumed);
  member("rows_made", totals.rows.made());
  member("rows_per_second", static_cast<std::uint64_t>(rate));
  member("transactions", totals.transactions);
  member("transient_failures", totals.transient_failures);
  member("checkpoints", totals.checkpoints);
  member("wal_pages", totals.wal_pages);
  member("slices_queued", queue_.size_approx() + group_.size());
  if (options_.describe) options_.describe(json);
  json += '}';
  writer_.stage_stats(std::move(json));
}

void WriterLoop::take_ended_sources() {
  if (!has_ended_.exchange(false, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(mutex_);
  for (const EndedSource& source : ended_) writer_.source_ended(source.index, source.ordinal_end);
  ended_.clear();
}

void WriterLoop::publish_totals() {
  const std::lock_guard lock(mutex_);
  totals_ = writer_.totals();
  source_totals_.resize(writer_.source_end());
  for (std::uint16_t i = 0; i < source_totals_.size(); ++i) {
    source_totals_[i] = writer_.source_totals(i);
  }
}

WriterTotals WriterLoop::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

RowTotals WriterLoop::source_totals(std::uint16_t index) const {
  const std::lock_guard lock(mutex_);
  return index < source_totals_.size() ? source_totals_[index] : RowTotals{};
}

void WriterLoop::wait() {
  const std::int64_t now_ns = clock_.now_ns();
  // At most this long, in case the clock isn't that of the semaphore.
  std::int64_t until_ns = now_ns + kSecond;
  if (retry_at_ns_ > now_ns) until_ns = std::min(until_ns, retry_at_ns_);
  if (const std::int64_t at_ns = give_up_at_ns(); at_ns > now_ns) {
    until_ns = std::min(until_ns, at_ns);
  }
  // Due ones wait for the end of an outage, too.
  if (options_.stats_interval_ns > 0 && stats_at_ns_ > now_ns) {
    until_ns = std::min(until_ns, stats_at_ns_);
  }
  resting_.store(group_.empty(), std::memory_order_release);
  wakeups_.acquire_for(std::max<std::int64_t>(until_ns - now_ns, kMicrosecond));
  resting_.store(false, std::memory_order_release);
}

}  // namespace mayfly
