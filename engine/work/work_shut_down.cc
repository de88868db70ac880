// The end of a coordinator, wherever it is called from.
#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/work/worker.h"

namespace mayfly {
void WorkCore::shut_down() {
  cancel();
  const bool within = WorkFrame::within(this);
  if (!within) {
    Lock lock(mutex_);
    while (!drained_locked()) {
      const std::int64_t deadline_ns = clock_.now_ns() + 10 * kSecond;
      while (!drained_locked() && clock_.now_ns() < deadline_ns) {
        clock_.wait_until(lock, drained_, deadline_ns);
      }
      if (drained_locked()) break;
      lock.unlock();
      guarded([&] { sink_->raise("coordinator.destroy.waiting"); });
      lock.lock();
    }
  }
  listeners_.close(within || abandoned_.load() > 0);
  for (AsyncSignals* queue : {async_raised_.get(), async_removed_.get()}) {
    if (queue != nullptr) queue->close();  // handles what waits
  }
  std::list<std::shared_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    update_hungry();
    workers.swap(workers_);
  }
  work_.notify_all();
  watch_wake_.notify_all();
  // Threads share this object: it lives until the last of those that go on by themselves has ended.
  for (const auto& worker : workers) end_thread(worker->thread, within);
  end_thread(watch_, within);
  sink_uses_.close();
  keep_until_raise_ends();
}

void WorkCore::end_thread(std::thread& thread, bool by_itself) {
  if (!thread.joinable()) return;
  if (by_itself) {
    thread.detach();
  } else {
    thread.join();
  }
}

// Destroyed by a listener of its own sink, on a thread that may have nothing else to do with it:
// the raise goes on when the listener has returned. So the thread keeps this object until the next
// such destruction that isn't in a raise, or until it ends.
void WorkCore::keep_until_raise_ends() {
  thread_local std::vector<std::shared_ptr<WorkCore>> kept;
  if (SignalEvent::current() == nullptr) {
    const auto gone = std::exchange(kept, {});  // what that destroys may come here, too
  } else if (own_sink_ != nullptr && !WorkFrame::within(this)) {
    kept.push_back(shared_from_this());
  }
}

}  // namespace mayfly
