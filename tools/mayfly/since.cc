#include "tools/mayfly/since.h"

#include <fmt/format.h>

#include "mayfly/plugin/options.h"
#include "mayfly/storage/persistent_window/stored_time.h"

namespace mayfly::cli {

Result<std::int64_t> since_of(const std::string& text, const Clock& clock) {
  if (const auto time = parse_time(text)) return *time;
  const auto duration = parse_duration(text);
  if (duration.ok() && *duration >= 0) return clock.wall_us() - *duration / kMicrosecond;
  return Status(Code::kUsage, fmt::format("--since: expected a duration like 10m or a time like "
                                          "2026-01-31T12:00:00Z, found \"{}\"",
                                          text));
}

}  // namespace mayfly::cli
