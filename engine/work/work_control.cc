// What coordinators are told: no more, wait, stop, pause, as many at once.
#include <algorithm>
#include <string>

#include "mayfly/work/worker.h"

namespace mayfly {
namespace {

// Between two attempts to start a thread, while the system has none to give and somebody waits.
constexpr std::int64_t kThreadRetryNs = 10 * kMillisecond;

}  // namespace

Result<OperationId> WorkCore::refusal(bool timed_out) const {
  if (timed_out) {
    return Status(Code::kTryAgain, "no room: " + std::to_string(intake_.capacity()) +
                                       " operations are in line (queue_capacity)");
  }
  if (intake_.closed()) {
    return Status(Code::kUsage, "enqueue after complete() or cancel(): nothing is taken any more");
  }
  return Status(Code::kUnavailable,
                "expected bodies that end, found " + std::to_string(kAbandonedMax) +
                    " threads abandoned at their time limit; nothing is taken until one returns");
}

Status WorkCore::lane_refusal(const Lane& lane) const {
  const bool own = lane.options().max_depth > 0;
  return {Code::kTryAgain,
          "lane " + lane.options().name + " is full: " +
              std::to_string(own ? lane.options().max_depth : options_.queue_capacity) +
              " operations are in it (" + (own ? "max_depth)" : "queue_capacity)")};
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

Status WorkCore::self_wait(std::string_view call) {
  return {Code::kUsage, std::string(call) +
                            " within a body, an observer or a callback of the same coordinator "
                            "would wait for itself; call it on another thread"};
}

// Under the lock, until the condition holds. Work for which there is no thread is tried again: the
// system may have had none to give.
template <class Condition>
void WorkCore::wait_until(Lock& lock, Condition condition) {
  while (!condition()) {
    const auto nobody_comes = [this] { return live_.load() == 0 && intake_.in_line() > 0; };
    if (nobody_comes()) call_workers(intake_.in_line());
    if (nobody_comes()) {
      clock_.wait_until(lock, drained_, clock_.now_ns() + kThreadRetryNs);
    } else {
      drained_.wait(lock);
    }
  }
}

Status WorkCore::drain() {
  if (!intake_.closed()) {
    return {Code::kUsage, "drain() before complete(): more could come; call complete() first"};
  }
  if (WorkFrame::within(this)) return self_wait("drain()");
  set_paused(false);
  Lock lock(mutex_);
  wait_until(lock, [this] { return drained_locked(); });
  return {};
}

bool WorkCore::drained() const {
  const WorkCounts now = counts();
  return intake_.closed() && now.pending == 0 && now.active == 0;
}

Status WorkCore::wait_until_idle() {
  if (WorkFrame::within(this)) return self_wait("wait_until_idle()");
  set_paused(false);
  Lock lock(mutex_);
  ++idle_waiters_;
  wait_until(lock, [this] { return idle_locked(); });
  --idle_waiters_;
  return {};
}

bool WorkCore::idle_locked() const {
  return intake_.in_line() == 0 && active_ == 0 && observing_ == 0;
}

void WorkCore::tell_if_drained() {
  if ((intake_.closed() || idle_waiters_ > 0) && idle_locked()) drained_.notify_all();
}

void WorkCore::cancel() {
  const auto self = shared_from_this();  // a callback may destroy the coordinator
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
  order_->take_all(
      [&](OperationSlot slot) { discard(slot, OperationState::kCancelled, now, after); });
  after.made_room = true;
}

void WorkCore::drop_oldest_if_full() {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(intake_.mutex());
    if (intake_.room() > 0 || intake_.closed()) return;
  }
  Lock lock(mutex_);
  Afterwards after;
  const OperationSlot oldest = order_->oldest();
  if (oldest == kNoOperationSlot) return;
  order_->take(oldest, false);
  discard(oldest, OperationState::kCancelled, clock_.now_ns(), after);
  after.made_room = true;
  finish_afterwards(lock, after);
}

void WorkCore::set_paused(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_.store(paused, std::memory_order_release);
  update_hungry();
  if (!paused) call_workers(intake_.in_line());
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
  call_workers(intake_.in_line());
  return {};
}

}  // namespace mayfly
