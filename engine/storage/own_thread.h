// run_on_own_thread: for who has to wait for what its own thread is in the midst of.
//
// THREADS  Any.
#pragma once

#include <exception>
#include <thread>
#include <utility>

namespace mayfly {

// Calls end() on a thread of its own, which nobody waits for. False: there is no thread, or no
// memory for one, and it isn't called. What it owns goes then, too, so it owns nothing.
template <class End>
[[nodiscard]] bool run_on_own_thread(End end) noexcept {
  try {
    std::thread(std::move(end)).detach();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace mayfly
