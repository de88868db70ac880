// Records as signals and signals as records, what isn't fed back, and logging from within.
#include <doctest/doctest.h>

#include <filesystem>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/log_database/log_database.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;
using Logs = std::shared_ptr<LogDatabase>;
using Texts = std::vector<std::string>;

struct Fixture {
  explicit Fixture(const std::string& name, LogDatabaseOptions options = {})
      : database(name), sink(clock) {
    options.db_path = database.path();
    options.clock = &clock;
    options.signals = &sink;
    auto opened = LogDatabase::open(options);
    if (!opened.ok()) FAIL(opened.error().message);
    logs = *opened;
  }
  void flush() { CHECK(logs->flush().ok()); }
  Texts rows(const std::string& columns = "message") {
    return database.rows("SELECT " + columns + " FROM logs ORDER BY id");
  }
  bool error(std::string_view message) { return logs->log(LogLevel::kError, "app", message); }

  testing::Database database;
  ManualClock clock;
  SignalSink sink;
  Logs logs;
};

TEST_CASE("log: a record of the level that raises is a signal, with its logger") {
  Fixture f("ls_raise");
  f.logs->log(LogLevel::kInfo, "app", "too low");
  f.logs->log(LogLevel::kWarning, "disk", "nearly full");
  f.logs->log(LogLevel::kCritical, "disk", "full");
  f.flush();
  CHECK(f.sink.count("log.*") == 2);
  CHECK(f.sink.detect("log.warning:disk"));
  CHECK(f.sink.detect("log.critical:disk"));
}

TEST_CASE("log: a record that raises is stored at once, and its signal comes on another thread") {
  // By the machine's clock: nothing but the record wakes the thread within the hour.
  testing::Database database("ls_at_once");
  const Logs logs =
      *LogDatabase::open({.db_path = database.path(), .flush_interval_ns = 3600 * kSecond});
  std::thread::id raised_on;
  const auto subscription = logs->sink().subscribe(
      "log.error:*", [&](const SignalEvent&) { raised_on = std::this_thread::get_id(); });
  // Several times: in most of them it has gone to sleep before.
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    logs->log(LogLevel::kError, "app", "at once");
    // One more now and then: where the kernel stops it on its way to sleep, the next one wakes it.
    for (int i = 1; logs->stats().pending_count > 0; ++i) {
      std::this_thread::yield();
      if (i % 1000 == 0) logs->log(LogLevel::kError, "app", "again");
    }
  }
  CHECK(raised_on != std::thread::id());
  CHECK(raised_on != std::this_thread::get_id());
}

TEST_CASE("log: signals come while the database is locked, once") {
  Fixture f("ls_locked", {.busy_timeout_ns = 0});
  testing::WriteLock lock(f.database.path());
  f.error("first");
  CHECK_FALSE(f.logs->flush().ok());
  f.error("second");
  while (f.sink.count("log.error:app") < 2) std::this_thread::yield();
  lock.release();
  f.flush();
  CHECK(f.rows() == Texts{"first", "second"});
  CHECK(f.sink.count("log.error:app") == 2);
}

TEST_CASE("log: signals that match become records, until the end") {
  Fixture f("ls_record");
  REQUIRE(f.logs->record_signals(f.sink, "error.*, *.failed:*", LogLevel::kError).ok());
  REQUIRE(f.logs->record_signals(f.sink, "cache.*", LogLevel::kDebug, "cache").ok());
  f.sink.raise("error.timeout:orders", 42);
  f.sink.raise("upload.failed:17");
  f.sink.raise("upload.done:17");
  f.sink.raise("cache.evict:k");
  CHECK(f.logs->stop().ok());
  f.sink.raise("error.too.late");
  CHECK(f.rows("level, logger_name, message, extra_data") ==
        Texts{R"(ERROR|signals|error.timeout:orders|{"operation":42})",
              "ERROR|signals|upload.failed:17|NULL", "DEBUG|cache|cache.evict:k|NULL"});
  // A signal's record raises none again.
  CHECK(f.sink.count("log.*") == 0);
  CHECK(f.logs->record_signals(f.sink, " ,").code() == Code::kUsage);
}

TEST_CASE("log: records don't come of records' signals, nor of what those cause") {
  Fixture f("ls_no_feedback");
  REQUIRE(f.logs->record_signals(f.sink, "*").ok());
  // A listener that raises what would be recorded, as a breaker does.
  const auto breaker = f.sink.subscribe(
      "log.error:*", [&](const SignalEvent&) { f.sink.raise("breaker.open:app"); });
  f.error("once");
  f.flush();
  f.flush();
  CHECK(f.rows() == Texts{"once"});
  CHECK(f.sink.count("breaker.open:*") == 1);
  // Without that cause it is recorded.
  f.sink.raise("breaker.open:app");
  f.flush();
  CHECK(f.rows() == Texts{"once", "breaker.open:app"});
}

TEST_CASE("log: a listener of records' signals may log; its records are stored, and raise none") {
  Fixture f("ls_listener_logs");
  const auto listener = f.sink.subscribe(
      "log.*", [&](const SignalEvent& event) { f.error("heard " + std::string(event.name())); });
  f.error("first");
  for (int i = 0; i < 5; ++i) f.flush();
  CHECK(f.rows() == Texts{"first", "heard log.error:app"});
  CHECK(f.sink.count("log.error:app") == 1);
}

TEST_CASE("log: what such a listener hands to another thread with its event raises none either") {
  Fixture f("ls_handed_on");
  std::vector<SignalEvent> handed;
  const auto listener =
      f.sink.subscribe("log.*", [&](const SignalEvent& event) { handed.push_back(event); });
  f.error("first");
  f.flush();
  REQUIRE(handed.size() == 1);
  std::thread([&] {
    const CurrentSignal current(handed.front());
    f.error("of another thread");
  }).join();
  f.flush();
  CHECK(f.rows() == Texts{"first", "of another thread"});
  CHECK(f.sink.count("log.*") == 1);
}

TEST_CASE("log: two logs that record each other's signals don't go on for ever") {
  Fixture f("ls_two");
  testing::Database other("ls_two_other");
  SignalSink other_sink(f.clock);
  const Logs logs =
      *LogDatabase::open({.db_path = other.path(), .clock = &f.clock, .signals = &other_sink});
  REQUIRE(f.logs->record_signals(other_sink, "*", LogLevel::kError).ok());
  REQUIRE(logs->record_signals(f.sink, "*", LogLevel::kError).ok());
  f.error("mine");
  logs->log(LogLevel::kError, "app", "yours");
  for (int i = 0; i < 3; ++i) {
    f.flush();
    CHECK(logs->flush().ok());
  }
  CHECK(f.rows() == Texts{"mine"});
  CHECK(other.rows("SELECT message FROM logs") == Texts{"yours"});
}

TEST_CASE("log: the signals of its own writer aren't recorded, others' writes are") {
  Fixture f("ls_writer");
  const auto writer = *SqliteSingleWriter::get_or_create(f.database.path());
  REQUIRE(f.logs->record_signals(writer->sink(), "write.*").ok());
  f.error("one");
  for (int i = 0; i < 5; ++i) f.flush();
  CHECK(f.rows() == Texts{"one"});
  REQUIRE(writer->write("CREATE TABLE t(a)").ok());
  f.flush();
  CHECK(f.rows().size() > 1);
}

TEST_CASE("log: a listener that throws loses nothing") {
  Fixture f("ls_throws");
  const auto listener =
      f.sink.subscribe("log.*", [](const SignalEvent&) { throw std::runtime_error("no"); });
  f.error("stored all the same");
  f.flush();
  CHECK(f.rows() == Texts{"stored all the same"});
}

TEST_CASE("log: within its thread and its writer's callbacks one may log and look, not wait") {
  Fixture f("ls_within");
  std::vector<DbError> refusals;
  const auto listener = f.sink.subscribe("log.error:*", [&](const SignalEvent&) {
    refusals.push_back(f.logs->flush().error());
    refusals.push_back(f.logs->stop().error());
    CHECK(f.logs->recent_logs().ok());
    CHECK(f.logs->log(LogLevel::kInfo, "listener", "logged within"));
  });
  f.error("begin");
  f.flush();
  const auto writer = *SqliteSingleWriter::get_or_create(f.database.path());
  const auto done = writer->execute_in_transaction([&](SqlSession&) {
    refusals.push_back(f.logs->flush().error());
    refusals.push_back(f.logs->stop().error());
    CHECK(f.logs->recent_logs().ok());
    CHECK(f.logs->log(LogLevel::kInfo, "callback", "logged in a transaction"));
  });
  CHECK(done.ok());
  REQUIRE(refusals.size() == 4);
  for (const DbError& refusal : refusals) {
    CHECK(refusal.kind == Kind::kOther);
    CHECK(refusal.message.find("would wait for itself") != std::string::npos);
  }
  f.flush();
  CHECK(f.rows() == Texts{"begin", "logged within", "logged in a transaction"});
}

// Interleaving: the last reference goes on the log's own thread, in a listener, while records wait.
TEST_CASE("log: the last one may let go in a listener; what was logged is stored") {
  testing::Database database("ls_last");
  // What it uses outlives it, and it ends on a thread that this test can't join.
  static const auto& clock = *new ManualClock();
  static auto& sink = *new SignalSink(clock);
  Logs logs = *LogDatabase::open({.db_path = database.path(), .clock = &clock, .signals = &sink});
  Logs mine = logs;
  std::latch gone(1);
  const auto listener = sink.subscribe("log.error:*", [&](const SignalEvent&) {
    gone.wait();
    logs.reset();
  });
  mine->log(LogLevel::kError, "app", "first");
  mine->log(LogLevel::kInfo, "app", "last");
  mine.reset();
  gone.count_down();
  // The last connection takes the write-ahead log with it.
  while (std::filesystem::exists(database.path() + "-wal")) std::this_thread::yield();
  CHECK(database.integer("SELECT count(*) FROM logs") == 2);
}

}  // namespace
}  // namespace mayfly
