// OperationId: the number of one piece of work, unique in its process by construction.
#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly {

// From 1 on; 0 is none.
using OperationId = std::uint64_t;

// Hands out ids from blocks that nobody else has: one shared atomic step per kBlock ids. Ids of one
// block source increase; those of several interleave. One thread at a time.
class OperationIds {
 public:
  OperationId next() {
    if (next_ == end_) {
      next_ = blocks_.fetch_add(kBlock, std::memory_order_relaxed);
      end_ = next_ + kBlock;
    }
    return next_++;
  }

 private:
  static constexpr std::uint64_t kBlock = 1024;
  // The one mutable static: what makes ids unique across all who make some.
  static inline std::atomic<std::uint64_t> blocks_{1};
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace mayfly
