#include "mayfly/patterns/delayed_calls.h"

#include <utility>

namespace mayfly {

void DelayedCalls::call_at(std::int64_t due_ns, std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  calls_.push({due_ns, numbers_++, std::move(call)});
  changed_.notify_all();
}

void DelayedCalls::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  const std::lock_guard joining(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void DelayedCalls::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (calls_.empty() || clock_.now_ns() < calls_.top().due_ns) {
      clock_.wait_until(lock, changed_, calls_.empty() ? kNever : calls_.top().due_ns);
      continue;
    }
    std::function<void()> call = calls_.top().call;
    calls_.pop();
    lock.unlock();
    call();
    call = nullptr;
    lock.lock();
  }
}

}  // namespace mayfly
