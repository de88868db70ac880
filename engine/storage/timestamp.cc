#include "mayfly/storage/timestamp.h"

#include <cstdio>
#include <ctime>

namespace mayfly {

std::string iso8601(std::int64_t wall_us) {
  constexpr std::int64_t kMicros = 1'000'000;
  std::int64_t micros = wall_us % kMicros;
  if (micros < 0) micros += kMicros;
  const auto seconds = static_cast<std::time_t>((wall_us - micros) / kMicros);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(micros));
  return text;
}

}  // namespace mayfly
