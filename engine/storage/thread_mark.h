// ThreadMark: which thread is at something that only one is at at a time, and that mustn't wait for
// itself.
//
// THREADS  is_here(): any. Here: one at a time, as the owner's lock, or its one thread, sees to.
#pragma once

#include <atomic>
#include <thread>

namespace mayfly {

class ThreadMark {
 public:
  // This thread, as long as it lives.
  class Here {
   public:
    explicit Here(ThreadMark& mark) : mark_(mark) {
      mark_.who_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Here() { mark_.who_.store({}, std::memory_order_relaxed); }
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;

   private:
    ThreadMark& mark_;
  };

  // A thread compares it with its own alone: no order is needed.
  bool is_here() const {
    return who_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

 private:
  std::atomic<std::thread::id> who_{};
};

}  // namespace mayfly
