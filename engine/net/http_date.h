// What a Retry-After field says. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mayfly {

// How long to wait, in nanoseconds: of "120" (seconds), or of a date in one of the three forms of
// RFC 9110 (5.6.7), counted from wall_us, microseconds since 1970. 0: a date that has passed.
// nullopt: neither. More than can be counted is kNever.
std::optional<std::int64_t> http_retry_after_ns(std::string_view value, std::int64_t wall_us);

}  // namespace mayfly
