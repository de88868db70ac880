#include "mayfly/storage/log_database/spdlog_sink.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

namespace mayfly {

LogLevel to_log_level(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LogLevel::kTrace;
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::info:
      return LogLevel::kInfo;
    case spdlog::level::warn:
      return LogLevel::kWarning;
    case spdlog::level::err:
      return LogLevel::kError;
    default:
      return LogLevel::kCritical;
  }
}

void DatabaseLogSink::log(const spdlog::details::log_msg& message) {
  const std::array<LogField, 4> fields = {{
      {"thread", static_cast<std::uint64_t>(message.thread_id)},
      {"file", message.source.filename},
      {"line", message.source.line},
      {"function", message.source.funcname},
  }};
  const auto since = message.time.time_since_epoch();
  logs_->log({.wall_us = std::chrono::duration_cast<std::chrono::microseconds>(since).count(),
              .level = to_log_level(message.level),
              .logger = std::string_view(message.logger_name.data(), message.logger_name.size()),
              .message = std::string_view(message.payload.data(), message.payload.size()),
              .extra = std::span(fields).first(message.source.empty() ? 1 : fields.size())});
}

}  // namespace mayfly
