#include "mayfly/patterns/circuit_breaker.h"

#include <algorithm>

namespace mayfly {

SignalBasedCircuitBreaker::SignalBasedCircuitBreaker(Options options)
    : options_(std::move(options)) {
  const auto expect = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("circuit breaker: expected ") + what);
  };
  expect(options_.failure_signal.find_first_not_of(" \t") != std::string::npos,
         "the name of a failure signal, found a blank one");
  expect(options_.threshold > 0, "a threshold of 1 or more, found 0");
  expect(options_.window.count() > 0, "a window above 0");
}

bool SignalBasedCircuitBreaker::is_open_matching(const SignalSink& sink,
                                                 std::string_view glob) const {
  return sink.count(glob, sink.clock().now_ns() - options_.window.count() + 1) >=
         options_.threshold;
}

std::size_t SignalBasedCircuitBreaker::failure_count(const SignalSink& sink) const {
  return sink.count(options_.failure_signal, sink.clock().now_ns() - options_.window.count() + 1);
}

std::size_t SignalBasedCircuitBreaker::failure_count(const Coordinator& work) const {
  return work.signals_since(work.now_ns() - options_.window.count() + 1, options_.failure_signal)
      .size();
}

std::optional<std::chrono::nanoseconds> SignalBasedCircuitBreaker::time_until_close(
    const SignalSink& sink) const {
  const std::int64_t now_ns = sink.clock().now_ns();
  return time_until_close(sink.sense(options_.failure_signal, now_ns - options_.window.count() + 1),
                          now_ns);
}

std::optional<std::chrono::nanoseconds> SignalBasedCircuitBreaker::time_until_close(
    const Coordinator& work) const {
  const std::int64_t now_ns = work.now_ns();
  return time_until_close(
      work.signals_since(now_ns - options_.window.count() + 1, options_.failure_signal), now_ns);
}

std::optional<std::chrono::nanoseconds> SignalBasedCircuitBreaker::time_until_close(
    std::vector<Signal> failures, std::int64_t now_ns) const {
  if (failures.size() < options_.threshold) return std::nullopt;
  const auto at = failures.end() - static_cast<std::ptrdiff_t>(options_.threshold);
  std::ranges::nth_element(failures, at, {}, &Signal::at_ns);
  return std::chrono::nanoseconds(at->at_ns + options_.window.count() - now_ns);
}

CircuitBreaker::CircuitBreaker(const BreakerOptions& options, const Clock& clock,
                               SignalSink* signals, std::string name)
    : clock_(clock), signals_(signals), name_(std::move(name)), policy_(options) {}

CircuitBreaker::Permit CircuitBreaker::try_begin() {
  std::unique_lock lock(mutex_);
  const std::int64_t now_ns = clock_.now_ns();
  const bool begun = policy_.try_begin(now_ns);
  tell(lock, false);
  return {begun ? this : nullptr, now_ns};
}

void CircuitBreaker::on_success(std::int64_t began_ns) {
  std::unique_lock lock(mutex_);
  const std::int64_t now_ns = clock_.now_ns();
  const std::int64_t slow = policy_.options().slow_call_ns;
  policy_.succeeded(now_ns, now_ns - began_ns);
  tell(lock, slow > 0 && now_ns - began_ns > slow);
}

void CircuitBreaker::on_failure(std::int64_t) {
  std::unique_lock lock(mutex_);
  policy_.failed(clock_.now_ns());
  tell(lock, true);
}

void CircuitBreaker::on_abandoned(std::int64_t) {
  std::unique_lock lock(mutex_);
  policy_.abandoned(clock_.now_ns());
  tell(lock, false);
}

void CircuitBreaker::raise(std::string_view stem) {
  std::string signal(stem);
  if (!name_.empty()) signal.append(":").append(name_);
  signals_->raise(signal);
}

void CircuitBreaker::tell(std::unique_lock<std::mutex>& lock, bool failure) {
  const BreakerState state = policy_.state(clock_.now_ns());
  const BreakerState before = std::exchange(told_, state);
  const std::uint64_t lost = policy_.probes_lost();
  std::uint64_t failures = lost - std::exchange(probes_lost_told_, lost) + (failure ? 1 : 0);
  lock.unlock();
  if (signals_ == nullptr) return;
  for (; failures > 0; --failures) raise("circuit-failure");
  if (state == before) return;
  if (state == BreakerState::kOpen || state == BreakerState::kForcedOpen) {
    raise("circuit-open");
  } else if (state == BreakerState::kHalfOpen) {
    raise("circuit-half-open");
  } else {
    signals_->retract(name_.empty() ? "circuit-open" : "circuit-open:" + name_);
    raise("circuit-closed");
  }
}

BreakerState CircuitBreaker::state() {
  std::unique_lock lock(mutex_);
  const BreakerState state = policy_.state(clock_.now_ns());
  tell(lock, false);
  return state;
}

bool CircuitBreaker::is_open() {
  const BreakerState now = state();
  return now == BreakerState::kOpen || now == BreakerState::kForcedOpen;
}

std::optional<std::chrono::nanoseconds> CircuitBreaker::retry_after() {
  const std::lock_guard lock(mutex_);
  const std::int64_t wait_ns = policy_.retry_after_ns(clock_.now_ns());
  if (wait_ns == kNever) return std::nullopt;
  return std::chrono::nanoseconds(wait_ns);
}

std::uint64_t CircuitBreaker::failure_count() {
  const std::lock_guard lock(mutex_);
  return policy_.failures(clock_.now_ns());
}

void CircuitBreaker::force(BreakerState forced) {
  std::unique_lock lock(mutex_);
  policy_.force(forced);
  tell(lock, false);
}

void CircuitBreaker::release() {
  std::unique_lock lock(mutex_);
  policy_.release();
  tell(lock, false);
}

CircuitOpenError CircuitBreaker::open_error() {
  return CircuitOpenError(name_.empty() ? "the circuit is open after too many failures"
                                        : name_ + ": the circuit is open after too many failures",
                          retry_after());
}

}  // namespace mayfly
