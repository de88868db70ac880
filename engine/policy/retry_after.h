// What a signal such as "rate-limit:250ms" says: how long to wait. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mayfly/base/clock.h"

namespace mayfly {

// The time behind the first colon of a signal's name: digits, then "ms". nullopt: it says none.
// More than can be counted is kNever.
inline std::optional<std::int64_t> parse_retry_after_ns(std::string_view signal) {
  const std::size_t colon = signal.find(':');
  if (colon == signal.npos) return std::nullopt;
  std::string_view digits = signal.substr(colon + 1);
  if (digits.size() < 3 || !digits.ends_with("ms")) return std::nullopt;
  digits.remove_suffix(2);
  std::int64_t ms = 0;
  bool endless = false;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    endless |= ms > (kNever / kMillisecond - 9) / 10;
    if (!endless) ms = ms * 10 + (digit - '0');
  }
  return endless ? kNever : ms * kMillisecond;
}

}  // namespace mayfly
