#include "mayfly/work/work_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace mayfly {
namespace {

void at_least(std::int64_t least, std::int64_t found, std::string_view option) {
  if (found >= least) return;
  throw std::invalid_argument(
      fmt::format("{}: expected at least {}, found {}", option, least, found));
}

void no_blanks(const std::vector<std::string>& patterns, std::string_view option) {
  for (const std::string& pattern : patterns) {
    if (pattern.find_first_not_of(" \t,") != std::string::npos) continue;
    throw std::invalid_argument(
        fmt::format("{}: expected patterns of signal names, found a blank one", option));
  }
}

}  // namespace

int default_concurrency() {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

void check_work_options(const WorkOptions& options) {
  at_least(1, options.max_concurrency, "max_concurrency");
  at_least(1, options.max_concurrency_per_key, "max_concurrency_per_key");
  at_least(1, options.max_tracked_operations, "max_tracked_operations");
  at_least(1, options.max_operation_lifetime_ns, "max_operation_lifetime_ns");
  at_least(0, options.queue_capacity, "queue_capacity");
  at_least(1, options.fair_scheduling_threshold, "fair_scheduling_threshold");
  at_least(1, options.max_concurrent_signal_handlers, "max_concurrent_signal_handlers");
  at_least(1, options.max_queued_signals, "max_queued_signals");
  at_least(1, options.defer_check_interval_ns, "defer_check_interval_ns");
  at_least(0, options.max_defer_attempts, "max_defer_attempts");
  at_least(1, options.body_time_limit_ns, "body_time_limit_ns");
  at_least(1, options.echo_retention_ns, "echo_retention_ns");
  at_least(1, options.echo_capacity, "echo_capacity");
  options.signal_constraints.check();
  no_blanks(options.cancel_on_signals, "cancel_on_signals");
  no_blanks(options.defer_on_signals, "defer_on_signals");
  no_blanks(options.resume_on_signals, "resume_on_signals");
  no_blanks(options.drain_on_signals, "drain_on_signals");
}

}  // namespace mayfly
