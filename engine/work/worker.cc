#include "mayfly/work/worker.h"

#include <system_error>

namespace mayfly {

// seq_cst on both sides: either this sees that the thread is abandoned, or who abandons it sees
// that signals are being used.
template <class Use>
auto WorkCore::Worker::use_signals(Use use) -> decltype(use()) {
  struct Guard {
    explicit Guard(std::atomic<int>& count) : uses(count) { uses.fetch_add(1); }
    ~Guard() { uses.fetch_sub(1); }
    std::atomic<int>& uses;
  } guard(core_.signalling_);
  if (abandoned.load()) return {};
  return use();
}

void WorkCore::Worker::raise(OperationId operation, std::string_view name) {
  use_signals([&] {
    raised.store(true, std::memory_order_relaxed);
    core_.operation_signals().raise(name, operation);
    core_.sink_->raise(name, operation);
    return 0;
  });
}

std::size_t WorkCore::Worker::retract(OperationId operation, std::string_view name) {
  return use_signals([&]() -> std::size_t {
    const std::size_t count = core_.operation_signals().retract(name, operation);
    core_.sink_->retract(name, operation);
    return count;
  });
}

std::size_t WorkCore::Worker::retract_matching(OperationId operation, std::string_view glob) {
  return use_signals([&]() -> std::size_t {
    const std::size_t count = core_.operation_signals().retract_matching(glob, operation);
    core_.sink_->retract_matching(glob, operation);
    return count;
  });
}

std::stop_token WorkCore::Worker::stop_token() {
  const std::lock_guard lock(stop_mutex_);
  if (!stop_source_) {
    stop_source_.emplace();
    if (stop_requested()) stop_source_->request_stop();
  }
  return stop_source_->get_token();
}

void WorkCore::Worker::begin(OperationSlot new_slot, std::int64_t now_ns) {
  slot = new_slot;
  OperationRecord& record = core_.table_[slot];
  id = record.id.load(std::memory_order_relaxed);
  enqueued_ns = record.enqueued_ns.load(std::memory_order_relaxed);
  started_ns = now_ns;
  key_size_ = record.key.load(key_.data());
  if (raised.load(std::memory_order_relaxed)) raised.store(false, std::memory_order_relaxed);
  if (stop_.load(std::memory_order_relaxed)) stop_.store(false, std::memory_order_relaxed);
  // The operation before may have left one; it is this thread's alone until it is asked for again.
  if (stop_source_) {
    const std::lock_guard lock(stop_mutex_);
    stop_source_.reset();
  }
}

void WorkCore::Worker::request_stop(std::vector<std::stop_source>& sources) {
  stop_.store(true, std::memory_order_release);
  const std::lock_guard lock(stop_mutex_);
  if (stop_source_) sources.push_back(*stop_source_);
}

// ---- the loop

namespace {

constexpr int kPausesMax = 128;

// Waits for the lock, longer each time, before it falls asleep for it. Whoever holds it can so take
// several turns in a row, whose lines are then in its own cache; with short bodies that is worth
// more than taking turns.
void lock_briefly(std::unique_lock<std::mutex>& lock) {
  for (int pauses = 8; pauses <= kPausesMax; pauses *= 2) {
    if (lock.try_lock()) return;
    for (int i = 0; i < pauses; ++i) __builtin_ia32_pause();
  }
  lock.lock();
}

// How long a worker looks for arrivals before it sleeps; a sleep and a call cost some microseconds.
constexpr int kSpins = 400;
constexpr int kSpinsPerYield = 40;
constexpr std::int64_t kIdleNs = 10 * kSecond;

}  // namespace

void WorkCore::work(Worker& me) {
  const bool limited = options_.body_time_limit_ns != kNever;
  Lock lock(mutex_);
  std::int64_t now = clock_.now_ns();
  Status outcome;
  bool spun = false;
  for (;;) {
    // Callbacks come before the next turn: they may take long, or wait for other operations.
    if (me.after.any()) {
      call_for_more(now);
      finish_afterwards(lock, me.after);
      now = clock_.now_ns();
    }
    std::int64_t look_again = kNever;
    const std::uint64_t looked_at = intake_.accepted();
    const bool has_turn = !stopping_ && take_turn(me, now, look_again);
    if (me.after.any()) continue;  // items that aren't to run; then there is no turn
    if (!has_turn) {
      tell_if_drained();
      if (stopping_) break;
      // Whoever has the lock meanwhile may sort arrivals away from where spinning looks for them,
      // so the last look before sleeping is take_turn's, with the lock held from there on.
      if (!spun && look_again == kNever && may_run()) {
        spin_for_arrivals(lock);
        spun = true;
      } else {
        spun = false;
        if (!sleep(lock, look_again, looked_at)) break;
      }
      now = clock_.now_ns();
      continue;
    }
    spun = false;
    call_for_more(now);
    lock.unlock();
    intake_.wake_producers(false);
    if (me.exhausted) me.raise(me.id, "coordinator.defer.exhausted");
    Operation operation(me, me.id, me.key(), me.enqueued_ns, me.started_ns);
    void* const item = table_.item(me.slot);
    outcome = handler_->run(item, operation);
    handler_->destroy(item);
    // An abandoned thread may have outlived the clock: it looks after it knows that it isn't one.
    if (!limited) now = clock_.now_ns();
    lock_briefly(lock);
    if (me.abandoned.load()) {
      leave_abandoned(me);
      return;
    }
    if (limited) now = clock_.now_ns();
    const OperationSlot slot = me.slot;
    me.slot = kNoOperationSlot;
    --active_;
    ++awake_;
    table_[slot].raised = me.raised.load(std::memory_order_relaxed);
    order_->finished(slot);
    end(slot, outcome.ok() ? OperationState::kSucceeded : OperationState::kFailed,
        outcome.message(), true, now, me.after);
    show_active();  // after its result: nobody sees it gone from both
    if (!outcome.ok()) outcome = Status();
  }
  intake_.flush_given_back();
  --awake_;
  --live_;
  update_hungry();
  // What came while this thread still counted as one that would look.
  if (intake_.has_arrivals(intake_.taken())) call_workers(1);
  me.ended = true;  // last: who adds a worker joins those that have ended
}

// Another worker, if there is one to spare and something for it to do.
void WorkCore::call_for_more(std::int64_t now_ns) {
  if (hungry_.load(std::memory_order_relaxed) == 0 || intake_.pending() == 0) return;
  if (order_->next(now_ns).slot != kNoOperationSlot) call_workers(1);
}

// Under the lock: gives the worker the next operation that may run; ends those that are not to.
bool WorkCore::take_turn(Worker& me, std::int64_t now_ns, std::int64_t& look_again) {
  while (may_run()) {
    Turn turn = order_->next(now_ns);
    if (turn.slot == kNoOperationSlot) {
      look_again = turn.look_again;
      break;
    }
    OperationRecord& record = table_[turn.slot];
    if (gate_ != nullptr && !turn.skip && !record.killed) {
      const GateVerdict verdict =
          gate_->look(now_ns, record.enqueued_ns.load(std::memory_order_relaxed));
      if (verdict.kind == GateVerdict::Kind::kWait) {
        look_again = verdict.look_again;
        break;
      }
      turn.skip = verdict.kind == GateVerdict::Kind::kSkip;
      turn.exhausted = turn.exhausted || verdict.kind == GateVerdict::Kind::kRunExhausted;
    }
    const bool runs = !turn.skip && !record.killed;
    if (runs && me.after.any()) break;  // those that were skipped first
    order_->take(turn.slot, runs);
    if (!runs) {
      drop_item(turn.slot, me.after);
      end(turn.slot, record.killed ? OperationState::kCancelled : OperationState::kSkipped, {},
          false, now_ns, me.after);
      intake_.leave(1);
      continue;
    }
    // The time was read before the lock was waited for; the item may have come since.
    const std::int64_t started_ns =
        std::max(now_ns, record.enqueued_ns.load(std::memory_order_relaxed));
    me.begin(turn.slot, started_ns);
    me.exhausted = turn.exhausted;
    if (turn.exhausted) counters_.deferrals_exhausted.add();
    ++active_;
    --awake_;
    window_.started();
    record.started_ns.store(started_ns, std::memory_order_release);
    record.state.store(OperationState::kRunning, std::memory_order_release);
    show_active();
    intake_.leave(1);  // after it counts as running: nobody sees it gone from both
    return true;
  }
  return false;
}

bool WorkCore::may_run() const {
  return active_ < limit_.load(std::memory_order_relaxed) &&
         !paused_.load(std::memory_order_relaxed);
}

void WorkCore::spin_for_arrivals(Lock& lock) {
  const std::uint64_t taken = intake_.taken();
  lock.unlock();
  for (int i = 0; i < kSpins && !intake_.has_arrivals(taken); ++i) {
    __builtin_ia32_pause();
    if (i % kSpinsPerYield == kSpinsPerYield - 1) std::this_thread::yield();
  }
  lock_briefly(lock);
}

// False: nothing came for long, or all is over; the worker, counted as awake, is to leave.
// looked_at: what had been accepted before the last look.
bool WorkCore::sleep(Lock& lock, std::int64_t look_again, std::uint64_t looked_at) {
  intake_.flush_given_back();
  --awake_;
  ++sleepers_;
  update_hungry();
  if (may_run() && intake_.has_arrivals(looked_at)) {
    --sleepers_;
    ++awake_;
    update_hungry();
    return true;
  }
  lock.unlock();
  intake_.wake_producers(true);
  lock.lock();
  const std::int64_t began_ns = clock_.now_ns();
  bool called = false;
  bool time_is_up = false;
  while (!stopping_ && !(called = calls_ > 0) && !time_is_up) {
    const std::int64_t deadline_ns = std::min(look_again, began_ns + kIdleNs);
    clock_.wait_until(lock, work_, deadline_ns);
    time_is_up = clock_.now_ns() >= deadline_ns;
  }
  if (called) {
    --calls_;  // it was counted as awake when it was called
  } else {
    --sleepers_;
    ++awake_;
  }
  update_hungry();
  const bool may_leave = time_is_up && look_again == kNever;
  return called || !(stopping_ || may_leave);
}

void WorkCore::update_hungry() {
  const int limit = limit_.load(std::memory_order_relaxed);
  const bool can = !stopping_ && !paused_.load(std::memory_order_relaxed);
  hungry_.store(can ? std::max(0, limit - active_ - awake_) : 0, std::memory_order_seq_cst);
}

void WorkCore::call_workers(std::size_t count) {
  if (stopping_ || paused_.load(std::memory_order_relaxed)) return;
  for (; count > 0 && active_ + awake_ < limit_.load(std::memory_order_relaxed); --count) {
    if (sleepers_ > 0) {
      --sleepers_;
      ++calls_;
      ++awake_;
      work_.notify_one();
    } else if (live_ >= limit_.load(std::memory_order_relaxed) ||
               abandoned_.load(std::memory_order_relaxed) >= kAbandonedMax || !add_worker()) {
      break;
    }
  }
  update_hungry();
}

// False: the system has no thread to give. What waits is tried again with the next item.
bool WorkCore::add_worker() {
  std::erase_if(workers_, [](const std::shared_ptr<Worker>& worker) {
    if (!worker->ended) return false;
    worker->thread.join();  // it needs no lock any more
    return true;
  });
  auto worker = std::make_shared<Worker>(*this);
  try {
    // Both are shared with the thread: it may be abandoned.
    worker->thread = std::thread([core = shared_from_this(), worker] { core->work(*worker); });
  } catch (const std::system_error&) {
    return false;
  }
  ++live_;
  ++awake_;
  workers_.push_back(std::move(worker));
  return true;
}

void WorkCore::wake_after_enqueue(std::size_t count) {
  if (hungry_.load(std::memory_order_seq_cst) == 0) return;
  Lock lock(mutex_, std::defer_lock);
  lock_briefly(lock);
  call_workers(count);
}

void WorkCore::poke() {
  const Lock lock(mutex_);
  if (intake_.pending() > 0) call_workers(1);
}

// ---- time limits

void WorkCore::watch() {
  Lock lock(mutex_);
  Afterwards after;
  while (!stopping_) {
    const std::int64_t now = clock_.now_ns();
    std::int64_t earliest = now + options_.body_time_limit_ns;
    for (auto next = workers_.begin(); next != workers_.end();) {
      Worker& worker = **next;
      const auto here = next++;
      if (!worker.running()) continue;
      const std::int64_t deadline_ns = worker.started_ns + options_.body_time_limit_ns;
      if (deadline_ns <= now) {
        expire(worker, now, after);
        workers_.erase(here);
      } else {
        earliest = std::min(earliest, deadline_ns);
      }
    }
    if (after.any()) {
      call_workers(intake_.pending());
      finish_afterwards(lock, after);
      continue;
    }
    clock_.wait_until(lock, watch_wake_, earliest);
  }
}

void WorkCore::expire(Worker& worker, std::int64_t now_ns, Afterwards& after) {
  worker.abandoned.store(true);
  worker.request_stop(after.stops);
  worker.thread.detach();
  OperationRecord& record = table_[worker.slot];
  record.held = true;
  record.raised = worker.raised.load(std::memory_order_relaxed);
  --active_;
  --live_;
  abandoned_.fetch_add(1, std::memory_order_relaxed);
  counters_.timed_out.add();
  order_->finished(worker.slot);
  after.operation_signals.emplace_back("coordinator.body.timeout", worker.id);
  end(worker.slot, OperationState::kFailed,
      "the body ran longer than its time limit of " +
          std::to_string(options_.body_time_limit_ns / kMillisecond) + " ms",
      true, now_ns, after);
  show_active();
  // Nobody is left to run what waits, and nobody may come.
  if (live_ == 0 && abandoned_.load(std::memory_order_relaxed) >= kAbandonedMax) {
    cancel_pending(after);
  }
}

// Under the lock: the body of an abandoned thread has returned after all.
void WorkCore::leave_abandoned(Worker& me) {
  OperationRecord& record = table_[me.slot];
  record.held = false;
  if (record.evicted) intake_.give_back(me.slot);
  intake_.flush_given_back();
  me.slot = kNoOperationSlot;
  abandoned_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace mayfly
