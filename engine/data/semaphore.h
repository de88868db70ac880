// Semaphore: counts permits; waiting threads sleep after a short spin.
//
// moodycamel's LightweightSemaphore behind a name, so that engine/data alone includes it. Any
// thread.
#pragma once

#include <cstdint>

#include "mayfly/data/moodycamel.h"

namespace mayfly {

class Semaphore {
 public:
  explicit Semaphore(std::int64_t permits = 0) : impl_(permits, kSpins) {}

  bool try_acquire() { return impl_.tryWait(); }
  void acquire() {
    while (!impl_.wait()) {
    }
  }
  // False when timeout_ns passed without a permit.
  bool acquire_for(std::int64_t timeout_ns) {
    if (timeout_ns <= 0) return impl_.tryWait();
    return impl_.wait(timeout_ns / 1'000 + 1);
  }
  void release(std::int64_t permits = 1) { impl_.signal(permits); }
  std::int64_t available() const { return static_cast<std::int64_t>(impl_.availableApprox()); }

 private:
  // Few: on a machine with as many busy threads as cores, spinning takes time from the thread that
  // would release.
  static constexpr int kSpins = 64;
  moodycamel::LightweightSemaphore impl_;
};

}  // namespace mayfly
