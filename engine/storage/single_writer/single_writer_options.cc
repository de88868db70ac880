#include "mayfly/storage/single_writer/single_writer_options.h"

#include "mayfly/base/option_range.h"

namespace mayfly {

Status check_single_writer_options(const SingleWriterOptions& options) {
  const auto o = [](auto value) { return static_cast<std::int64_t>(value); };
  const OptionRange ranges[] = {
      {"cache_size_limit", o(options.cache_size_limit), 1, 1 << 30},
      {"default_cache_duration_ns", options.default_cache_duration_ns, 1, kNever},
      {"hot_key_extension_ns", options.hot_key_extension_ns, 1, kNever},
      {"hot_access_threshold", options.hot_access_threshold, 1, kNever},
      {"max_tracked_writes", o(options.max_tracked_writes), 1, 1 << 20},
      {"queue_capacity", o(options.queue_capacity), 0, 1 << 20},
      {"group_max", o(options.group_max), 1, 1 << 16},
      {"sample_rate", options.sample_rate, 1, kNever},
      {"command_timeout_ns", options.command_timeout_ns, 1, kNever},
      {"cache_bytes", options.cache_bytes, 0, std::int64_t{1} << 40},
      {"mmap_bytes", options.mmap_bytes, 0, std::int64_t{1} << 46},
      {"statements_max", o(options.statements_max), 1, 1 << 20},
      {"read_connections", o(options.read_connections), 1, 1 << 10},
      {"checkpoint_pages", options.checkpoint_pages, 1, kNever},
      {"wal_warning_pages", options.wal_warning_pages, 1, kNever},
  };
  return check_ranges(ranges);
}

}  // namespace mayfly
