#include "mayfly/cache/cache_types.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

[[noreturn]] void refuse(std::string_view cache, std::string_view option, std::string_view expected,
                         const std::string& found) {
  std::string message(cache);
  message.append(": ").append(option).append(" expected ").append(expected).append(", found ");
  throw std::invalid_argument(message.append(found));
}

}  // namespace

void require_positive(std::string_view cache, std::string_view option, std::int64_t found) {
  if (found <= 0) refuse(cache, option, "at least 1", std::to_string(found));
}

void require_size(std::string_view cache, std::string_view option, std::size_t found,
                  std::size_t max) {
  if (found > 0 && found <= max) return;
  refuse(cache, option, "1 to " + std::to_string(max), std::to_string(found));
}

void refuse_unnamed_keys(std::string_view cache) {
  refuse(cache, "key_text",
         "a formatter, since signals name keys that are neither text nor integers", "none");
}

std::size_t default_shards(std::size_t max_size) {
  return std::bit_floor(std::clamp<std::size_t>(max_size / kEntriesPerShard, 1, 16));
}

}  // namespace mayfly
