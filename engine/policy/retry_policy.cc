#include "mayfly/policy/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

void expect(bool holds, const char* what, double found) {
  if (holds) return;
  throw std::invalid_argument(std::string("retry: expected ") + what + ", found " +
                              std::to_string(found));
}

}  // namespace

RetryPolicy::RetryPolicy(const RetryOptions& options) : options_(options) {
  expect(options.initial_delay_ns >= 0, "an initial_delay of 0 or more (ns)",
         static_cast<double>(options.initial_delay_ns));
  expect(options.max_delay_ns >= 0, "a max_delay of 0 or more (ns)",
         static_cast<double>(options.max_delay_ns));
  expect(options.deadline_ns >= 0, "a deadline of 0 (none) or more (ns)",
         static_cast<double>(options.deadline_ns));
  // Written so that a NaN fails.
  expect(options.multiplier >= 1 && std::isfinite(options.multiplier), "a multiplier of 1 or more",
         options.multiplier);
  expect(options.jitter >= 0 && options.jitter <= 1, "a jitter of 0 to 1", options.jitter);
}

std::int64_t RetryPolicy::delay_ns(std::uint32_t retry) const {
  const double grown = static_cast<double>(options_.initial_delay_ns) *
                       std::pow(options_.multiplier, static_cast<double>(retry));
  // Also where it has grown beyond any number.
  if (!(grown < static_cast<double>(options_.max_delay_ns))) return options_.max_delay_ns;
  return static_cast<std::int64_t>(grown);
}

std::optional<std::int64_t> RetryPolicy::next_delay_ns(std::uint32_t retry, std::int64_t elapsed_ns,
                                                       Rng& rng) const {
  if (options_.max_retries != RetryOptions::kUnlimited && retry >= options_.max_retries) {
    return std::nullopt;
  }
  if (options_.deadline_ns > 0 && elapsed_ns >= options_.deadline_ns) return std::nullopt;
  const double share = 1 + options_.jitter * (2 * rng.unit() - 1);
  const double jittered = static_cast<double>(delay_ns(retry)) * share;
  std::int64_t delay = jittered < static_cast<double>(options_.max_delay_ns)
                           ? static_cast<std::int64_t>(jittered)
                           : options_.max_delay_ns;
  if (options_.deadline_ns > 0) delay = std::min(delay, options_.deadline_ns - elapsed_ns);
  return delay;
}

}  // namespace mayfly
