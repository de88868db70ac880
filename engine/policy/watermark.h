// Watermark: on from the high mark up, off again from the low mark down, and as it was between
// them.
//
// Arithmetic alone.
// THREADS  One at a time.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace mayfly {

class Watermark {
 public:
  // 0 <= low < high; std::invalid_argument otherwise.
  Watermark(std::int64_t high, std::int64_t low) { set(high, low); }

  bool on() const { return on_; }
  std::int64_t high() const { return high_; }
  std::int64_t low() const { return low_; }
  // True: it went on, or off.
  bool update(std::int64_t level) {
    const bool before = on_;
    if (level >= high_) on_ = true;
    if (level <= low_) on_ = false;
    return on_ != before;
  }
  // Other marks; it stays on or off until the next update.
  void set(std::int64_t high, std::int64_t low) {
    if (low < 0 || low >= high) {
      throw std::invalid_argument("watermark: expected 0 <= low < high, found low " +
                                  std::to_string(low) + " and high " + std::to_string(high));
    }
    high_ = high;
    low_ = low;
  }

 private:
  std::int64_t high_ = 1;
  std::int64_t low_ = 0;
  bool on_ = false;
};

}  // namespace mayfly
