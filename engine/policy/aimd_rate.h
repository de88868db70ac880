// AimdRate: a rate that is cut by a factor when it proves too high, and goes back step by step
// while it doesn't: additive increase, multiplicative decrease.
//
// A cut that comes within the cooldown of another one says the same once more, and counts as one:
// the answers to what was sent at one rate come together.
//
// Arithmetic alone: time comes in, and never goes back.
// THREADS  One at a time.
// SOURCE   D. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for Congestion
//          Avoidance in Computer Networks" (1989).
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "mayfly/base/clock.h"

namespace mayfly {

// The bounds of the rate, and how it moves between them.
struct AimdOptions {
  double max = 1;                       // where it begins, and goes back to; above 0
  double min = 1;                       // no cut goes below; above 0. More than max counts as max.
  double factor = 0.5;                  // of each cut; above 0, below 1
  double step = 0.1;                    // of each increase, as a share of max; above 0, up to 1
  std::int64_t quiet_ns = 5 * kSecond;  // without a cut: before each increase; at least 1
  std::int64_t cooldown_ns = 200 * kMillisecond;
};

class AimdRate {
 public:
  // std::invalid_argument: a value out of its range.
  explicit AimdRate(const AimdOptions& options) : options_(checked(options)), rate_(options.max) {}

  double rate() const { return rate_; }
  // It proved too high. True: the rate has changed.
  bool cut(std::int64_t now_ns) {
    advance(now_ns);
    // Also of a cut that changes nothing: it is no quiet time.
    next_ns_ = deadline_after(now_ns, options_.quiet_ns);
    if (now_ns < cooled_ns_) return false;
    cooled_ns_ = deadline_after(now_ns, options_.cooldown_ns);
    return become(std::max(rate_ * options_.factor, least()));
  }
  // Makes the increases that are due. True: the rate has changed.
  bool advance(std::int64_t now_ns) {
    if (now_ns < due_ns()) return false;
    const std::int64_t steps = 1 + (now_ns - next_ns_) / options_.quiet_ns;
    next_ns_ += steps * options_.quiet_ns;
    return become(rate_ + static_cast<double>(steps) * options_.step * options_.max);
  }
  // When the next increase is due; kNever: it is where it began.
  std::int64_t due_ns() const { return rate_ < options_.max ? next_ns_ : kNever; }
  // What was cut stays cut, unless it is above the new maximum. True: the rate has changed.
  bool set_max(double max) {
    AimdOptions changed = options_;
    changed.max = max;
    const bool was_cut = rate_ < options_.max;
    options_ = checked(changed);
    return become(was_cut ? std::max(rate_, least()) : max);
  }

 private:
  static const AimdOptions& checked(const AimdOptions& o) {
    // Written so that a NaN fails.
    expect(o.max > 0, "a maximum above 0", o.max);
    expect(o.min > 0, "a minimum above 0", o.min);
    expect(o.factor > 0 && o.factor < 1, "a factor between 0 and 1", o.factor);
    expect(o.step > 0 && o.step <= 1, "a step above 0, up to 1", o.step);
    expect(o.quiet_ns >= 1, "a quiet time of 1 ns or more", static_cast<double>(o.quiet_ns));
    expect(o.cooldown_ns >= 0, "a cooldown of 0 or more", static_cast<double>(o.cooldown_ns));
    return o;
  }
  static void expect(bool holds, const char* what, double found) {
    if (holds) return;
    throw std::invalid_argument(std::string("rate: expected ") + what + ", found " +
                                std::to_string(found));
  }
  double least() const { return std::min(options_.min, options_.max); }
  bool become(double rate) {
    const double before = rate_;
    rate_ = std::min(rate, options_.max);
    return rate_ != before;
  }

  AimdOptions options_;
  double rate_;
  std::int64_t next_ns_ = 0;    // of the next increase, where there is one
  std::int64_t cooled_ns_ = 0;  // no cut before
};

}  // namespace mayfly
