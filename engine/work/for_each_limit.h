// Bodies of for_each that have a time limit: the slot in which a thread runs one body after the
// other, and the watch that abandons threads.
//
// PROTOCOL   A body whose limit has passed is told to stop and abandoned: its thread is detached,
//            and another takes its place, at most kAbandonedMax times. From then on the thread may
//            outlive the call, so whatever it still uses is the slot's, which it shares: the body,
//            the item (a copy), the key's text and its operation. Slot::expire() and Slot::end()
//            decide under the slot's mutex which of them comes first; after expire() the thread
//            touches nothing but its slot, and the watch ends the operation in its place. Signals
//            are shared with the slot too (for_each_signals.h): a raise holds no lock, so a
//            listener that doesn't return keeps nobody waiting, and what the thread raises later
//            goes nowhere. The caller's sink alone is not the slot's: it has to outlive a raise
//            that a body was abandoned in, or be kept by WorkOptions::keep_alive.
// THREADS    The watch is the calling thread; it runs no body, since it can't be abandoned.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/work/for_each_run.h"
#include "mayfly/work/operation.h"

namespace mayfly {

// Where a thread runs one body after the other, each with its limit.
class ForEachSlot : public OperationHost {
 public:
  explicit ForEachSlot(ForEachRun& run) : signals_(run.signals()), caller_stop_(run.how().stop) {}
  const std::shared_ptr<ForEachSignals>& signals() const { return signals_; }
  virtual ~ForEachSlot() = default;

  // The thread: a body is about to run; `lane` is what is to be released when it ends. From here on
  // the start's key is the slot's.
  void begin(ForEachStart& start, void* lane, std::int64_t deadline_ns);
  // It has run. False: too late; only the slot may be touched.
  bool end();

  // The watch: kNever while no body runs.
  std::int64_t deadline_ns() const { return deadline_ns_.load(std::memory_order_relaxed); }
  // Abandons the body that runs if its deadline has passed.
  bool expire(std::int64_t now_ns);
  // Of a body that was abandoned.
  const ForEachStart& start() const { return start_; }
  void* lane() const { return lane_; }
  void request_stop();

  void raise(OperationId operation, std::string_view name) override;
  std::size_t retract(OperationId operation, std::string_view name) override;
  std::size_t retract_matching(OperationId operation, std::string_view glob) override;
  bool stop_requested() const override;
  std::stop_token stop_token() override;

 private:
  struct PassOn {
    std::stop_source to;
    void operator()() { to.request_stop(); }
  };

  template <class Use>
  auto use_signals(Use use) -> decltype(use(std::declval<SignalSink&>()));

  const std::shared_ptr<ForEachSignals> signals_;
  const std::stop_token caller_stop_;
  std::mutex mutex_;
  std::atomic<bool> expired_{false};
  // Written under the mutex; the watch looks without it for whom it is worth to take it.
  std::atomic<std::int64_t> deadline_ns_{kNever};
  ForEachStart start_;
  std::string key_;
  void* lane_ = nullptr;
  std::optional<std::stop_source> stop_;
  std::optional<std::stop_callback<PassOn>> caller_stops_;
};

// Starts the threads, and abandons those whose body is past its limit.
class ForEachWatch {
 public:
  static constexpr int kAbandonedMax = 8;

  // What a thread does, with its number and its slot: returns when there is nothing left to do, or
  // its body was abandoned. Doesn't throw.
  using Work = std::function<void(ForEachWatch& watch, int number, ForEachSlot& slot)>;
  using MakeSlot = FunctionRef<std::shared_ptr<ForEachSlot>()>;
  using Release = FunctionRef<void(void* lane)>;

  // At most `size` threads that aren't abandoned. Those that run when kAbandonedMax are may be
  // abandoned too: there are never more than size + kAbandonedMax - 1 threads.
  ForEachWatch(ForEachRun& run, int size, Work work, MakeSlot make_slot, Release release);

  // Returns when all threads have ended or are abandoned.
  void run();
  // A thread has found something to do: there may be more.
  void grow();
  // A thread that isn't abandoned has nothing more to do.
  void leave();

 private:
  void start_thread();
  std::int64_t abandon_expired(std::unique_lock<std::mutex>& lock);

  ForEachRun& run_;
  const int size_;
  const Work work_;
  const MakeSlot make_slot_;
  const Release release_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool more_ = true;      // another thread may find something to do
  bool drained_ = false;  // one has found nothing, so nobody will
  int active_ = 0;        // threads that run and aren't abandoned
  int abandoned_ = 0;
  std::vector<std::shared_ptr<ForEachSlot>> slots_;  // by number
  std::vector<std::jthread> threads_;
};

}  // namespace mayfly
