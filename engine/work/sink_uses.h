// SinkUses: who uses a sink in an operation's name right now, and the end of that.
//
// PROTOCOL   use() counts, then looks whether the sink is closed; close() closes it, then looks at
//            the count. All seq_cst: either the use sees that it is closed, or close() sees the
//            use. A use that is alone in the sink ends by itself, in less time than close() looks
//            on; one whose listener doesn't return can't be waited for, and isn't.
// THREADS    Any.
#pragma once

#include <atomic>
#include <thread>

#include "mayfly/work/work_frame.h"

namespace mayfly {

class SinkUses {
 public:
  // `owner`: of the frames (work_frame.h) that uses are.
  explicit SinkUses(const void* owner) : owner_(owner) {}

  // Calls use(), unless the sink is closed.
  template <class Use>
  auto use(Use use) -> decltype(use()) {
    const Count count(uses_);
    const WorkFrame frame(owner_, WorkFrame::Kind::kSignals);
    if (closed_.load()) return {};
    return use();
  }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // No use begins any more; those that run, but this thread's own, are over, or in a listener.
  void close() {
    constexpr int kPatience = 10'000;
    closed_.store(true);
    const int mine = WorkFrame::count(owner_, WorkFrame::Kind::kSignals);
    for (int i = 0; i < kPatience && uses_.load() > mine; ++i) std::this_thread::yield();
  }

 private:
  struct Count {
    explicit Count(std::atomic<int>& of) : uses(of) { uses.fetch_add(1); }
    ~Count() { uses.fetch_sub(1); }
    std::atomic<int>& uses;
  };

  const void* const owner_;
  std::atomic<int> uses_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace mayfly
