// Time limits of bodies: who watches them, and what becomes of threads that are abandoned.
#include <algorithm>

#include "mayfly/work/worker.h"

namespace mayfly {

void WorkCore::watch() {
  Lock lock(mutex_);
  Afterwards after;
  while (!stopping_) {
    const std::int64_t now = clock_.now_ns();
    std::int64_t earliest = deadline_after(now, options_.body_time_limit_ns);
    for (auto next = workers_.begin(); next != workers_.end();) {
      Worker& worker = **next;
      const auto here = next++;
      if (!worker.running()) continue;
      const std::int64_t deadline_ns =
          deadline_after(worker.started_ns, options_.body_time_limit_ns);
      if (deadline_ns > now) {
        earliest = std::min(earliest, deadline_ns);
      } else if (worker.decide()) {  // or its body has just returned
        expire(worker, now, after);
        workers_.erase(here);
      }
    }
    if (after.any()) {
      // In this order: what came before others could see that somebody is wanted is seen here.
      update_hungry();
      call_workers(intake_.in_line());
      cancel_if_nobody_comes(after);
      finish_afterwards(lock, after);
      continue;
    }
    clock_.wait_until(lock, watch_wake_, earliest);
  }
}

void WorkCore::expire(Worker& worker, std::int64_t now_ns, Afterwards& after) {
  worker.abandoned.store(true);  // from here on it reaches no sink
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
  guarded([&] { after.operation_signals.emplace_back("coordinator.body.timeout", worker.id); });
  if (keeps_ends_) handler_->ended(worker.id, OperationState::kFailed, time_limit_error_, {});
  end(worker.slot, OperationState::kFailed, time_limit_error_, true, now_ns, after);
  show_active();
}

// Nobody is left to run what waits, and nobody may come.
void WorkCore::cancel_if_nobody_comes(Afterwards& after) {
  if (live_.load() == 0 && abandoned_.load() >= kAbandonedMax && intake_.in_line() > 0) {
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
  // There may have been too many of them to make a thread for what waits.
  update_hungry();
  call_workers(intake_.in_line());
}

}  // namespace mayfly
