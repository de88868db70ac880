#include "mayfly/work/worker.h"

#include <algorithm>
#include <utility>

#include "mayfly/work/scheduler_lock.h"

namespace mayfly {

template <class Use>
auto WorkCore::Worker::use_signals(Use use) -> decltype(use()) {
  return core_.sink_uses_.use([&]() -> decltype(use()) {
    if (abandoned.load()) return {};
    return use();
  });
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
  if (stop_source_.empty()) {
    stop_source_.emplace_back();
    if (stop_requested()) stop_source_.back().request_stop();
  }
  return stop_source_.back().get_token();
}

void WorkCore::Worker::begin(OperationSlot new_slot, std::int64_t now_ns) {
  slot = new_slot;
  OperationRecord& record = core_.table_[slot];
  id = record.id.load(std::memory_order_relaxed);
  enqueued_ns = record.enqueued_ns.load(std::memory_order_relaxed);
  started_ns = now_ns;
  if (decided_.load(std::memory_order_relaxed)) decided_.store(false, std::memory_order_relaxed);
  key_size_ = record.key.load(key_.data());
  if (raised.load(std::memory_order_relaxed)) raised.store(false, std::memory_order_relaxed);
  if (stop_.load(std::memory_order_relaxed)) stop_.store(false, std::memory_order_relaxed);
  // The operation before may have left one; it is this thread's alone until it is asked for again.
  if (!stop_source_.empty()) {
    const std::lock_guard lock(stop_mutex_);
    stop_source_.clear();
  }
}

void WorkCore::Worker::request_stop(std::list<std::stop_source>& sources) {
  const std::lock_guard lock(stop_mutex_);
  stop_.store(true, std::memory_order_release);
  sources.splice(sources.end(), stop_source_);
}

void WorkCore::work(Worker& me) {
  const bool limited = options_.body_time_limit_ns != kNever;
  Lock lock(mutex_);
  std::int64_t now = clock_.now_ns();
  Status outcome;
  bool spun = false;
  for (;;) {
    // Callbacks come before the next turn: they may take long.
    if (me.after.any()) {
      call_for_more(now);
      const WorkFrame frame(this, WorkFrame::Kind::kCallbacks);
      finish_afterwards(lock, me.after);
      if (stopping_) break;
      now = clock_.now_ns();
    }
    std::int64_t look_again = kNever;
    std::uint64_t looked_at = 0;
    bool has_turn = !stopping_ && take_turn(me, now, look_again);
    if (!has_turn && !stopping_ && !me.after.any()) {
      // Once more, for sleep() to know what had come before the last look.
      looked_at = intake_.accepted();
      look_again = kNever;
      has_turn = take_turn(me, now, look_again);
    }
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
      if (stopping_) break;
      now = clock_.now_ns();
      continue;
    }
    spun = false;
    call_for_more(now);
    if (!run_body(me, lock, limited, now, outcome)) {
      leave_abandoned(me);
      return;
    }
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
  leave(me);
}

// Without the lock, which it has again afterwards. False: the body took too long, and its operation
// has ended without it.
bool WorkCore::run_body(Worker& me, Lock& lock, bool limited, std::int64_t& now_ns,
                        Status& outcome) {
  lock.unlock();
  intake_.wake_producers(false);
  if (me.exhausted) guarded([&] { me.raise(me.id, "coordinator.defer.exhausted"); });
  Operation operation(me, me.id, me.key(), me.enqueued_ns, me.started_ns);
  void* const item = table_.item(me.slot);
  std::shared_ptr<const void> value;
  outcome = handler_->run(item, operation, value);
  const bool in_time = !limited || me.decide();
  if (in_time && keeps_ends_) {
    handler_->ended(me.id, outcome.ok() ? OperationState::kSucceeded : OperationState::kFailed,
                    outcome.message(), std::move(value));
  }
  value.reset();
  handler_->destroy(item);
  // An abandoned thread may have outlived the clock.
  if (in_time) now_ns = clock_.now_ns();
  lock_briefly(lock);
  return in_time;
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
      discard(turn.slot, OperationState::kSkipped, now_ns, me.after);
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
    intake_.leave();  // after it counts as running: nobody sees it gone from both
    return true;
  }
  return false;
}

bool WorkCore::may_run() const {
  return active_ < limit_.load(std::memory_order_relaxed) &&
         !paused_.load(std::memory_order_relaxed);
}

}  // namespace mayfly
