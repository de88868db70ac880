// ShardLock: a lock for a few dozen instructions, at half a mutex's price when nobody else wants
// it.
//
// PROTOCOL   taken_ is exchanged to true (acquire) and stored false (release): each holder sees
//            what the one before it wrote. Giving it back is a plain store, so nobody is woken: who
//            finds it taken looks again, then lets others run, then sleeps between looks, which
//            also lets a holder of lower priority go on.
// THREADS    Any. Not recursive, not fair.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace mayfly {

// For std::lock_guard.
class ShardLock {
 public:
  void lock() {
    for (int tries = 0; taken_.exchange(true, std::memory_order_acquire); ++tries) wait(tries);
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  static constexpr int kSpins = 100;
  static constexpr int kYields = 100;

  [[gnu::noinline, gnu::cold]] void wait(int tries) const {
    if (tries < kSpins) {
      // Relaxed: the exchange that follows is what acquires.
      for (int i = 0; i < 32 && taken_.load(std::memory_order_relaxed); ++i) pause();
    } else if (tries < kSpins + kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  std::atomic<bool> taken_{false};
};

}  // namespace mayfly
