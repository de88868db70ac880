// The log database as its callers see it: what is stored and when, retention, faults, refusals.
#include "mayfly/storage/log_database/log_database.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/allocation_count.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;
using Logs = std::shared_ptr<LogDatabase>;

constexpr std::int64_t kDay = 24 * 3600 * kSecond;

Logs open(const LogDatabaseOptions& options) {
  auto logs = LogDatabase::open(options);
  if (!logs.ok()) FAIL(logs.error().message);
  return *logs;
}

// A log in a file, whose time stands still.
struct Fixture {
  explicit Fixture(const std::string& name, LogDatabaseOptions options = {}) : database(name) {
    options.db_path = database.path();
    options.clock = &clock;
    logs = open(options);
  }
  std::int64_t count() { return database.integer("SELECT count(*) FROM logs"); }
  std::vector<std::string> messages() {
    return database.rows("SELECT message FROM logs ORDER BY id");
  }
  bool log(std::string_view message, LogLevel level = LogLevel::kInfo) {
    return logs->log(level, "test", message);
  }

  testing::Database database;
  ManualClock clock;
  Logs logs;
};

// C215
TEST_CASE("C215: a log without a path has its entries, for whoever asks") {
  const Logs logs = open({});
  CHECK(logs->log(LogLevel::kInfo, "app", "in memory", {{"n", 1}}));
  const auto rows = logs->recent_logs();
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().message == "in memory");
  CHECK(rows->front().extra_data == R"({"n":1})");
  // One database in memory, which stays open: others find it by its name.
  const Logs another = open({});
  CHECK(another->recent_logs()->size() == 1);
  const auto writer = SqliteSingleWriter::get_or_create(kLogsInMemory);
  REQUIRE(writer.ok());
  CHECK(*(*writer)->query([](SqlSession& session) {
    return session.scalar<std::int64_t>("SELECT count(*) FROM logs");
  }) == 1);
  CHECK(logs->stats().db_size_bytes == 0);
}

// C216
TEST_CASE("C216: of rows of eight and six days one is deleted, one is kept, with seven to keep") {
  Fixture f("log_c216", {.retention_ns = 7 * kDay});
  const std::int64_t now_us = f.clock.wall_us();
  for (const std::int64_t days : {8, 6}) {
    CHECK(f.logs->log({.wall_us = now_us - days * kDay / kMicrosecond,
                       .logger = "test",
                       .message = std::to_string(days)}));
  }
  REQUIRE(f.logs->flush().ok());
  const auto removed = f.logs->cleanup_old_logs();
  REQUIRE(removed.ok());
  CHECK(*removed == 1);
  CHECK(f.messages() == std::vector<std::string>{"6"});
}

// P24, C218
TEST_CASE("P24: a full batch is stored without waiting for more, and stop() doesn't hang") {
  // By the machine's clock: nothing but the batch wakes the thread within the hour.
  testing::Database database("log_p24");
  const Logs logs = open({.db_path = database.path(), .flush_interval_ns = 3600 * kSecond});
  const auto log = [&] { return logs->log(LogLevel::kInfo, "test", "one of a batch"); };
  int logged = 0;
  // Several times: in most of them it has gone to sleep before the batch is complete.
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) logged += log();
    // One more now and then: where the kernel stops it on its way to sleep, the next one wakes it.
    for (int i = 1; logs->stats().pending_count >= 50; ++i) {
      std::this_thread::yield();
      if (i % 1000 == 0) logged += log();
    }
  }
  CHECK(logged >= 1000);
  for (int i = 0; i < 7; ++i) logged += log();
  CHECK(logs->stop().ok());
  CHECK(logs->stats().pending_count == 0);
  CHECK(database.integer("SELECT count(*) FROM logs") == logged);
}

TEST_CASE("P24: a flush has no ceiling: all that waits is stored, however many batches") {
  Fixture f("log_no_ceiling", {.max_batch_size = 10'000});
  for (int i = 0; i < 5000; ++i) REQUIRE(f.log(std::to_string(i)));
  REQUIRE(f.logs->flush().ok());
  CHECK(f.count() == 5000);
  CHECK(f.database.text("SELECT group_concat(message) FROM (SELECT message FROM logs WHERE id "
                        "BETWEEN 1 AND 3 OR id = 5000 ORDER BY id)") == "0,1,2,4999");
}

TEST_CASE("log: a little is stored when the interval is over") {
  Fixture f("log_interval");
  CHECK(f.log("little"));
  CHECK(f.logs->stats().pending_count == 1);
  f.clock.advance(2 * kSecond);
  while (f.logs->stats().stored < 1) std::this_thread::yield();
  CHECK(f.count() == 1);
}

TEST_CASE("log: rows have the clock's time, levels in capitals, and fields as JSON") {
  Fixture f("log_rows");
  f.clock.advance(123'456 * kMicrosecond);
  f.logs->log(LogLevel::kWarning, "a.logger", "it's \"x\"; DROP TABLE logs; --",
              {{"track_id", 123}, {"title", "\"quoted\""}});
  f.logs->log(LogLevel::kDebug, "", "");
  REQUIRE(f.logs->flush().ok());
  CHECK(f.database.rows("SELECT timestamp, level, logger_name, message, extra_data FROM logs") ==
        std::vector<std::string>{
            R"(2023-11-14T22:13:21.123456Z|WARNING|a.logger|it's "x"; DROP TABLE logs; --|)"
            R"({"track_id":123,"title":"\"quoted\""})",
            "2023-11-14T22:13:21.123456Z|DEBUG|||NULL"});
  CHECK(f.database.integer("SELECT json_extract(extra_data, '$.track_id') FROM logs LIMIT 1") ==
        123);
}

TEST_CASE("log: times in one second and over its end are each right, also before 1970") {
  Fixture f("log_times");
  const std::vector<std::int64_t> times = {1'999'999, 2'000'000, 2'000'001, -1, 1'999'998};
  for (const std::int64_t at : times) f.logs->log({.wall_us = at, .message = "m"});
  REQUIRE(f.logs->flush().ok());
  CHECK(f.database.rows("SELECT timestamp FROM logs ORDER BY id") ==
        std::vector<std::string>{"1970-01-01T00:00:01.999999Z", "1970-01-01T00:00:02.000000Z",
                                 "1970-01-01T00:00:02.000001Z", "1969-12-31T23:59:59.999999Z",
                                 "1970-01-01T00:00:01.999998Z"});
}

TEST_CASE("log: recent logs are the newest, those that wait among them, of a level or of all") {
  Fixture f("log_recent");
  for (int i = 0; i < 200; ++i) {
    f.log(std::to_string(i), i % 10 == 0 ? LogLevel::kError : LogLevel::kInfo);
  }
  const auto all = f.logs->recent_logs();
  REQUIRE(all->size() == 100);
  CHECK(all->front().message == "199");
  CHECK(all->back().message == "100");
  const auto errors = f.logs->recent_logs(LogLevel::kError, 2);
  REQUIRE(errors->size() == 2);
  CHECK(errors->front().message == "190");
  CHECK(errors->front().level == "ERROR");
  CHECK(errors->back().message == "180");
  CHECK(f.logs->recent_logs(LogLevel::kCritical)->empty());
}

TEST_CASE("log: what is below the least level isn't logged, nor counted") {
  Fixture f("log_levels", {.min_level = LogLevel::kInfo});
  CHECK_FALSE(f.log("quiet", LogLevel::kDebug));
  CHECK_FALSE(f.logs->log({.level = LogLevel::kTrace, .message = "quieter"}));
  CHECK_FALSE(f.logs->wants(LogLevel::kDebug));
  CHECK(f.log("loud", LogLevel::kInfo));
  REQUIRE(f.logs->flush().ok());
  CHECK(f.messages() == std::vector<std::string>{"loud"});
  CHECK(f.logs->stats().total_logged == 1);
  CHECK(f.logs->stats().dropped == 0);
}

TEST_CASE("log: a message over the limit is cut, and marked") {
  Fixture f("log_long");
  CHECK(f.log(std::string(10'000, 'a')));
  CHECK(f.log(std::string(20'000, 'b')));
  REQUIRE(f.logs->flush().ok());
  CHECK(f.messages()[0] == std::string(10'000, 'a'));
  CHECK(f.messages()[1] == std::string(10'000, 'b') + "...[10000 bytes cut]");
}

TEST_CASE("log: figures tell what was taken, stored, refused, by level") {
  Fixture f("log_stats", {.max_batch_size = 1000, .capacity = 10});
  for (int i = 0; i < 12; ++i) f.log("m", i < 3 ? LogLevel::kDebug : LogLevel::kInfo);
  LogStats stats = f.logs->stats();
  CHECK(stats.total_logged == stats.pending_count + stats.stored);
  CHECK(stats.total_logged + stats.dropped == 12);
  CHECK(stats.is_running);
  CHECK(stats.db_path == f.database.path());
  CHECK(stats.retention_ns == 7 * kDay);
  REQUIRE(f.logs->stop().ok());
  stats = f.logs->stats();
  CHECK(stats.pending_count == 0);
  CHECK(stats.stored == stats.total_logged);
  CHECK(stats.by_level[1] == 3);
  CHECK(stats.by_level[2] == stats.stored - 3);
  CHECK(stats.db_size_bytes > 0);
  CHECK_FALSE(stats.is_running);
  CHECK(*f.logs->count_rows() == stats.by_level);
}

// C218
TEST_CASE(
    "C218: what waits is stored at the end, in whatever order things end; then it is dropped") {
  testing::Database database("log_end");
  const ManualClock clock;
  auto writer = *SqliteSingleWriter::get_or_create(database.path());
  Logs logs = open({.db_path = database.path(), .clock = &clock});
  for (int i = 0; i < 30; ++i) REQUIRE(logs->log(LogLevel::kInfo, "test", "before"));
  writer.reset();  // the main database's handle goes first: the wrong way round
  CHECK(logs->stop().ok());
  CHECK(logs->stop().ok());
  CHECK(logs->stats().pending_count == 0);
  CHECK_FALSE(logs->log(LogLevel::kInfo, "test", "after"));
  CHECK(logs->stats().dropped == 1);
  CHECK(logs->flush().ok());
  logs.reset();
  CHECK(database.integer("SELECT count(*) FROM logs") == 30);
  // By the destructor alone.
  logs = open({.db_path = database.path(), .clock = &clock});
  for (int i = 0; i < 30; ++i) REQUIRE(logs->log(LogLevel::kInfo, "test", "again"));
  logs.reset();
  CHECK(database.integer("SELECT count(*) FROM logs") == 60);
}

TEST_CASE(
    "P24: a locked database holds up nobody who logs; what waited is stored, the rest counted") {
  Fixture f("log_locked", {.capacity = 100, .busy_timeout_ns = 0});
  testing::WriteLock lock(f.database.path());
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += f.log(std::to_string(i));
  CHECK(taken == 100);
  const auto flushed = f.logs->flush();
  REQUIRE_FALSE(flushed.ok());
  CHECK(flushed.error().kind == Kind::kBusy);
  LogStats stats = f.logs->stats();
  CHECK(stats.pending_count == 100);
  CHECK(stats.dropped == 900);
  CHECK(stats.failed_flushes > 0);
  CHECK(f.logs->sink().detect_matching("log.flush.failed:*"));
  CHECK(f.logs->sink().detect_matching("log.dropped:*records"));
  // Readers go on: what is stored is there.
  CHECK(f.logs->recent_logs().ok());
  lock.release();
  // By itself, when the time for the next attempt has come.
  while (f.logs->stats().stored < 100) f.clock.advance(10 * kMillisecond);
  CHECK(f.count() == 100);
  CHECK(f.messages().front() == "0");
  CHECK(f.messages().back() == "99");
  CHECK(f.log("afterwards"));
  CHECK(f.logs->flush().ok());
}

TEST_CASE("log: an end that can't store what waits says so, and may be tried again") {
  Fixture f("log_locked_end", {.busy_timeout_ns = 0, .stop_timeout_ns = 0});
  testing::WriteLock lock(f.database.path());
  for (int i = 0; i < 3; ++i) REQUIRE(f.log("waits"));
  const auto stopped = f.logs->stop();
  REQUIRE_FALSE(stopped.ok());
  CHECK(stopped.error().kind == Kind::kBusy);
  CHECK(stopped.error().message.starts_with(
      "stopping a log database: expected every record to be written, found 3 that couldn't be, and "
      "stay for another stop(): "));
  CHECK(f.logs->stats().dropped == 0);
  CHECK(f.logs->stats().pending_count == 3);
  CHECK_FALSE(f.logs->flush().ok());
  CHECK_FALSE(f.logs->stop().ok());
  CHECK_FALSE(f.log("too late"));
  lock.release();
  CHECK(f.logs->stop().ok());
  CHECK(f.logs->stats().pending_count == 0);
  CHECK(f.count() == 3);
}

TEST_CASE("log: what the last end can't store is told by a signal") {
  ManualClock clock;
  SignalSink signals(clock);
  Fixture f("log_lost", {.busy_timeout_ns = 0, .stop_timeout_ns = 0, .signals = &signals});
  testing::WriteLock lock(f.database.path());
  for (int i = 0; i < 3; ++i) REQUIRE(f.log("lost"));
  f.logs.reset();
  CHECK(signals.detect("log.dropped:3records"));
}

TEST_CASE("log: an end waits for a lock that goes, as long as it may") {
  Fixture f("log_unlocked_end", {.busy_timeout_ns = 0, .stop_timeout_ns = 30 * kSecond});
  testing::WriteLock lock(f.database.path());
  for (int i = 0; i < 3; ++i) REQUIRE(f.log("kept"));
  std::thread stopping([&] { CHECK(f.logs->stop().ok()); });
  while (f.logs->stats().failed_flushes == 0) std::this_thread::yield();
  lock.release();
  f.clock.advance(10 * kSecond);
  stopping.join();
  CHECK(f.count() == 3);
}

TEST_CASE("log: a full database loses nothing that was taken") {
  Fixture f("log_full");
  const auto writer = *SqliteSingleWriter::get_or_create(f.database.path());
  const std::int64_t pages = f.database.integer("PRAGMA page_count");
  REQUIRE(writer->write("PRAGMA max_page_count = " + std::to_string(pages + 2)).ok());
  for (int i = 0; i < 100; ++i) REQUIRE(f.log(std::string(1000, 'x')));
  const auto flushed = f.logs->flush();
  REQUIRE_FALSE(flushed.ok());
  CHECK(flushed.error().kind == Kind::kFull);
  CHECK(f.logs->stats().pending_count == 100);
  CHECK(f.count() == 0);
  REQUIRE(writer->write("PRAGMA max_page_count = 100000").ok());
  CHECK(f.logs->flush().ok());
  CHECK(f.count() == 100);
}

TEST_CASE("log: a row that a constraint forbids fails alone, and is counted") {
  Fixture f("log_constraint");
  f.database.run(
      "CREATE TRIGGER no_bad BEFORE INSERT ON logs WHEN NEW.message = 'bad' "
      "BEGIN SELECT RAISE(ABORT, 'no bad ones'); END");
  for (const char* message : {"good", "bad", "better"}) REQUIRE(f.log(message));
  CHECK(f.logs->flush().ok());
  CHECK(f.messages() == std::vector<std::string>{"good", "better"});
  CHECK(f.logs->stats().rejected == 1);
  CHECK(f.logs->stats().stored == 2);
}

TEST_CASE("log: a table that is gone is made anew, for what waits") {
  Fixture f("log_dropped_table");
  REQUIRE(f.log("before"));
  REQUIRE(f.logs->flush().ok());
  f.database.run("DROP TABLE logs");
  REQUIRE(f.log("kept"));
  CHECK(f.logs->flush().error().kind == Kind::kSql);
  CHECK(f.logs->flush().ok());
  CHECK(f.messages() == std::vector<std::string>{"kept"});
}

TEST_CASE("log: old rows go by themselves, every hour, and their room with them") {
  Fixture f("log_hourly", {.buffer_bytes = 16 << 20});
  const std::int64_t old_us = f.clock.wall_us() - 8 * kDay / kMicrosecond;
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(f.logs->log({.wall_us = old_us, .logger = "old", .message = std::string(1000, 'o')}));
  }
  REQUIRE(f.log("new"));
  REQUIRE(f.logs->flush().ok());
  const std::int64_t pages = f.database.integer("PRAGMA page_count");
  f.clock.advance(3600 * kSecond);
  while (!f.logs->sink().detect("log.cleanup:3000rows")) std::this_thread::yield();
  CHECK(f.messages() == std::vector<std::string>{"new"});
  CHECK(f.database.integer("PRAGMA page_count") < pages / 4);
  CHECK(f.database.integer("PRAGMA freelist_count") == 0);
}

TEST_CASE("log: without a retention nothing is deleted") {
  Fixture f("log_for_ever", {.retention_ns = kNever});
  REQUIRE(f.logs->log({.wall_us = 0, .message = "from 1970"}));
  REQUIRE(f.logs->flush().ok());
  CHECK(*f.logs->cleanup_old_logs() == 0);
  CHECK(f.count() == 1);
}

TEST_CASE("log: what can't be opened is refused, and says why") {
  const auto refusal = [](const LogDatabaseOptions& options) {
    const auto opened = LogDatabase::open(options);
    REQUIRE_FALSE(opened.ok());
    return opened.error();
  };
  CHECK(refusal({.capacity = 0}).message ==
        "log database: capacity: expected 1 to 1048576, found 0");
  CHECK(refusal({.max_batch_size = 0}).kind == Kind::kParameter);
  CHECK(refusal({.flush_interval_ns = 0}).kind == Kind::kParameter);
  CHECK(refusal({.retention_ns = 0}).kind == Kind::kParameter);
  CHECK(refusal({.buffer_bytes = 1000}).kind == Kind::kParameter);
  CHECK(refusal({.message_bytes_max = 0}).kind == Kind::kParameter);
  CHECK(refusal({.cleanup_interval_ns = 0}).kind == Kind::kParameter);
  CHECK(refusal({.stop_timeout_ns = -1}).kind == Kind::kParameter);
  CHECK(refusal({.signal_level = static_cast<LogLevel>(9)}).kind == Kind::kParameter);
  CHECK(refusal({.db_path = "Mode=Sideways;Data Source=x"}).kind == Kind::kParameter);
  const std::string folder = std::filesystem::temp_directory_path().string();
  CHECK(refusal({.db_path = folder}).kind == Kind::kCannotOpen);
  testing::Database other("log_other_table");
  other.run("CREATE TABLE logs(id INTEGER PRIMARY KEY, level TEXT, timestamp TEXT, note)");
  const DbError error = refusal({.db_path = other.path()});
  CHECK(error.kind == Kind::kSql);
  CHECK(error.message.starts_with("expected a table logs(id, timestamp, level, "));
}

TEST_CASE("log: a log in a database with other tables leaves them alone") {
  testing::Database database("log_shared_file");
  database.run("CREATE TABLE mine(a); INSERT INTO mine VALUES (1)");
  const Logs logs = open({.db_path = database.path()});
  REQUIRE(logs->log(LogLevel::kInfo, "test", "beside it"));
  REQUIRE(logs->flush().ok());
  CHECK(*logs->cleanup_old_logs() == 0);
  CHECK(database.integer("SELECT a FROM mine") == 1);
}

TEST_CASE("log: logging allocates nothing, whatever its length and fields") {
  Fixture f("log_allocations", {.max_batch_size = 5000, .signal_level = LogLevel::kCritical});
  const std::string text(5000, 't');
  REQUIRE(f.logs->flush().ok());
  const std::uint64_t before = testing::allocation_count();
  for (int i = 0; i < 100; ++i) {
    f.logs->log(LogLevel::kInfo, "test", text, {{"n", i}, {"text", text}, {"x", 0.5}});
  }
  CHECK(testing::allocation_count() == before);
  CHECK(f.logs->stats().dropped == 0);
}

TEST_CASE("log database: that its database's log grows is said in its own sink") {
  const testing::Database database("logs_growing");
  auto logs = LogDatabase::open({.db_path = database.path()});
  REQUIRE(logs.ok());
  auto writer = SqliteSingleWriter::get_or_create(database.path());
  REQUIRE(writer.ok());
  (*writer)->sink().raise("wal.growing:4000pages");
  (*writer)->sink().raise("write.checkpoint.error:disk is full");
  CHECK((*logs)->sink().detect("write.checkpoint.error:disk is full:" + database.path()));
  CHECK((*logs)->sink().detect("wal.growing:4000pages:" + database.path()));
}

}  // namespace
}  // namespace mayfly
