// Times as the table of signals has them: "2026-01-31T23:59:59.123456Z", UTC, microseconds, always
// 27 bytes, so that the order of the texts is that of the times.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mayfly {

// Renders many times that are near each other: what a second has in common is rendered once. One
// thread.
class StoredTime {
 public:
  static constexpr std::size_t kBytes = 27;

  // Of microseconds since 1970; cut to the years 0 to 9999. Valid until the next call.
  std::string_view text(std::int64_t wall_us);

 private:
  std::int64_t second_ = INT64_MIN;  // that the text shows
  char text_[kBytes];
};

// Microseconds since 1970 of a time as StoredTime renders it, or as people and other programs write
// it: a date alone, a space for the T, fewer or more digits, no seconds, an offset like +02:00 for
// the Z; none of both is UTC. Nothing for anything else.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace mayfly
