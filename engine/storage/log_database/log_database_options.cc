#include "mayfly/storage/log_database/log_database_options.h"

#include "mayfly/base/option_range.h"
#include "mayfly/storage/log_database/log_codec.h"
#include "mayfly/storage/log_database/log_ring.h"

namespace mayfly {

Status check_log_database_options(const LogDatabaseOptions& options) {
  const auto o = [](auto value) { return static_cast<std::int64_t>(value); };
  constexpr std::int64_t kTextMax = 1 << 24;
  // Several of the longest records: twice the limit, and a head for each field.
  const std::int64_t longest = 2 * o(options.message_bytes_max) + o(LogLayout::kFieldsMax) * 64;
  const std::int64_t levels = o(LogLevel::kCritical);
  const OptionRange ranges[] = {
      {"retention_ns", options.retention_ns, 1, kNever},
      {"cleanup_interval_ns", options.cleanup_interval_ns, kMillisecond, kNever},
      {"max_batch_size", o(options.max_batch_size), 1, o(LogRing::kRecordsMax)},
      {"flush_interval_ns", options.flush_interval_ns, kMillisecond, kNever},
      {"capacity", o(options.capacity), 1, o(LogRing::kRecordsMax)},
      {"message_bytes_max", o(options.message_bytes_max), 1, kTextMax},
      {"buffer_bytes", o(options.buffer_bytes), 4 * longest, o(LogRing::kBytesMax)},
      {"min_level", o(options.min_level), 0, levels},
      {"signal_level", o(options.signal_level), 0, levels},
      {"stop_timeout_ns", options.stop_timeout_ns, 0, kNever},
  };
  return check_ranges(ranges);
}

}  // namespace mayfly
