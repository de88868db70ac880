#include "mayfly/storage/persistent_window/persistent_window_options.h"

#include <fmt/format.h>

namespace mayfly {

Status check_persistent_window_options(const PersistentWindowOptions& options) {
  const struct {
    const char* name;
    bool in_range;
    const char* expected;
  } checks[] = {
      {"flush_interval_ns", options.flush_interval_ns > 0, "a positive time"},
      {"stop_timeout_ns", options.stop_timeout_ns >= 0, "a time that isn't negative"},
      {"max_signals_per_flush", options.max_signals_per_flush > 0, "at least 1"},
      {"max_window_size", options.max_window_size > 0, "at least 1"},
      {"window_max_age_ns", options.window_max_age_ns > 0, "a positive time"},
      {"sample_rate", options.sample_rate > 0, "at least 1"},
      {"max_stored_age_ns", options.max_stored_age_ns > 0, "a positive time"},
      {"max_pending_signals", options.max_pending_signals > 0, "at least 1"},
      {"max_pending_bytes", options.max_pending_bytes > 0, "at least 1"},
  };
  for (const auto& check : checks) {
    if (check.in_range) continue;
    return {Code::kUsage, fmt::format("PersistentSignalWindow: {}: expected {}, found 0 or less",
                                      check.name, check.expected)};
  }
  return {};
}

}  // namespace mayfly
