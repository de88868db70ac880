// SinkUses: who uses a sink in an operation's name right now, and the end of that.
//
// PROTOCOL   use() counts, then looks whether the sink is closed; close() closes it, then looks at
//            the counts. All seq_cst: either the use sees that it is closed, or close() sees the
//            use. Of uses there are two counts: all, and those in the sink's own code and not in a
//            listener (listener_watch.h).
// PROMISE    When close() returns, no use begins any more, and those that ran are over, or in a
//            listener. A use in the sink's own code is waited for as long as it takes: it ends, or
//            calls a listener, by itself. One in a listener is given kPatience looks to return; a
//            listener that takes longer may never return, and is left. What the raise does after it
//            needs the sink still, so that one has to live on (coordinator.h, ABANDONED).
// THREADS    Any. close() also within a use, which it doesn't wait for.
#pragma once

#include <atomic>
#include <thread>

#include "mayfly/signal/listener_watch.h"
#include "mayfly/work/work_frame.h"

namespace mayfly {

class SinkUses {
 public:
  // Looks, each with a chance for others to run, that listeners have to return in.
  static constexpr int kPatience = 10'000;

  // `owner`: of the frames (work_frame.h) that uses are.
  explicit SinkUses(const void* owner) : owner_(owner) {}

  // Calls use(), unless the sink is closed.
  template <class Use>
  auto use(Use use) -> decltype(use()) {
    const Count count(uses_);
    const ListenerWatch watch(outside_);
    const WorkFrame frame(owner_, WorkFrame::Kind::kSignals);
    if (closed_.load()) return {};
    return use();
  }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  void close() {
    closed_.store(true);
    const int mine = WorkFrame::count(owner_, WorkFrame::Kind::kSignals);
    const int mine_outside = ListenerWatch::mine(outside_);
    for (int looks = 0;
         outside_.load() > mine_outside || (looks < kPatience && uses_.load() > mine); ++looks) {
      std::this_thread::yield();
    }
  }

 private:
  struct Count {
    explicit Count(std::atomic<int>& of) : uses(of) { uses.fetch_add(1); }
    ~Count() { uses.fetch_sub(1); }
    std::atomic<int>& uses;
  };

  const void* const owner_;
  std::atomic<int> uses_{0};
  std::atomic<int> outside_{0};  // of listeners
  std::atomic<bool> closed_{false};
};

}  // namespace mayfly
