#include "mayfly/work/for_each_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/base/thread_name.h"

namespace mayfly {
namespace {

// For the reason that is made, if there is memory for it.
template <class Make>
void halt(ForEachRun& run, Make make_reason) {
  try {
    run.halt(make_reason());
  } catch (const std::bad_alloc&) {
    run.halt_without_memory();
  }
}

}  // namespace

void ForEachSlot::begin(ForEachStart& start, void* lane, std::int64_t deadline_ns) {
  const std::lock_guard lock(mutex_);
  caller_stops_.reset();
  stop_.reset();
  key_.assign(start.key);
  start.key = key_;
  start_ = start;
  lane_ = lane;
  deadline_ns_.store(deadline_ns, std::memory_order_relaxed);
}

bool ForEachSlot::end() {
  const std::lock_guard lock(mutex_);
  deadline_ns_.store(kNever, std::memory_order_relaxed);
  return !expired_;
}

bool ForEachSlot::expire(std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (deadline_ns_.load(std::memory_order_relaxed) > now_ns) return false;
  deadline_ns_.store(kNever, std::memory_order_relaxed);
  expired_ = true;
  return true;
}

void ForEachSlot::request_stop() {
  std::optional<std::stop_source> stop;
  {
    const std::lock_guard lock(mutex_);
    stop = stop_;
  }
  if (stop) stop->request_stop();
}

// The watch sees the use, or this sees that the body is abandoned.
template <class Use>
auto ForEachSlot::use_signals(Use use) -> decltype(use(std::declval<SignalSink&>())) {
  return signals_->uses().use([&]() -> decltype(use(std::declval<SignalSink&>())) {
    if (expired_.load() || signals_->sink() == nullptr) return {};
    return use(*signals_->sink());
  });
}

void ForEachSlot::raise(OperationId operation, std::string_view name) {
  use_signals([&](SignalSink& sink) {
    sink.raise(name, operation);
    return 0;
  });
}

std::size_t ForEachSlot::retract(OperationId operation, std::string_view name) {
  return use_signals([&](SignalSink& sink) { return sink.retract(name, operation); });
}

std::size_t ForEachSlot::retract_matching(OperationId operation, std::string_view glob) {
  return use_signals([&](SignalSink& sink) { return sink.retract_matching(glob, operation); });
}

bool ForEachSlot::stop_requested() const { return expired_ || caller_stop_.stop_requested(); }

std::stop_token ForEachSlot::stop_token() {
  const std::lock_guard lock(mutex_);
  if (!stop_) {
    stop_.emplace();
    if (expired_) stop_->request_stop();
    caller_stops_.emplace(caller_stop_, PassOn{*stop_});
  }
  return stop_->get_token();
}

ForEachWatch::ForEachWatch(ForEachRun& run, int size, Work work, MakeSlot make_slot,
                           Release release)
    : run_(run), size_(size), work_(std::move(work)), make_slot_(make_slot), release_(release) {}

void ForEachWatch::run() {
  run_.watch_notes();  // while nothing runs that would wait for them
  std::unique_lock lock(mutex_);
  do {
    if (more_ && active_ < size_) start_thread();
    const std::int64_t look_again_ns = abandon_expired(lock);
    // grow() and leave() need the mutex: what they say after this look wakes us.
    if (active_ > 0 && !(more_ && active_ < size_)) {
      run_.clock().wait_until(lock, wake_, look_again_ns);
    }
  } while (active_ > 0 || more_);
  lock.unlock();
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ForEachWatch::grow() {
  {
    const std::lock_guard lock(mutex_);
    if (more_ || drained_ || active_ >= size_) return;
    more_ = true;
  }
  wake_.notify_one();
}

void ForEachWatch::leave() {
  const std::lock_guard lock(mutex_);
  drained_ = true;
  more_ = false;
  --active_;
  wake_.notify_one();
}

void ForEachWatch::start_thread() {
  more_ = false;
  const int number = static_cast<int>(slots_.size());
  std::shared_ptr<ForEachSlot> slot;
  try {
    slots_.reserve(slots_.size() + 1);
    slot = make_slot_();
    // The thread has a copy of the work and shares the slot: all it has once it is abandoned.
    threads_.emplace_back([this, work = work_, number, slot] {
      name_this_thread("mayfly-each");
      const WorkFrame frame(slot->signals().get(), WorkFrame::Kind::kWork);
      work(*this, number, *slot);
    });
  } catch (const std::system_error& error) {
    if (active_ == 0) {
      halt(run_, [&] {
        return Status(Code::kTryAgain, fmt::format("no thread could be started: {}", error.what()));
      });
    }
    return;
  } catch (const std::bad_alloc&) {
    if (active_ == 0) run_.halt_without_memory();
    return;
  }
  slots_.push_back(std::move(slot));
  ++active_;
}

// Returns when there may be another one: bodies that start later have at least the limit.
std::int64_t ForEachWatch::abandon_expired(std::unique_lock<std::mutex>& lock) {
  const std::int64_t now_ns = run_.now_ns();
  std::int64_t next_ns = deadline_after(now_ns, run_.options().body_time_limit_ns);
  for (std::size_t number = 0; number < slots_.size(); ++number) {
    ForEachSlot& slot = *slots_[number];
    if (slot.deadline_ns() > now_ns || !slot.expire(now_ns)) {
      next_ns = std::min(next_ns, slot.deadline_ns());
      continue;
    }
    threads_[number].detach();
    --active_;
    if (++abandoned_ < kAbandonedMax) {
      more_ = !drained_;
    } else {
      halt(run_, [&] {
        return Status(Code::kTryAgain,
                      fmt::format("{} bodies are past their time limit of {} ms and keep their "
                                  "threads; no further item was started",
                                  abandoned_, run_.options().body_time_limit_ns / kMillisecond));
      });
    }
    // Listeners and what waits for the lane are none of the lock's business.
    lock.unlock();
    slot.request_stop();
    run_.end_abandoned(run_.watch_notes(), slot.start());
    release_(slot.lane());
    lock.lock();
  }
  return next_ns;
}

}  // namespace mayfly
