// How workers and producers take the scheduler's lock.
#pragma once

#include <mutex>

namespace mayfly {

// Waits for the lock, longer each time, before it falls asleep for it. Whoever holds it can so take
// several turns in a row, whose lines are then in its own cache; with short bodies that is worth
// more than taking turns.
inline void lock_briefly(std::unique_lock<std::mutex>& lock) {
  constexpr int kPausesMax = 128;
  for (int pauses = 8; pauses <= kPausesMax; pauses *= 2) {
    if (lock.try_lock()) return;
    for (int i = 0; i < pauses; ++i) __builtin_ia32_pause();
  }
  lock.lock();
}

}  // namespace mayfly
