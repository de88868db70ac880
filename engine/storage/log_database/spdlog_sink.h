// DatabaseLogSink: a sink of spdlog that leaves its records in a LogDatabase, with their thread and
// their place in the source.
//
//   auto logger = std::make_shared<spdlog::logger>("app", std::make_shared<DatabaseLogSink>(logs));
//   spdlog::register_logger(logger);
//   logger->info("Download {} complete", 17);
//   SPDLOG_LOGGER_ERROR(logger, "disk full");  // with file, line and function
//
// A record keeps the logger's name, the level, the time that spdlog took and the text that it made;
// patterns don't matter. Fields: {"thread": ID}, and where the place in the source is known
// {"file", "line", "function"}.
//
// WAITING    Never, also in flush(), which spdlog calls on the logging thread: what waits is then
//            stored soon. LogDatabase::flush() waits. No asynchronous logger of spdlog's is needed.
// OWNERSHIP  Shares the log database. After its stop() records are dropped, and counted there.
// ERRORS     None, and nothing is thrown.
// THREADS    Any, without a lock of its own.
#pragma once

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/sink.h>

#include <memory>
#include <string>
#include <utility>

#include "mayfly/storage/log_database/log_database.h"

namespace mayfly {

class DatabaseLogSink final : public spdlog::sinks::sink {
 public:
  // Precondition: there is one.
  explicit DatabaseLogSink(std::shared_ptr<LogDatabase> logs) : logs_(std::move(logs)) {}

  void log(const spdlog::details::log_msg& message) override;
  void flush() override { logs_->flush_soon(); }
  // Text is kept as it was logged.
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  const std::shared_ptr<LogDatabase> logs_;
};

// What a level of spdlog's is here.
LogLevel to_log_level(spdlog::level::level_enum level);

}  // namespace mayfly
