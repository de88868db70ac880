#include "mayfly/patterns/adaptive_rate.h"

#include <algorithm>
#include <charconv>

namespace mayfly {
namespace {

// How often a waiting thread looks whether it is to stop.
constexpr std::int64_t kStopCheckNs = 20 * kMillisecond;

}  // namespace

const Clock& adaptive_rate_clock() {
  static const Clock& clock = *new SystemClock;
  return clock;
}

std::optional<std::chrono::nanoseconds> try_parse_retry_after(std::string_view signal) {
  const std::size_t colon = signal.find(':');
  if (colon == signal.npos || !signal.ends_with("ms")) return std::nullopt;
  const std::string_view digits = signal.substr(colon + 1, signal.size() - colon - 3);
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
  if (error != std::errc() || end != digits.data() + digits.size() || ms < 0) return std::nullopt;
  return std::chrono::milliseconds(std::min<std::int64_t>(ms, INT64_MAX / kMillisecond));
}

Rate AdaptivePace::rate_of(double a_second, std::uint64_t burst) {
  // In a thousandth of an item, so that slow rates are exact enough.
  return {.events = static_cast<std::uint64_t>(std::clamp(std::round(a_second * 1000), 1.0, 1e9)),
          .per_ns = 1000 * kSecond,
          .burst = burst};
}

AdaptivePace::AdaptivePace(const AdaptiveRateOptions& options, const Clock& clock)
    : options_(options), clock_(clock) {
  // Written so that a NaN fails.
  if (!(options.rate >= 0 && options.rate <= 1e6)) {
    throw std::invalid_argument("adaptive rate: expected a rate of 0 (none) to 1,000,000 a second");
  }
  if (options.retry_after_ns < 0 || options.max_tries == 0) {
    throw std::invalid_argument(
        "adaptive rate: expected a retry-after of 0 or more and at least 1 try");
  }
  if (options.rate == 0) return;
  aimd_.emplace(AimdOptions{
      .max = options.rate,
      .min = options.min_rate > 0 ? options.min_rate : std::max(options.rate / 100, 0.001),
      .factor = options.cut,
      .step = options.step,
      .quiet_ns = options.quiet_ns});
  gcra_.emplace(rate_of(options.rate, options.burst));
}

void AdaptivePace::follow(std::int64_t now_ns) {
  if (aimd_ && aimd_->advance(now_ns)) {
    gcra_->set_rate(rate_of(aimd_->rate(), options_.burst), now_ns);
  }
}

bool AdaptivePace::wait_for_turn(const std::function<bool()>& stopped) {
  std::unique_lock lock(mutex_);
  while (!stopped()) {
    const std::int64_t now_ns = clock_.now_ns();
    follow(now_ns);
    std::int64_t due_ns = blocked_until_ns_;
    if (now_ns >= due_ns) {
      if (!gcra_ || gcra_->try_acquire(now_ns)) return true;
      due_ns = deadline_after(now_ns, gcra_->wait_ns(now_ns));
    }
    clock_.wait_until(lock, changed_, std::min(due_ns, now_ns + kStopCheckNs));
  }
  return false;
}

void AdaptivePace::limited(std::optional<std::chrono::nanoseconds> retry_after) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ns = clock_.now_ns();
  const std::int64_t wait_ns = retry_after ? retry_after->count() : options_.retry_after_ns;
  blocked_until_ns_ =
      std::max(blocked_until_ns_, deadline_after(now_ns, std::max<std::int64_t>(wait_ns, 0)));
  if (aimd_ && aimd_->cut(now_ns)) gcra_->set_rate(rate_of(aimd_->rate(), options_.burst), now_ns);
  changed_.notify_all();
}

std::int64_t AdaptivePace::blocked_until_ns() const {
  const std::lock_guard lock(mutex_);
  return blocked_until_ns_;
}

double AdaptivePace::rate() const {
  const std::lock_guard lock(mutex_);
  return aimd_ ? aimd_->rate() : 0;
}

}  // namespace mayfly
