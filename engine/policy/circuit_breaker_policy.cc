#include "mayfly/policy/circuit_breaker_policy.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

constexpr std::uint32_t kThresholdMax = 1'000'000;
// In a drain: the first pause between probes, and the longest.
constexpr std::int64_t kDrainPauseNs = 10 * kMillisecond;
constexpr std::int64_t kDrainPauseMaxNs = kSecond;

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument("circuit breaker: expected " + what);
}

const BreakerOptions& checked(const BreakerOptions& o) {
  expect(o.threshold >= 1 && o.threshold <= kThresholdMax, "a threshold of 1 to 1,000,000");
  // Written so that a NaN fails.
  expect(o.ratio > 0 && o.ratio <= 1, "a ratio above 0, up to 1");
  expect(o.min_calls >= 1, "min_calls of 1 or more");
  expect(o.window_ns >= 1, "a window of 1 ns or more");
  expect(o.open_ns >= 0, "an open time of 0 or more");
  expect(o.probes >= 1 && o.probes_to_close >= 1, "1 probe or more");
  expect(o.probe_timeout_ns >= 1, "a probe timeout of 1 ns or more");
  expect(o.slow_call_ns >= 0, "a slow call of 0 (none) or more");
  return o;
}

}  // namespace

CircuitBreakerPolicy::CircuitBreakerPolicy(const BreakerOptions& options)
    : options_(checked(options)),
      newest_failures_(options.mode == BreakerOptions::Mode::kCount ? options.threshold : 1,
                       options.window_ns),
      calls_(options.window_ns),
      failures_(options.window_ns) {}

void CircuitBreakerPolicy::advance(std::int64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  if (state_ == BreakerState::kOpen && now_ns_ >= open_until_ns_) half_open();
  if (state_ == BreakerState::kHalfOpen && probes_out_ > 0 && now_ns_ >= probe_due_ns_) {
    ++probes_lost_;
    calls_.add(now_ns_);
    record_failure(now_ns_);
    open(now_ns_);
  }
}

bool CircuitBreakerPolicy::try_begin(std::int64_t now_ns) {
  advance(now_ns);
  switch (state_) {
    case BreakerState::kClosed:
    case BreakerState::kForcedClosed:
      return true;
    case BreakerState::kOpen:
    case BreakerState::kForcedOpen:
      return false;
    case BreakerState::kHalfOpen:
      break;
  }
  if (probes_out_ >= options_.probes) return false;
  ++probes_out_;
  probe_due_ns_ = deadline_after(now_ns_, options_.probe_timeout_ns);
  return true;
}

void CircuitBreakerPolicy::end_probe() {
  if (probes_out_ > 0) --probes_out_;
  if (probes_out_ == 0) probe_due_ns_ = kNever;
}

void CircuitBreakerPolicy::succeeded(std::int64_t now_ns, std::int64_t took_ns) {
  if (options_.slow_call_ns > 0 && took_ns > options_.slow_call_ns) {
    failed(now_ns);
    return;
  }
  advance(now_ns);
  consecutive_ = 0;
  calls_.add(now_ns_);
  if (state_ != BreakerState::kHalfOpen || probes_out_ == 0) return;
  end_probe();
  if (++probes_passed_ >= options_.probes_to_close) close();
}

void CircuitBreakerPolicy::failed(std::int64_t now_ns) {
  calls_.add(std::max(now_ns_, now_ns));
  note_failure(now_ns, now_ns);
}

void CircuitBreakerPolicy::abandoned(std::int64_t now_ns) {
  advance(now_ns);
  if (state_ == BreakerState::kHalfOpen) end_probe();
}

void CircuitBreakerPolicy::note_failure(std::int64_t at_ns, std::int64_t now_ns) {
  advance(now_ns);
  if (state_ == BreakerState::kForcedOpen || state_ == BreakerState::kForcedClosed) return;
  if (now_ns_ - at_ns >= options_.window_ns) return;
  record_failure(std::min(at_ns, now_ns_));
  if (state_ == BreakerState::kHalfOpen) {
    open(now_ns_);
  } else if (state_ == BreakerState::kClosed && trips(now_ns_)) {
    open(now_ns_);
  }
}

void CircuitBreakerPolicy::record_failure(std::int64_t at_ns) {
  newest_failures_.add(at_ns);
  failures_.add(now_ns_);
  if (consecutive_ < UINT32_MAX) ++consecutive_;
}

bool CircuitBreakerPolicy::trips(std::int64_t now_ns) {
  switch (options_.mode) {
    case BreakerOptions::Mode::kCount:
      return newest_failures_.full(now_ns);
    case BreakerOptions::Mode::kConsecutive:
      return consecutive_ >= options_.threshold;
    case BreakerOptions::Mode::kRatio: {
      const std::uint64_t failures = failures_.count(now_ns);
      // Failures that were only noted are calls, too.
      const std::uint64_t calls = std::max(calls_.count(now_ns), failures);
      return calls >= options_.min_calls &&
             static_cast<double>(failures) >= options_.ratio * static_cast<double>(calls);
    }
  }
  return false;
}

void CircuitBreakerPolicy::open(std::int64_t now_ns) {
  state_ = BreakerState::kOpen;
  open_until_ns_ = deadline_after(now_ns, next_pause_ns(now_ns));
  probes_out_ = 0;
  probe_due_ns_ = kNever;
}

std::int64_t CircuitBreakerPolicy::next_pause_ns(std::int64_t now_ns) {
  if (!draining_) return options_.open_ns;
  std::int64_t pause_ns = std::min(drain_pause_ns_, options_.open_ns);
  drain_pause_ns_ = std::min(2 * drain_pause_ns_, kDrainPauseMaxNs);
  // Past the deadline nobody waits, and a pause keeps it from going round and round.
  const std::int64_t left_ns = drained_by_ns_ - now_ns;
  if (left_ns > 0) pause_ns = std::min({pause_ns, std::max(left_ns / 2, kDrainPauseNs), left_ns});
  return pause_ns;
}

void CircuitBreakerPolicy::drain(std::int64_t now_ns, std::int64_t deadline_ns) {
  advance(now_ns);
  if (draining_) return;
  draining_ = true;
  drained_by_ns_ = deadline_ns;
  drain_pause_ns_ = kDrainPauseNs;
  if (state_ == BreakerState::kOpen) half_open();
}

void CircuitBreakerPolicy::half_open() {
  state_ = BreakerState::kHalfOpen;
  probes_out_ = 0;
  probes_passed_ = 0;
  probe_due_ns_ = kNever;
}

// What made it open doesn't count once more.
void CircuitBreakerPolicy::close() {
  state_ = BreakerState::kClosed;
  probes_out_ = 0;
  probe_due_ns_ = kNever;
  consecutive_ = 0;
  drain_pause_ns_ = kDrainPauseNs;
  newest_failures_.clear();
  calls_.clear();
  failures_.clear();
}

BreakerState CircuitBreakerPolicy::state(std::int64_t now_ns) {
  advance(now_ns);
  return state_;
}

std::int64_t CircuitBreakerPolicy::retry_after_ns(std::int64_t now_ns) {
  advance(now_ns);
  if (state_ == BreakerState::kForcedOpen) return kNever;
  return state_ == BreakerState::kOpen ? open_until_ns_ - now_ns_ : 0;
}

std::int64_t CircuitBreakerPolicy::next_change_ns() const {
  if (state_ == BreakerState::kOpen) return open_until_ns_;
  return state_ == BreakerState::kHalfOpen ? probe_due_ns_ : kNever;
}

std::uint64_t CircuitBreakerPolicy::failures(std::int64_t now_ns) {
  advance(now_ns);
  if (options_.mode == BreakerOptions::Mode::kCount) return newest_failures_.count(now_ns_);
  if (options_.mode == BreakerOptions::Mode::kConsecutive) return consecutive_;
  return failures_.count(now_ns_);
}

void CircuitBreakerPolicy::force(BreakerState forced) {
  expect(forced == BreakerState::kForcedOpen || forced == BreakerState::kForcedClosed,
         "to be forced open or closed");
  close();
  state_ = forced;
}

void CircuitBreakerPolicy::release() {
  if (state_ == BreakerState::kForcedOpen || state_ == BreakerState::kForcedClosed) close();
}

void CircuitBreakerPolicy::set_threshold(std::uint32_t threshold, std::int64_t now_ns) {
  expect(threshold >= 1 && threshold <= kThresholdMax, "a threshold of 1 to 1,000,000");
  advance(now_ns);
  options_.threshold = threshold;
  if (options_.mode != BreakerOptions::Mode::kCount) return;
  newest_failures_.resize(threshold);
  if (state_ == BreakerState::kClosed && trips(now_ns_)) open(now_ns_);
}

}  // namespace mayfly
