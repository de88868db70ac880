// PermitCount: how many may be out at a time, and how many are.
//
// A lower limit holds at once: those that are out stay out, and none is given until enough came
// back. Raising and lowering leaves nothing behind, since there is one number for what is out and
// one for what may be.
//
// Arithmetic alone: who waits, and in what order, is the caller's affair.
// MEMORY   Three numbers.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mayfly {

class PermitCount {
 public:
  // At least 1, here and in set_limit: with none nothing would ever come back.
  explicit PermitCount(std::uint64_t limit) : limit_(std::max<std::uint64_t>(limit, 1)) {}

  // Takes up to `wanted`; returns how many.
  std::uint64_t take(std::uint64_t wanted) {
    const std::uint64_t taken = std::min(wanted, free());
    out_ += taken;
    highest_ = std::max(highest_, out_);
    return taken;
  }
  // What was never taken isn't given back.
  void give_back(std::uint64_t permits) { out_ -= std::min(permits, out_); }

  void set_limit(std::uint64_t limit) { limit_ = std::max<std::uint64_t>(limit, 1); }
  std::uint64_t limit() const { return limit_; }
  std::uint64_t out() const { return out_; }
  std::uint64_t free() const { return limit_ > out_ ? limit_ - out_ : 0; }
  // Most that were out at a time.
  std::uint64_t highest() const { return highest_; }

 private:
  std::uint64_t limit_;
  std::uint64_t out_ = 0;
  std::uint64_t highest_ = 0;
};

}  // namespace mayfly
