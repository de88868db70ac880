#include "mayfly/storage/write_buffer/write_buffer_options.h"

#include <stdexcept>

namespace mayfly {
namespace {

Status misuse(const std::string& option, const std::string& expected, std::int64_t found) {
  return {Code::kUsage,
          "write buffer: expected " + option + " " + expected + ", found " + std::to_string(found)};
}

}  // namespace

Status check_write_buffer_options(const WriteBufferOptions& options) {
  constexpr std::size_t kRowsMax = std::size_t{1} << 31;  // row numbers are of 32 bits
  if (options.max_buffer_size < 1 || options.max_buffer_size > kRowsMax) {
    return misuse("max_buffer_size", "from 1 to 2147483648",
                  static_cast<std::int64_t>(options.max_buffer_size));
  }
  if (options.flush_batch_size < 1) return misuse("flush_batch_size", "of at least 1", 0);
  if (options.flush_interval_ns < 1) {
    return misuse("flush_interval_ns", "of more than 0", options.flush_interval_ns);
  }
  if (options.full_timeout_ns < 0) {
    return misuse("full_timeout_ns", "that isn't negative", options.full_timeout_ns);
  }
  if (options.stop_timeout_ns < 0) {
    return misuse("stop_timeout_ns", "that isn't negative", options.stop_timeout_ns);
  }
  try {
    static_cast<void>(RetryPolicy(options.retry));
  } catch (const std::invalid_argument& error) {
    return {Code::kUsage, std::string("write buffer: ") + error.what()};
  }
  return {};
}

}  // namespace mayfly
