// DelayedCalls: does things later, on one thread of its own.
//
// THREADS  Any may call anything. Calls run one at a time, in the order in which they come due, and
//          never after stop() has returned; those that aren't due then are dropped. They must not
//          throw.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"

namespace mayfly {

class DelayedCalls {
 public:
  explicit DelayedCalls(const Clock& clock) : clock_(clock), thread_([this] { run(); }) {}
  ~DelayedCalls() { stop(); }
  DelayedCalls(const DelayedCalls&) = delete;
  DelayedCalls& operator=(const DelayedCalls&) = delete;

  void call_at(std::int64_t due_ns, std::function<void()> call);
  void stop();

 private:
  struct Call {
    std::int64_t due_ns;
    std::uint64_t number;  // of two that are due together the earlier one is first
    std::function<void()> call;
    bool operator<(const Call& other) const {
      return due_ns != other.due_ns ? due_ns > other.due_ns : number > other.number;
    }
  };
  void run();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Call> calls_;
  std::uint64_t numbers_ = 0;
  bool stopping_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace mayfly
