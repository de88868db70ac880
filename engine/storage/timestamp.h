// Wall-clock time as the internal tables show it.
#pragma once

#include <cstdint>
#include <string>

namespace mayfly {

// "2026-01-31T23:59:59.123456Z", of microseconds since 1970.
std::string iso8601(std::int64_t wall_us);

}  // namespace mayfly
