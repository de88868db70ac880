// What spdlog's loggers leave in the table.
#include "mayfly/storage/log_database/spdlog_sink.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Logs = std::shared_ptr<LogDatabase>;

struct Fixture {
  explicit Fixture(const std::string& name, LogDatabaseOptions options = {}) : database(name) {
    options.db_path = database.path();
    auto opened = LogDatabase::open(options);
    if (!opened.ok()) FAIL(opened.error().message);
    logs = *opened;
    sink = std::make_shared<DatabaseLogSink>(logs);
    logger = std::make_shared<spdlog::logger>("app", sink);
    logger->set_level(spdlog::level::trace);
  }

  testing::Database database;
  Logs logs;
  std::shared_ptr<DatabaseLogSink> sink;
  std::shared_ptr<spdlog::logger> logger;
};

TEST_CASE("spdlog sink: records have logger, level in capitals, text, time, thread and place") {
  Fixture f("sp_records");
  f.logger->info("Download {} complete", 17);
  f.logger->log(spdlog::source_loc{"file.cc", 42, "work"}, spdlog::level::err, "disk {}", "full");
  REQUIRE(f.logs->flush().ok());
  CHECK(f.database.rows("SELECT level, logger_name, message FROM logs ORDER BY id") ==
        std::vector<std::string>{"INFO|app|Download 17 complete", "ERROR|app|disk full"});
  CHECK(f.database.integer("SELECT count(*) FROM logs WHERE "
                           "json_extract(extra_data, '$.thread') > 0") == 2);
  CHECK(
      f.database.rows("SELECT json_extract(extra_data, '$.file'), json_extract(extra_data, "
                      "'$.line'), json_extract(extra_data, '$.function') FROM logs ORDER BY id") ==
      std::vector<std::string>{"NULL|NULL|NULL", "file.cc|42|work"});
  const SystemClock clock;
  CHECK(f.database.integer("SELECT abs(strftime('%s', timestamp) - " +
                           std::to_string(clock.wall_us() / 1'000'000) +
                           ") < 600 FROM logs LIMIT 1") == 1);
}

TEST_CASE("spdlog sink: each level of spdlog's is one here") {
  Fixture f("sp_levels");
  using spdlog::level::level_enum;
  for (const level_enum level :
       {spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
        spdlog::level::err, spdlog::level::critical}) {
    f.logger->log(level, "m");
  }
  f.sink->set_level(spdlog::level::critical);  // spdlog's own filter
  f.logger->error("not wanted");
  REQUIRE(f.logs->flush().ok());
  CHECK(f.database.rows("SELECT level FROM logs ORDER BY id") ==
        std::vector<std::string>{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"});
}

TEST_CASE("spdlog sink: patterns change nothing, and a flush doesn't wait for a locked database") {
  Fixture f("sp_flush", {.busy_timeout_ns = 0});
  f.logger->set_pattern("%l %v");
  f.logger->flush_on(spdlog::level::warn);
  testing::WriteLock lock(f.database.path());
  f.logger->warn("as it is");
  f.logger->flush();
  lock.release();
  CHECK(f.logs->flush().ok());
  CHECK(f.database.text("SELECT message FROM logs") == "as it is");
}

TEST_CASE("spdlog sink: after the end records are dropped and counted, and nothing is thrown") {
  Fixture f("sp_end");
  f.logger->info("before");
  CHECK(f.logs->stop().ok());
  CHECK_NOTHROW(f.logger->critical("after"));
  CHECK_NOTHROW(f.logger->flush());
  CHECK(f.logs->stats().dropped == 1);
  CHECK(f.database.integer("SELECT count(*) FROM logs") == 1);
}

// Interleaving: loggers of several threads through one sink, which has no lock.
TEST_CASE("spdlog sink: threads log beside each other") {
  Fixture f("sp_threads");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) f.logger->info("{} {}", t, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(f.logs->flush().ok());
  CHECK(f.database.integer("SELECT count(DISTINCT message) FROM logs") == 2000);
  CHECK(f.database.integer(
            "SELECT count(DISTINCT json_extract(extra_data, '$.thread')) FROM logs") == 4);
}

}  // namespace
}  // namespace mayfly
