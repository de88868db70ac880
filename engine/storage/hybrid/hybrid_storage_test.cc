// The hybrid strategy as a whole: what it opens, says of itself, and how it ends.
#include "mayfly/storage/hybrid/hybrid_storage.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/hybrid/stats_store.h"
#include "mayfly/storage/stats/stats_reader.h"
#include "tests/support/allocation_count.h"
#include "tests/support/database.h"
#include "tests/support/no_threads.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;
using testing::Database;

struct Fixture {
  explicit Fixture(const std::string& name, HybridOptions given = {})
      : database(name), log_file(name + "_logs") {
    database.run("CREATE TABLE downloads(id INTEGER PRIMARY KEY, progress INTEGER)");
    options = std::move(given);
    options.database = database.path();
    options.logs.db_path = log_file.path();
    options.clock = &clock;
  }
  std::unique_ptr<HybridStorage> open() {
    auto opened = HybridStorage::open(options);
    if (!opened.ok()) FAIL(opened.error().message);
    return std::move(*opened);
  }
  std::string stored(const std::string& path) const {
    return database.text("SELECT json_extract(json, '" + path + "') FROM mayfly_stats");
  }

  Database database;
  Database log_file;
  ManualClock clock;
  DatabaseLockMetrics metrics{clock};
  HybridOptions options;
};

// C218
TEST_CASE("hybrid: after a stop nothing is pending, neither in the buffer nor in the logs") {
  Fixture f("hybrid_stop");
  const auto storage = f.open();
  for (int id = 0; id < 250; ++id) {
    REQUIRE(
        storage->buffer().buffer_upsert("downloads", {{"id", id}, {"progress", 1}}, {"id"}).ok());
    storage->logs().log(LogLevel::kInfo, "downloads", "begun", {{"id", id}});
  }
  CHECK(storage->stop().ok());
  CHECK(storage->stats().buffer.pending == 0);
  CHECK(storage->stats().logs.pending_count == 0);
  CHECK(f.database.integer("SELECT count(*) FROM downloads") == 250);
  CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 250);
  CHECK(storage->stop().ok());
}

TEST_CASE("hybrid: what the buffer logs while it stops is in the logs, since they stop behind it") {
  Fixture f("hybrid_order");
  LogDatabase* logs = nullptr;
  f.options.buffer.on_rejected = [&logs](const RejectedRow&) {
    logs->log(LogLevel::kError, "buffer", "rejected");
  };
  f.database.run("CREATE TABLE strict(id INTEGER PRIMARY KEY, n CHECK (n > 0))");
  {
    const auto storage = f.open();
    logs = &storage->logs();
    REQUIRE(storage->buffer().buffer_upsert("strict", {{"id", 1}, {"n", -1}}, {"id"}).ok());
  }
  CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 1);
}

TEST_CASE("hybrid: whoever keeps the logs or the writer longer hurts nobody") {
  Fixture f("hybrid_longer");
  std::shared_ptr<LogDatabase> logs;
  {
    const auto storage = f.open();
    logs = storage->shared_logs();
    CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  }
  CHECK(f.database.integer("SELECT progress FROM downloads") == 5);
  CHECK_FALSE(logs->log(LogLevel::kInfo, "late", "dropped, and counted"));
  CHECK(logs->stats().dropped == 1);
}

TEST_CASE("hybrid: one snapshot has the writer, the cache, the buffer, the logs and the retries") {
  Fixture f("hybrid_snapshot");
  f.options.lock_metrics = &f.metrics;
  f.metrics.on_lock_error();
  const auto storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  storage->logs().log(LogLevel::kWarning, "app", "low", {});
  CHECK(storage->writer().write("INSERT INTO downloads VALUES (9, 9)").ok());
  CHECK(*storage->writer().read<int>("n", [](SqlSession&) { return 1; }) == 1);
  CHECK(storage->logs().flush().ok());
  f.database.run("CREATE TABLE shown(json)");
  f.database.run("INSERT INTO shown VALUES('" + storage->stats_json() + "')");
  const auto at = [&](const std::string& path) {
    return f.database.text("SELECT json_extract(json, '" + path + "') FROM shown");
  };
  CHECK(at("$.version") == "1");
  CHECK(at("$.single_writer.writes") == "1");
  CHECK(at("$.cache.misses") == "1");
  CHECK(at("$.write_buffer.pending_by_table.downloads") == "1");
  CHECK(at("$.log_database.by_level.WARNING") == "1");
  CHECK(at("$.retry_metrics.total_lock_errors") == "1");
}

TEST_CASE("hybrid: a forced flush writes the buffer, the logs and what was posted") {
  Fixture f("hybrid_flush");
  const auto storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 2}, {"progress", 6}}, {"id"}).ok());
  storage->logs().log(LogLevel::kInfo, "app", "note", {});
  const auto posted = storage->writer().write_async("INSERT INTO downloads VALUES (9, 9)");
  CHECK(*storage->force_flush() == 2);
  CHECK(f.database.integer("SELECT count(*) FROM downloads") == 3);
  CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 1);
}

// Interleaving: the stats' thread stores while this one reads them as another process would.
TEST_CASE("hybrid: stats are stored once an interval, for others to read") {
  Fixture f("hybrid_stored");
  const auto storage = f.open();
  CHECK(storage->writer().write("INSERT INTO downloads VALUES (1, 1)").ok());
  f.clock.advance(kSecond);
  while (!read_stats(f.database.path(), f.clock.wall_us()).ok()) std::this_thread::yield();
  f.clock.advance(3 * kSecond / 4);
  const auto stats = read_stats(f.database.path(), f.clock.wall_us());
  REQUIRE(stats.ok());
  CHECK(stats->front().writer == "storage");
  CHECK(stats->front().is_running);
  CHECK(stats->front().age_us == 750'000);
  CHECK(f.stored("$.single_writer.writes") == "1");
}

TEST_CASE(
    "hybrid: the last stats are stored at the end, and a program that did nothing stores once") {
  Fixture f("hybrid_last");
  {
    const auto storage = f.open();
    for (int id = 0; id < 3; ++id) {
      CHECK(
          storage->buffer().buffer_upsert("downloads", {{"id", id}, {"progress", 1}}, {"id"}).ok());
    }
  }
  CHECK(f.stored("$.write_buffer.total_flushed") == "3");
  CHECK(f.stored("$.write_buffer.is_running") == "0");

  ManualClock clock;
  auto writer = SqliteSingleWriter::get_or_create(f.database.path());
  StatsStore store(**writer, clock, "idle");
  StorageStats stats;
  for (int i = 0; i < 3; ++i) {
    stats.writer = (*writer)->stats();
    CHECK(store.store_if_changed(stats).ok());
  }
  CHECK((*writer)->stats().writes == 1);

  StatsStore other(**writer, clock, "another");
  for (int i = 0; i < 3; ++i) {
    for (StatsStore* each : {&store, &other}) {
      stats.writer = (*writer)->stats();
      CHECK(each->store_if_changed(stats).ok());
    }
  }
  CHECK((*writer)->stats().writes == 2);
}

TEST_CASE("hybrid: last stats that can't be stored are told by the stop, which tries them again") {
  Fixture f("hybrid_last_stats");
  const auto storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  CHECK(storage->buffer().force_flush().ok());
  f.database.run("DROP TABLE IF EXISTS mayfly_stats; CREATE TABLE mayfly_stats(other)");
  const auto end = storage->stop();
  REQUIRE_FALSE(end.ok());
  CHECK(end.error().message.starts_with("storing the last stats: "));
  CHECK_FALSE(storage->stats().logs.is_running);
  f.database.run("DROP TABLE mayfly_stats");
  CHECK(storage->stop().ok());
  CHECK(f.stored("$.write_buffer.total_flushed") == "1");
}

TEST_CASE("hybrid: a stop from within a callback is refused and stops nothing; one after it does") {
  Fixture f("hybrid_within");
  const auto storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  Kind refused = Kind::kBusy;
  const auto done = [&](const DbResult<std::int64_t>&) { refused = storage->stop().error().kind; };
  CHECK(storage->writer().write_async("INSERT INTO downloads VALUES (2, 2)", {}, done).ok());
  CHECK(storage->writer().flush_writes().ok());
  CHECK(refused == Kind::kOther);
  CHECK(storage->stats().buffer.is_running);
  CHECK(storage->stats().logs.is_running);
  CHECK(storage->stop().ok());
  CHECK(storage->stats().buffer.pending == 0);
  CHECK_FALSE(storage->stats().logs.is_running);
}

// Interleaving: the listener runs on the thread that stores the stats.
TEST_CASE("hybrid: a listener that stops it on the stats' own thread is refused") {
  Fixture f("hybrid_listener");
  std::atomic<int> refused{0};
  const auto storage = f.open();
  const auto subscription =
      storage->writer().sink().subscribe("write.batch.enqueue", [&](const SignalEvent&) {
        if (!storage->stop().ok()) refused.fetch_add(1);
      });
  CHECK(storage->writer().write("INSERT INTO downloads VALUES (1, 1)").ok());
  f.clock.advance(kSecond);
  while (refused.load() == 0) std::this_thread::yield();
  CHECK(storage->stats().buffer.is_running);
}

// Interleaving: the last stop is on a thread of its own, so this one waits for what it writes.
TEST_CASE("hybrid: it may be destroyed in a callback of the writer's, and loses nothing") {
  Fixture f("hybrid_destroyed");
  auto writer = *SqliteSingleWriter::get_or_create(f.database.path());
  std::unique_ptr<HybridStorage> storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  CHECK(writer->write_async("SELECT 1", {}, [&](const DbResult<std::int64_t>&) { storage.reset(); })
            .ok());
  while (f.database.integer("SELECT count(*) FROM downloads") == 0) std::this_thread::yield();
  // Its clock is this test's: until the end has stored the last stats, and some.
  while (writer.use_count() > 1) std::this_thread::yield();
}

// Interleaving: the buffer's own thread flushes, and its listener lets the last one go, while the
// row that it refuses afterwards is told to the logs.
TEST_CASE(
    "hybrid: destroyed in a listener of the buffer's, its parts end in the order all the same") {
  Fixture f("hybrid_in_flush");
  f.database.run("CREATE TABLE strict(id INTEGER PRIMARY KEY, n CHECK (n > 0))");
  std::shared_ptr<LogDatabase> logs;
  f.options.buffer.on_rejected = [&logs](const RejectedRow&) {
    logs->log(LogLevel::kError, "buffer", "rejected");
  };
  auto storage = f.open();
  logs = storage->shared_logs();
  const auto writer = *SqliteSingleWriter::get_or_create(f.database.path());
  const auto subscription = writer->sink().subscribe("buffer.flush.start", [&](const SignalEvent&) {
    if (storage == nullptr) return;
    CHECK(storage->stop().error().kind == Kind::kOther);
    storage.reset();
  });
  REQUIRE(storage->buffer().buffer_upsert("strict", {{"id", 1}, {"n", -1}}, {"id"}).ok());
  f.clock.advance(f.options.buffer.flush_interval_ns);
  while (logs->stats().is_running) std::this_thread::yield();
  CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 1);
  const auto are_stored = [&] {
    const auto stats = read_stats(f.database.path(), f.clock.wall_us());
    return stats.ok() && f.stored("$.write_buffer.is_running") == "0";
  };
  while (!are_stored()) std::this_thread::yield();
  while (writer.use_count() > 1) std::this_thread::yield();  // it uses the clock until then
  CHECK(f.stored("$.write_buffer.rejected") == "1");
}

TEST_CASE("hybrid: a stop in a listener of the logs is refused, and stops nothing") {
  Fixture f("hybrid_log_listener");
  const auto storage = f.open();
  Kind refused = Kind::kBusy;
  const auto subscription = storage->logs().sink().subscribe(
      "log.error:app", [&](const SignalEvent&) { refused = storage->stop().error().kind; });
  storage->logs().log(LogLevel::kError, "app", "low", {});
  CHECK(storage->logs().flush().ok());
  CHECK(refused == Kind::kOther);
  CHECK(storage->stats().buffer.is_running);
  CHECK(storage->stop().ok());
}

// Its last stats are written by the thread that stops it, whose listener is heard before the turn.
TEST_CASE("hybrid: a stop that is heard within a stop is refused, and the stop goes on") {
  Fixture f("hybrid_stop_within");
  const auto storage = f.open();
  int refused = 0;
  const auto subscription =
      storage->writer().sink().subscribe("write.batch.enqueue", [&](const SignalEvent&) {
        if (!storage->stop().ok()) ++refused;
      });
  CHECK(storage->writer().write("INSERT INTO downloads VALUES (1, 1)").ok());
  CHECK(storage->stop().ok());
  CHECK(refused > 0);
  CHECK(f.stored("$.write_buffer.is_running") == "0");
}

// One allocation of the end after the other. By the machine's clock: what failed is tried again
// after a pause.
TEST_CASE("hybrid: ending it without memory loses no row and ends nothing else") {
  bool failed = true;
  for (std::int64_t allocation = 1; failed; ++allocation) {
    CAPTURE(allocation);
    REQUIRE(allocation < 1000);
    Fixture f("hybrid_end_memory" + std::to_string(allocation));
    f.options.clock = nullptr;
    auto storage = f.open();
    CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
    storage->logs().log(LogLevel::kInfo, "app", "note", {});
    testing::fail_allocation(allocation);
    storage.reset();
    failed = testing::fail_allocation(0);
    CHECK(f.database.integer("SELECT count(*) FROM downloads") == 1);
    CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 1);
  }
}

TEST_CASE("hybrid: where no thread can be made it says which part has none") {
  Fixture f("hybrid_no_threads");
  const testing::NoThreads none;
  const auto refused = HybridStorage::open(f.options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == Kind::kNoMemory);
  CHECK(refused.error().message.starts_with("opening the database: "));
  CHECK(refused.error().message.find("no thread for it") != std::string::npos);
}

TEST_CASE("hybrid: a forced flush that one part fails is one of the others all the same") {
  Fixture f("hybrid_flush_fails");
  f.options.buffer.retry.max_retries = 0;
  f.options.writer.busy_timeout_ns = 0;
  const auto storage = f.open();
  CHECK(storage->buffer().buffer_upsert("downloads", {{"id", 1}, {"progress", 5}}, {"id"}).ok());
  storage->logs().log(LogLevel::kInfo, "app", "note", {});
  {
    const testing::WriteLock lock(f.database.path());
    const auto flushed = storage->force_flush();
    REQUIRE_FALSE(flushed.ok());
    CHECK(flushed.error().message.starts_with("flushing the buffer: "));
  }
  CHECK(f.log_file.integer("SELECT count(*) FROM logs") == 1);
}

TEST_CASE("hybrid: an interval without end stores at the end alone") {
  HybridOptions options;
  options.stats_interval_ns = kNever;
  Fixture f("hybrid_never", std::move(options));
  f.open();
  CHECK(f.stored("$.version") == "1");
}

TEST_CASE("hybrid: a part that can't be opened is named, and the others are let go") {
  Fixture f("hybrid_refused");
  const auto refused = [&](auto change) {
    HybridOptions options = f.options;
    change(options);
    const auto opened = HybridStorage::open(std::move(options));
    REQUIRE_FALSE(opened.ok());
    return opened.error().message;
  };
  CHECK(refused([](HybridOptions& o) { o.database = ""; }).starts_with("opening the database: "));
  CHECK(refused([](HybridOptions& o) {
          o.buffer.max_buffer_size = 0;
        }).starts_with("opening the buffer: "));
  CHECK(refused([](HybridOptions& o) { o.logs.capacity = 0; }).starts_with("opening the logs: "));
  CHECK(refused([](HybridOptions& o) { o.name = ""; }).starts_with("name: "));
  CHECK(refused([](HybridOptions& o) {
          o.stats_interval_ns = -1;
        }).starts_with("stats_interval_ns: expected at least 0, found -1"));
  CHECK(f.open() != nullptr);
}

}  // namespace
}  // namespace mayfly
