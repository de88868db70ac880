// RaisingThread: what a raise has to know of the thread it is on, in one load.
//
// A thread's key is made of its thread pointer, which no two live threads share; a later thread may
// have the key of one that has ended. While the thread may raise by the short way
// (signal_window.h), its quick key is that key; it is 0 before, and as long as it runs listeners,
// so that a raise of theirs goes the long way, which asks for its cause.
//
// THREADS    Each its own.
#pragma once

#include <pthread.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace mayfly {

class RaisingThread {
 public:
  static std::uintptr_t key() {
#if defined(__has_builtin) && defined(__x86_64__)
#if __has_builtin(__builtin_thread_pointer)
    const auto pointer = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
#else
    const auto pointer = reinterpret_cast<std::uintptr_t>(pthread_self());
#endif
#else
    const auto pointer = static_cast<std::uintptr_t>(pthread_self());
#endif
    // Odd, so no two pointers have the same product. Thread control blocks are aligned alike: the
    // high bits differ most, and are turned down to where home() takes them.
    return std::rotl(pointer * 0x9E3779B97F4A7C15u, kSpareBits + kHomeBits);
  }
  // A number below 64 that threads rarely share, to begin the search for a thread's slot with.
  static std::size_t home(std::uintptr_t key) {
    return key >> kSpareBits & ((std::size_t{1} << kHomeBits) - 1);
  }
  // What is nobody's key, and not 0: pointers are multiples of 2 at least, and so are products.
  static constexpr std::uintptr_t kNobody = std::uintptr_t{1} << 11;
  static std::uintptr_t quick_key() { return quick_key_; }
  static void set_quick_key(std::uintptr_t key) { quick_key_ = key; }

 private:
  // The home stands above as many bits as the size of a slot has: its place in an array of slots is
  // then the key with the other bits cleared, one instruction.
  static constexpr int kSpareBits = 5;
  static constexpr int kHomeBits = 6;
  static_assert(kNobody == std::uintptr_t{1} << (kSpareBits + kHomeBits));

  // Initial-exec: one load, also in a shared library, instead of a call.
#if defined(__GNUC__)
  [[gnu::tls_model("initial-exec")]]
#endif
  static inline constinit thread_local std::uintptr_t quick_key_ = 0;
};

}  // namespace mayfly
