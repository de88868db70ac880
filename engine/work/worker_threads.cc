// The threads of a coordinator: made, called, put to sleep, and let go.
#include <algorithm>
#include <exception>

#include "mayfly/work/scheduler_lock.h"
#include "mayfly/work/worker.h"

namespace mayfly {
namespace {

// How long a worker looks for arrivals before it sleeps; a sleep and a call cost some microseconds.
constexpr int kSpins = 400;
constexpr int kSpinsPerYield = 40;
constexpr std::int64_t kIdleNs = 10 * kSecond;

}  // namespace

// Another worker, if there is one to spare and something for it to do.
void WorkCore::call_for_more(std::int64_t now_ns) {
  if (stopping_ || hungry_.load(std::memory_order_relaxed) == 0 || intake_.in_line() == 0) return;
  if (order_->next(now_ns).slot != kNoOperationSlot) call_workers(1);
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
    if (stopping_) break;  // the clock may be gone
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

void WorkCore::call_workers(std::uint64_t count) {
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

// False: the system has no thread to give, or no memory for one. It is tried again with the next
// item, and while somebody waits for the end of what there is.
bool WorkCore::add_worker() {
  std::erase_if(workers_, [](const std::shared_ptr<Worker>& worker) {
    if (!worker->ended) return false;
    worker->thread.join();  // it needs no lock any more
    return true;
  });
  const std::size_t before = workers_.size();
  try {
    const auto worker = std::make_shared<Worker>(*this);
    workers_.push_back(worker);
    // Both are shared with the thread: it may be abandoned.
    worker->thread = std::thread([core = shared_from_this(), worker] {
      const WorkFrame frame(core.get(), WorkFrame::Kind::kWork);
      core->work(*worker);
    });
  } catch (const std::exception&) {  // of the system, or no memory
    workers_.resize(before);
    drained_.notify_all();  // who waits tries again
    return false;
  }
  ++live_;
  ++awake_;
  return true;
}

void WorkCore::wake_for_arrivals(std::size_t count) {
  Lock lock(mutex_, std::defer_lock);
  lock_briefly(lock);
  call_workers(count);
  if (live_.load() > 0) return;
  const auto self = shared_from_this();  // a callback may destroy the coordinator
  Afterwards after;
  cancel_if_nobody_comes(after);
  if (after.any()) finish_afterwards(lock, after);
}

void WorkCore::poke() {
  const Lock lock(mutex_);
  if (intake_.in_line() > 0) call_workers(1);
}

// Under the lock: a worker's thread is at its end.
void WorkCore::leave(Worker& me) {
  intake_.flush_given_back();
  --awake_;
  --live_;
  update_hungry();
  // What came while this thread still counted as one that would look.
  if (intake_.has_arrivals(intake_.taken())) call_workers(1);
  me.ended = true;  // last: who adds a worker joins those that have ended
}

}  // namespace mayfly
