#include "mayfly/net/http_date.h"

#include <curl/curl.h>

#include <algorithm>
#include <string>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// libcurl's reader of dates takes more than HTTP has, such as a lone "20 March": a date of HTTP
// begins with its day's name and has a time.
bool may_be_date(std::string_view value) {
  constexpr std::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  return std::ranges::any_of(kDays, [&](std::string_view day) { return value.starts_with(day); }) &&
         std::ranges::count(value, ':') == 2;
}

}  // namespace

std::optional<std::int64_t> http_retry_after_ns(std::string_view value, std::int64_t wall_us) {
  while (value.ends_with(' ')) value.remove_suffix(1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (value.empty()) return std::nullopt;
  if (std::ranges::all_of(value, is_digit)) {
    std::int64_t seconds = 0;
    for (const char digit : value) {
      seconds = seconds * 10 + (digit - '0');
      if (seconds > kNever / kSecond) return kNever;
    }
    return seconds * kSecond;
  }
  if (!may_be_date(value)) return std::nullopt;
  const std::int64_t at = curl_getdate(std::string(value).c_str(), nullptr);
  if (at < 0) return std::nullopt;
  const std::int64_t wait_us = at * 1'000'000 - wall_us;
  if (wait_us <= 0) return 0;
  return wait_us > kNever / kMicrosecond ? kNever : wait_us * kMicrosecond;
}

}  // namespace mayfly
