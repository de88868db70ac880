#include "mayfly/work/work_core.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/work/worker.h"

namespace mayfly {
namespace {

// Stems of a sink of the coordinator's own; what bodies raise have few.
constexpr std::size_t kOwnStemsMax = 4096;
// Signals kept for each operation that can be looked at, on average.
constexpr std::size_t kSignalsPerOperation = 8;

WorkOptions checked(WorkOptions options) {
  check_work_options(options);
  if (options.queue_capacity == 0) options.queue_capacity = options.max_tracked_operations;
  return options;
}

Lanes make_lanes(std::vector<PriorityLane> lanes, const WorkOptions& options) {
  Lanes made;
  for (PriorityLane& lane : lanes) {
    const int limit = lane.max_depth > 0 ? lane.max_depth : options.queue_capacity;
    made.push_back(std::make_unique<Lane>(std::move(lane), static_cast<std::uint32_t>(limit)));
  }
  if (made.empty()) made.push_back(std::make_unique<Lane>(PriorityLane(), 0));
  return made;
}

// Every lane has room of its own: a backlog in one keeps nobody out of another.
std::uint32_t total_capacity(const std::vector<PriorityLane>& lanes, const WorkOptions& options) {
  std::int64_t capacity = lanes.empty() ? options.queue_capacity : 0;
  for (const PriorityLane& lane : lanes) {
    capacity += lane.max_depth > 0 ? lane.max_depth : options.queue_capacity;
  }
  const std::int64_t most = OperationTable::kSlotsMax / 2;
  if (capacity <= most && options.max_tracked_operations <= most / 2) {
    return static_cast<std::uint32_t>(capacity);
  }
  throw std::invalid_argument("expected at most " + std::to_string(most) +
                              " operations that wait and " + std::to_string(most / 2) +
                              " that are tracked, found " + std::to_string(capacity) + " and " +
                              std::to_string(options.max_tracked_operations));
}

}  // namespace

WorkCore::WorkCore(WorkOptions options, std::unique_ptr<ItemHandler> handler,
                   std::size_t item_bytes, std::size_t item_align, std::vector<PriorityLane> lanes)
    : options_(checked(std::move(options))),
      clock_(options_.clock != nullptr ? *options_.clock
                                       : static_cast<const Clock&>(system_clock_)),
      handler_(std::move(handler)),
      table_(item_bytes, item_align),
      intake_(table_, total_capacity(lanes, options_), !lanes.empty()),
      lanes_(make_lanes(std::move(lanes), options_)),
      window_(table_, static_cast<std::uint32_t>(options_.max_tracked_operations),
              options_.max_operation_lifetime_ns),
      echo_store_(static_cast<std::size_t>(options_.echo_capacity), options_.echo_retention_ns),
      own_sink_(
          options_.signals != nullptr
              ? nullptr
              : std::make_unique<SignalSink>(clock_, SignalSinkOptions{.stems_max = kOwnStemsMax})),
      sink_(options_.signals != nullptr ? options_.signals : own_sink_.get()),
      limit_(options_.max_concurrency) {
  update_hungry();
}

WorkCore::~WorkCore() = default;

void WorkCore::start(std::unique_ptr<DispatchOrder> order) {
  order_ = std::move(order);
  const auto has = [](const std::vector<std::string>& patterns) { return !patterns.empty(); };
  if (has(options_.cancel_on_signals) || has(options_.defer_on_signals)) {
    gate_ =
        std::make_unique<SignalGate>(*sink_,
                                     GateOptions{.cancel = options_.cancel_on_signals,
                                                 .defer = options_.defer_on_signals,
                                                 .resume = options_.resume_on_signals,
                                                 .interval_ns = options_.defer_check_interval_ns,
                                                 .attempts = options_.max_defer_attempts},
                                     [this] { poke(); });
  }
  for (const auto& lane : lanes_) {
    const PriorityLane& rules = lane->options();
    if (!has(rules.cancel_on_signals) && !has(rules.defer_on_signals)) continue;
    lane->gate =
        std::make_unique<SignalGate>(*sink_,
                                     GateOptions{.cancel = rules.cancel_on_signals,
                                                 .defer = rules.defer_on_signals,
                                                 .resume = {},
                                                 .interval_ns = rules.defer_check_interval_ns,
                                                 .attempts = rules.max_defer_attempts},
                                     [this] { poke(); });
  }
  subscribe();
  if (options_.body_time_limit_ns != kNever) {
    watch_ = std::thread([core = shared_from_this()] { core->watch(); });
  }
}

void WorkCore::subscribe() {
  const auto hear_all = [this](SignalEventKind kind, auto call) {
    subscriptions_.push_back(sink_->subscribe("*",
                                              [this, kind, call](const SignalEvent& event) {
                                                if (event.kind() == kind)
                                                  guarded([&] { call(event); });
                                              },
                                              {.removals = kind == SignalEventKind::kRemoved}));
  };
  const auto hear_later = [&](SignalEventKind kind, const SignalListener& listener) {
    auto queue = std::make_unique<AsyncSignals>(listener, options_.max_concurrent_signal_handlers,
                                                options_.max_queued_signals, clock_);
    hear_all(kind, [&to = *queue](const SignalEvent& event) { to.push(event); });
    return queue;
  };
  using Kind = SignalEventKind;
  const WorkOptions& o = options_;
  if (o.on_signal) hear_all(Kind::kRaised, std::cref(o.on_signal));
  if (o.on_signal_retracted) hear_all(Kind::kRemoved, std::cref(o.on_signal_retracted));
  if (o.on_signal_async) async_raised_ = hear_later(Kind::kRaised, o.on_signal_async);
  if (o.on_signal_retracted_async) {
    async_removed_ = hear_later(Kind::kRemoved, o.on_signal_retracted_async);
  }
  if (options_.drain_on_signals.empty()) return;
  std::string patterns;
  for (const std::string& pattern : options_.drain_on_signals) {
    patterns.append(patterns.empty() ? "" : ",") += pattern;
  }
  subscriptions_.push_back(sink_->subscribe(patterns, [this](const SignalEvent& event) {
    const bool by_id = event.stem() == "coordinator.drain.id";
    const bool by_pattern = event.stem() == "coordinator.drain.pattern";
    if (by_id && event.argument() != options_.coordinator_id) return;
    if (by_pattern && !Glob(event.argument()).matches(options_.coordinator_id)) return;
    complete();
  }));
}

SignalSink& WorkCore::operation_signals() {
  std::call_once(operation_signals_made_, [this] {
    const std::size_t capacity =
        kSignalsPerOperation * static_cast<std::size_t>(options_.max_tracked_operations);
    operation_signals_own_ = std::make_unique<SignalSink>(
        clock_, SignalSinkOptions{.capacity = std::max<std::size_t>(capacity, 1000),
                                  .max_age_ns = kNever,
                                  .stems_max = kOwnStemsMax});
    operation_signals_.store(operation_signals_own_.get(), std::memory_order_release);
  });
  return *operation_signals_own_;
}

// ---- control

Result<OperationId> WorkCore::refusal(bool timed_out) const {
  if (timed_out) {
    return Status(Code::kTryAgain, "no room: " + std::to_string(intake_.capacity()) +
                                       " operations wait (queue_capacity)");
  }
  if (intake_.closed()) {
    return Status(Code::kUsage, "enqueue after complete() or cancel(): nothing is taken any more");
  }
  return Status(Code::kUnavailable,
                "expected bodies that end, found " + std::to_string(kAbandonedMax) +
                    " threads abandoned at their time limit; nothing is taken until one returns");
}

Status WorkCore::lane_refusal(const Lane& lane) {
  return {Code::kTryAgain, "lane " + lane.options().name +
                               " is full: " + std::to_string(lane.options().max_depth) +
                               " operations wait in it (max_depth)"};
}

void WorkCore::complete() {
  {
    const std::lock_guard lock(intake_.mutex());
    intake_.close();
  }
  intake_.wake_all();
  const std::lock_guard lock(mutex_);
  tell_if_drained();
}

Status WorkCore::drain() {
  if (!intake_.closed()) {
    return {Code::kUsage, "drain() before complete(): more could come; call complete() first"};
  }
  set_paused(false);
  Lock lock(mutex_);
  drained_.wait(lock, [this] { return drained_locked(); });
  return {};
}

bool WorkCore::drained() const {
  const WorkCounts now = counts();
  return intake_.closed() && now.pending == 0 && now.active == 0;
}

void WorkCore::wait_until_idle() {
  set_paused(false);
  Lock lock(mutex_);
  ++idle_waiters_;
  drained_.wait(lock, [this] { return idle_locked(); });
  --idle_waiters_;
}

bool WorkCore::idle_locked() const {
  return intake_.pending() == 0 && active_ == 0 && observing_ == 0;
}

void WorkCore::tell_if_drained() {
  if ((intake_.closed() || idle_waiters_ > 0) && idle_locked()) drained_.notify_all();
}

void WorkCore::cancel() {
  complete();
  Lock lock(mutex_);
  Afterwards after;
  cancel_pending(after);
  for (const auto& worker : workers_) {
    if (worker->running()) worker->request_stop(after.stops);
  }
  finish_afterwards(lock, after);
}

void WorkCore::cancel_pending(Afterwards& after) {
  const std::int64_t now = clock_.now_ns();
  order_->take_all([&](OperationSlot slot) {
    intake_.leave(1);
    drop_item(slot, after);
    end(slot, OperationState::kCancelled, {}, false, now, after);
  });
  after.made_room = true;
}

void WorkCore::drop_oldest_if_full() {
  {
    const std::lock_guard lock(intake_.mutex());
    if (intake_.room() > 0 || intake_.closed()) return;
  }
  Lock lock(mutex_);
  Afterwards after;
  const std::int64_t now = clock_.now_ns();
  const OperationSlot oldest = order_->oldest();
  if (oldest == kNoOperationSlot) return;
  order_->take(oldest, false);
  intake_.leave(1);
  drop_item(oldest, after);
  end(oldest, OperationState::kCancelled, {}, false, now, after);
  after.made_room = true;
  finish_afterwards(lock, after);
}

void WorkCore::set_paused(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_.store(paused, std::memory_order_release);
  update_hungry();
  if (!paused) call_workers(intake_.pending());
}

Status WorkCore::set_max_concurrency(int limit) {
  if (!options_.dynamic_concurrency) {
    return {Code::kUsage,
            "set_max_concurrency needs the option dynamic_concurrency = true, which is off"};
  }
  if (limit < 1) {
    return {Code::kUsage,
            "set_max_concurrency: expected at least 1, found " + std::to_string(limit)};
  }
  const std::lock_guard lock(mutex_);
  limit_.store(limit, std::memory_order_release);
  update_hungry();
  call_workers(intake_.pending());
  return {};
}

void WorkCore::shut_down() {
  cancel();
  {
    Lock lock(mutex_);
    while (!drained_locked()) {
      const std::int64_t deadline_ns = clock_.now_ns() + 10 * kSecond;
      while (!drained_locked() && clock_.now_ns() < deadline_ns) {
        clock_.wait_until(lock, drained_, deadline_ns);
      }
      if (drained_locked()) break;
      lock.unlock();
      sink_->raise("coordinator.destroy.waiting");
      lock.lock();
    }
  }
  subscriptions_.clear();
  async_raised_.reset();  // handles what waits
  async_removed_.reset();
  for (const auto& lane : lanes_) lane->gate.reset();
  gate_.reset();
  std::list<std::shared_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    update_hungry();
    workers.swap(workers_);
  }
  work_.notify_all();
  watch_wake_.notify_all();
  if (watch_.joinable()) watch_.join();
  for (const auto& worker : workers) worker->thread.join();
  // Signals of abandoned bodies end before the sink may go.
  while (signalling_.load() > 0) std::this_thread::yield();
}

// ---- ends of operations

void WorkCore::end(OperationSlot slot, OperationState state, std::string_view error, bool ran,
                   std::int64_t now_ns, Afterwards& after) {
  OperationRecord& record = table_[slot];
  record.finished_ns.store(now_ns, std::memory_order_release);
  if (!error.empty()) record.error.store(error);
  record.state.store(state, std::memory_order_release);
  switch (state) {
    case OperationState::kSucceeded:
      counters_.succeeded.add();
      break;
    case OperationState::kSkipped:
      counters_.skipped.add();
      break;
    case OperationState::kCancelled:
      counters_.cancelled.add();
      break;
    default:
      counters_.failed.add();
  }
  if (record.awaited) {
    const OperationId id = record.id.load(std::memory_order_relaxed);
    const auto [begin, last] = awaited_.equal_range(id);
    for (auto next = begin; next != last; ++next) {
      after.calls.emplace_back(std::move(next->second), *table_.read(slot));
    }
    awaited_.erase(begin, last);
  }
  if (state == OperationState::kCancelled || record.killed) {
    window_.finished_and_gone(ran);
    let_go(slot, after);
  } else {
    window_.finished(slot, ran);
  }
  for (OperationSlot old; (old = window_.evict_next(now_ns)) != kNoOperationSlot;)
    let_go(old, after);
  if (options_.on_sample) after.sample = true;
}

void WorkCore::let_go(OperationSlot slot, Afterwards& after) {
  OperationRecord& record = table_[slot];
  if (options_.on_finalized || (options_.echoes && record.raised)) {
    after.gone.push_back({*table_.read(slot), record.raised});
  }
  record.evicted = true;
  table_.end(slot);
  if (!record.held) intake_.give_back(slot);
}

void WorkCore::drop_item(OperationSlot slot, Afterwards& after) {
  table_[slot].held = true;
  after.items.push_back(slot);
}

void WorkCore::settle(Afterwards& after) {
  for (const OperationSlot slot : after.items) {
    table_[slot].held = false;
    if (table_[slot].evicted) intake_.give_back(slot);
  }
  after.clear();
  --observing_;
  tell_if_drained();
}

void WorkCore::Afterwards::clear() {
  gone.clear();
  calls.clear();
  items.clear();
  stops.clear();
  operation_signals.clear();
  sample = false;
  made_room = false;
}

void WorkCore::finish_afterwards(Lock& lock, Afterwards& after) {
  ++observing_;
  lock.unlock();
  do_afterwards(after);
  lock.lock();
  settle(after);
  intake_.flush_given_back();
}

template <class Call>
void WorkCore::guarded(Call call) {
  try {
    call();
  } catch (...) {
    counters_.observer_failures.fetch_add(1, std::memory_order_relaxed);
  }
}

void WorkCore::do_afterwards(Afterwards& after) {
  for (const OperationSlot slot : after.items) handler_->destroy(table_.item(slot));
  for (std::stop_source& stop : after.stops) guarded([&] { stop.request_stop(); });
  for (const auto& [name, id] : after.operation_signals) {
    operation_signals().raise(name, id);
    sink_->raise(name, id);
  }
  for (Afterwards::Gone& gone : after.gone) {
    if (options_.echoes && gone.raised) {
      echo_store_.add({.id = gone.snapshot.id,
                       .key = gone.snapshot.key,
                       .evicted_ns = clock_.now_ns(),
                       .signals = signals_of(gone.snapshot.id, "*")});
    }
    if (options_.on_finalized) guarded([&] { options_.on_finalized(gone.snapshot); });
  }
  for (auto& [call, snapshot] : after.calls) guarded([&] { call(snapshot); });
  if (after.sample) guarded([&] { options_.on_sample(window()); });
  if (after.made_room) intake_.wake_all();
  // What users made is destroyed here, without the lock.
  after.calls.clear();
  after.gone.clear();
  after.stops.clear();
}

bool WorkCore::set_pinned(OperationId id, bool pinned) {
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.state.load(std::memory_order_relaxed) < OperationState::kSucceeded) {
    record.pinned.store(pinned, std::memory_order_release);
    return true;
  }
  if (record.killed || record.pinned.load(std::memory_order_relaxed) == pinned) return true;
  window_.set_pinned(slot, pinned);
  Afterwards after;
  const std::int64_t now = clock_.now_ns();
  for (OperationSlot old; (old = window_.evict_next(now)) != kNoOperationSlot;) let_go(old, after);
  finish_afterwards(lock, after);
  return true;
}

bool WorkCore::evict(OperationId id) {
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.state.load(std::memory_order_relaxed) < OperationState::kSucceeded || record.killed) {
    return false;
  }
  window_.evict(slot);
  record.evicted = true;
  table_.end(slot);
  if (!record.held) intake_.give_back(slot);
  return true;
}

bool WorkCore::try_kill(OperationId id) {
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.killed) return true;
  Afterwards after;
  switch (record.state.load(std::memory_order_relaxed)) {
    case OperationState::kPending:
      // It keeps its place in the queue; when its turn comes, it goes.
      record.killed = true;
      record.finished_ns.store(clock_.now_ns(), std::memory_order_release);
      record.state.store(OperationState::kCancelled, std::memory_order_release);
      break;
    case OperationState::kRunning:
      record.killed = true;
      for (const auto& worker : workers_) {
        if (worker->slot == slot) worker->request_stop(after.stops);
      }
      break;
    default:
      window_.evict(slot);
      let_go(slot, after);
  }
  finish_afterwards(lock, after);
  return true;
}

Result<std::optional<OperationSnapshot>> WorkCore::when_finished(OperationId id,
                                                                 OperationCallback call) {
  const std::lock_guard lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) {
    return Status(Code::kUsage, "expected an operation of this coordinator, found none with id " +
                                    std::to_string(id) + " (or it has left the window)");
  }
  OperationRecord& record = table_[slot];
  if (record.state.load(std::memory_order_relaxed) >= OperationState::kSucceeded &&
      !record.killed) {
    return table_.read(slot);
  }
  record.awaited = true;
  awaited_.emplace(id, std::move(call));
  return std::optional<OperationSnapshot>();
}

// ---- looking

WorkCounts WorkCore::counts() const {
  WorkCounts counts;
  counts.pending = intake_.pending();
  counts.enqueued = intake_.accepted();
  // After what waits: an operation on its way from one to the other is seen in both.
  counts.active = static_cast<std::uint64_t>(active_shown_.load(std::memory_order_acquire));
  counts.succeeded = counters_.succeeded.get();
  counts.failed = counters_.failed.get();
  counts.timed_out = counters_.timed_out.get();
  counts.skipped = counters_.skipped.get();
  counts.cancelled = counters_.cancelled.get();
  counts.deferrals_exhausted = counters_.deferrals_exhausted.get();
  counts.abandoned_threads = static_cast<std::uint64_t>(abandoned_.load(std::memory_order_relaxed));
  counts.observer_failures = counters_.observer_failures.load(std::memory_order_relaxed);
  for (const AsyncSignals* queue : {async_raised_.get(), async_removed_.get()}) {
    if (queue == nullptr) continue;
    counts.signals_dropped += queue->dropped();
    counts.observer_failures += queue->failures();
  }
  return counts;
}

// Operations come and go while slots are looked at one after the other: what was seen of several
// moments is cut to what one moment can hold.
void WorkCore::keep_window(std::vector<OperationSnapshot>& found) const {
  const auto counts = [](const OperationSnapshot& one) {
    return one.state != OperationState::kPending && !one.pinned;
  };
  auto excess = std::ranges::count_if(found, counts) - options_.max_tracked_operations;
  std::erase_if(found, [&](const OperationSnapshot& one) {
    return excess > 0 && counts(one) && one.finished() && excess-- > 0;
  });
}

std::vector<OperationSnapshot> WorkCore::window() const {
  return snapshot(
      [](const OperationSnapshot& one) { return one.state != OperationState::kPending; });
}

std::uint64_t WorkCore::pending_with_key(std::uint64_t key_hash) const {
  std::uint64_t count = 0;
  for (OperationSlot slot = 0; slot < table_.size(); ++slot) {
    const OperationRecord& record = table_[slot];
    count += record.id.load(std::memory_order_acquire) != 0 &&
             record.state.load(std::memory_order_acquire) == OperationState::kPending &&
             record.key_hash.load(std::memory_order_acquire) == key_hash;
  }
  return count;
}

std::vector<Signal> WorkCore::signals(std::string_view glob) const {
  const SignalSink* raised = operation_signals_.load(std::memory_order_acquire);
  if (raised == nullptr) return {};
  std::vector<OperationId> ids;
  for (OperationSlot slot = 0; slot < table_.size(); ++slot) {
    const OperationId id = table_[slot].id.load(std::memory_order_acquire);
    if (id != 0) ids.push_back(id);
  }
  std::ranges::sort(ids);
  return raised->sense_operations(ids, glob);
}

std::vector<Signal> WorkCore::signals_of(OperationId id, std::string_view glob) const {
  const SignalSink* raised = operation_signals_.load(std::memory_order_acquire);
  if (raised == nullptr) return {};
  return raised->sense_operation(id, glob);
}

}  // namespace mayfly
