#include "mayfly/storage/log_database/log_record.h"

#include <strings.h>

#include <utility>

namespace mayfly {

std::optional<LogLevel> parse_log_level(std::string_view name) {
  constexpr std::pair<std::string_view, LogLevel> kNames[] = {
      {"trace", LogLevel::kTrace},    {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},      {"warning", LogLevel::kWarning},
      {"warn", LogLevel::kWarning},   {"error", LogLevel::kError},
      {"err", LogLevel::kError},      {"critical", LogLevel::kCritical},
      {"fatal", LogLevel::kCritical},
  };
  for (const auto& [known, level] : kNames) {
    if (known.size() == name.size() && ::strncasecmp(known.data(), name.data(), name.size()) == 0) {
      return level;
    }
  }
  return std::nullopt;
}

}  // namespace mayfly
