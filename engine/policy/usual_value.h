// UsualValue: how far a number lies from those before it, in standard deviations.
//
// Mean and variance are weighted: each value counts a little less than the one after it, so that
// what is usual may change. A value beyond the bound counts as if it lay there: one outlier doesn't
// hide the next, and a new level becomes usual all the same.
//
// Arithmetic alone.
// MEMORY   Fixed.
// THREADS  One at a time.
// SOURCE   T. Finch, "Incremental calculation of weighted mean and variance" (2009), chapter 9.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace mayfly {

// How much is remembered, and how far off is unusual.
struct UsualValueOptions {
  std::uint64_t memory = 1000;  // about so many values count; 2 to 10^9
  double bound = 6;             // standard deviations; above 0
};

class UsualValue {
 public:
  // std::invalid_argument: a value out of its range.
  explicit UsualValue(const UsualValueOptions& options) : options_(options) {
    // Written so that a NaN fails.
    if (!(options.memory >= 2 && options.memory <= 1'000'000'000 && options.bound > 0)) {
      throw std::invalid_argument(
          "usual value: expected a memory of 2 to 1,000,000,000 and a bound above 0");
    }
  }

  // True: it lies beyond the bound. None does while fewer than a tenth of `memory` (and fewer than
  // 10) have come. Then it counts. A value that isn't finite is neither judged nor counted.
  bool add(double value) {
    if (!std::isfinite(value)) return false;
    const bool knows = values_ >= std::max<std::uint64_t>(options_.memory / 10, 10);
    const double reach = options_.bound * deviation();
    const bool beyond = knows && std::abs(value - mean_) > reach;
    // Where nothing has varied yet, something has to be able to begin.
    if (beyond && reach > 0) value = mean_ + std::copysign(reach, value - mean_);
    ++values_;
    const double weight =
        std::max(1 / static_cast<double>(values_), 2 / (static_cast<double>(options_.memory) + 1));
    const double off = value - mean_;
    mean_ += weight * off;
    variance_ = (1 - weight) * (variance_ + weight * off * off);
    // Differences of numbers near the largest: begin anew.
    if (!std::isfinite(variance_) || !std::isfinite(mean_)) *this = UsualValue(options_);
    return beyond;
  }

  double mean() const { return mean_; }
  double deviation() const { return std::sqrt(variance_); }

 private:
  UsualValueOptions options_;
  std::uint64_t values_ = 0;
  double mean_ = 0;
  double variance_ = 0;
};

}  // namespace mayfly
