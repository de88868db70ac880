// The writer's thread: every row comes back once, whatever the disk and other connections do.
#include "mayfly/storage/writer_loop.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "mayfly/data/slice_chain.h"
#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

// Keeps what came back, settles it with the pool, and lets a test wait for it.
class Collector final : public AnswerSink {
 public:
  explicit Collector(BatchPool& pool) : pool_(pool) {}

  void on_answered(std::span<const RowRef> slices) noexcept override {
    const std::lock_guard lock(mutex_);
    for (const RowRef head : slices) {
      mayfly_batch& batch = *pool_.batch(head);
      for_each_row(batch, row_of(head), [&](std::uint16_t row) {
        ++outcomes[batch.outcome[row]];
        ids.push_back(batch.columns[0].cells[row].i64);
        answered_ += 1;
      });
      pool_.settle(&batch, slice_rows(batch, row_of(head)));
    }
    changed_.notify_all();
  }
  void on_attempt_failed(std::span<const RowRef> slices) noexcept override {
    const std::lock_guard lock(mutex_);
    failed.insert(failed.end(), slices.begin(), slices.end());
    changed_.notify_all();
  }
  void on_failed(const Status& why) noexcept override {
    const std::lock_guard lock(mutex_);
    status = why;
    ++failures;
    changed_.notify_all();
  }

  template <class F>
  bool wait_until(F&& f) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), f);
  }
  bool wait_for_rows(std::uint64_t rows) {
    return wait_until([&] { return answered_ >= rows; });
  }

  std::map<int, std::uint64_t> outcomes;
  std::vector<std::int64_t> ids;
  std::vector<RowRef> failed;
  Status status;
  int failures = 0;

 private:
  BatchPool& pool_;
  std::uint64_t answered_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct LoopFixture : WriterFixture {
  explicit LoopFixture(std::uint32_t rows = 64)
      : WriterFixture(id_and_name(), rows), collector(pool) {}

  void start(WriterLoopOptions loop_options = {}) {
    open();
    loop = std::make_unique<WriterLoop>(*writer, pool, collector, clock, signals, 1,
                                        std::move(loop_options));
    lane = loop->add_lane();
    loop->start();
  }
  void push(const std::vector<RowRef>& heads) { loop->push(lane, heads); }
  // Until the loop has met the outage; it waits for the clock then.
  void await_signal(const char* glob, std::size_t count = 1) {
    while (signals.count(glob) < count) std::this_thread::yield();
  }
  void advance(std::int64_t ns) {
    clock.advance(ns);
    loop->wake();
  }

  Collector collector;
  std::unique_ptr<WriterLoop> loop;
  WriterLoop::LaneId lane = 0;
};

TEST_CASE("rows pushed come back written, and stop makes them durable") {
  LoopFixture f;
  f.start();
  for (int i = 0; i < 10; ++i) f.push(f.fill(f.numbered(i * 100, 100), kNoSource));
  CHECK(f.loop->stop(true).ok());
  CHECK(f.collector.outcomes == std::map<int, std::uint64_t>{{MAYFLY_WRITTEN, 1000}});
  CHECK(std::is_sorted(f.collector.ids.begin(), f.collector.ids.end()));
  CHECK(f.query("SELECT count(*) FROM t") == "1000");
  CHECK(f.loop->totals().rows.written == 1000);
  CHECK(f.pool.rows_in_flight() == 0);
  CHECK(f.signals.count("write.start") == f.loop->totals().transactions - 1);
  CHECK(f.signals.count("write.done:*rows:0ms") == f.signals.count("write.start"));
}

// Interleaving aimed at: pushes that race with the thread's look at its queue before it sleeps.
TEST_CASE("four threads that push single rows get every row back once") {
  LoopFixture f(1);
  constexpr int kRows = 300;
  WriterLoopOptions options;
  options.lanes_max = 8;
  f.open();
  f.loop =
      std::make_unique<WriterLoop>(*f.writer, f.pool, f.collector, f.clock, f.signals, 1, options);
  std::vector<WriterLoop::LaneId> lanes;
  for (int t = 0; t < 4; ++t) lanes.push_back(f.loop->add_lane());
  f.loop->start();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&f, &lanes, t] {
        for (int i = 0; i < kRows; ++i) {
          mayfly_batch* batch = nullptr;
          while (batch == nullptr) {
            batch = f.pool.acquire(BatchPool::Part::kIntake, f.schema, kSecond);
          }
          put_int64(*batch, 0, t * kRows + i);
          commit_row(*batch, {});
          f.pool.add_flight(batch, 1);
          f.loop->push(lanes[static_cast<std::size_t>(t)], seal(*batch, 0, kNoSource));
        }
      });
    }
  }
  CHECK(f.loop->stop(false).ok());
  CHECK(f.collector.outcomes[MAYFLY_WRITTEN] == 4 * kRows);
  CHECK(f.query("SELECT count(DISTINCT id) FROM t") == std::to_string(4 * kRows));
}

TEST_CASE("answers given elsewhere are recorded although nothing else comes") {
  LoopFixture f;
  f.open();
  f.add_source();
  f.loop = std::make_unique<WriterLoop>(*f.writer, f.pool, f.collector, f.clock, f.signals, 1);
  f.lane = f.loop->add_lane();
  f.loop->start();
  const auto heads = f.fill(f.numbered(0, 10));
  std::fill_n(f.pool.batch(heads[0])->outcome, 10, std::uint8_t{MAYFLY_DROPPED});
  f.push(heads);
  REQUIRE(f.collector.wait_for_rows(10));
  CHECK(f.query("SELECT low, dropped FROM mayfly_offsets") == "10|10");
  CHECK(f.loop->source_totals(0).dropped == 10);
}

TEST_CASE("a locked database makes the rows wait in order, and they are written when it is free") {
  LoopFixture f;
  f.start();
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  f.push(f.fill(f.numbered(0, 100), kNoSource));
  f.await_signal("write.busy", 1);
  f.push(f.fill(f.numbered(100, 100), kNoSource));
  f.advance(10 * kSecond);
  f.await_signal("write.busy", 2);
  CHECK(f.loop->outage_since_ns() == kSecond);
  CHECK(f.collector.ids.empty());
  REQUIRE(other.run("ROLLBACK").ok());
  f.advance(10 * kSecond);
  REQUIRE(f.collector.wait_for_rows(200));
  CHECK(f.loop->stop(false).ok());
  CHECK(std::is_sorted(f.collector.ids.begin(), f.collector.ids.end()));
  CHECK(f.collector.outcomes[MAYFLY_WRITTEN] == 200);
  CHECK(f.loop->outage_since_ns() == 0);
}

TEST_CASE("the waits of an outage are those of its policy") {
  LoopFixture f;
  // With the default multiplier or jitter some would be longer, and the signal wouldn't come.
  f.options.retry.multiplier = 1;
  f.options.retry.jitter = 0;
  f.start();
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  for (std::size_t attempts = 1; attempts <= 20; ++attempts) {
    f.await_signal("write.busy", attempts);
    f.advance(10 * kMillisecond);
  }
  REQUIRE(other.run("ROLLBACK").ok());
  f.advance(10 * kMillisecond);
  REQUIRE(f.collector.wait_for_rows(10));
  CHECK(f.loop->stop(false).ok());
}

TEST_CASE("a writer that stops waits for another's lock until the end that it was given") {
  for (const std::int64_t longest_ns : {3 * kSecond, 3600 * kSecond}) {
    CAPTURE(longest_ns);
    LoopFixture f;
    // A wait that began before the stop is cut short, too.
    f.options.retry.initial_delay_ns = f.options.retry.max_delay_ns = longest_ns;
    f.start();
    f.push(f.fill(f.numbered(0, 10), kNoSource));
    REQUIRE(f.collector.wait_for_rows(10));
    SqliteConnection other = f.connect();
    REQUIRE(other.run("BEGIN IMMEDIATE").ok());
    Status stopped;
    std::jthread stopping([&] { stopped = f.loop->stop(true, f.clock.now_ns() + 5 * kSecond); });
    f.await_signal("write.busy", 1);
    f.advance(5 * kSecond);
    stopping.join();
    CHECK(stopped.code() == Code::kTryAgain);
    CHECK(stopped.message().find("gave up after 5000 ms") != std::string::npos);
    CHECK(f.query("SELECT count(*) FROM t") == "10");
  }
}

TEST_CASE("a writer that is to stop at once tries once") {
  LoopFixture f;
  f.start();
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  REQUIRE(f.collector.wait_for_rows(10));
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  CHECK(f.loop->stop(true, f.clock.now_ns()).code() == Code::kTryAgain);
  CHECK(f.signals.count("write.busy") == 1);
}

TEST_CASE("at the deadline of an outage every row is given back, and later ones too") {
  LoopFixture f;
  // The deadline is sooner.
  f.options.retry.initial_delay_ns = f.options.retry.max_delay_ns = 3600 * kSecond;
  f.options.retry.deadline_ns = 60 * kSecond;
  f.start();
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  f.push(f.fill(f.numbered(10, 10), 0));
  f.await_signal("write.busy", 1);
  f.advance(61 * kSecond);
  REQUIRE(f.collector.wait_for_rows(20));
  CHECK(f.collector.status.code() == Code::kTryAgain);
  CHECK(f.collector.status.message().find("gave up after 61000 ms") != std::string::npos);
  f.push(f.fill(f.numbered(20, 5), 0));
  REQUIRE(f.collector.wait_for_rows(25));
  CHECK(f.collector.failures == 1);
  CHECK(f.collector.outcomes ==
        std::map<int, std::uint64_t>{{MAYFLY_HANDED_BACK, 10}, {MAYFLY_LEFT, 15}});
  CHECK(f.loop->stop(true).code() == Code::kTryAgain);
  CHECK(f.pool.rows_in_flight() == 0);
}

// Of every connection that is opened from then on.
int allow_few_pages(sqlite3* db, char**, const sqlite3_api_routines*) {
  return sqlite3_exec(db, "PRAGMA max_page_count = 20", nullptr, nullptr, nullptr);
}

TEST_CASE("a database that may not grow (max_page_count) is given up as a failure of the disk") {
  const auto entry = reinterpret_cast<void (*)()>(&allow_few_pages);
  REQUIRE(sqlite3_auto_extension(entry) == SQLITE_OK);
  LoopFixture f;
  f.options.retry.initial_delay_ns = f.options.retry.max_delay_ns = 3600 * kSecond;
  f.options.retry.deadline_ns = 60 * kSecond;
  f.start();
  f.push(f.fill(f.numbered(0, 10), 0));
  REQUIRE(f.collector.wait_for_rows(10));
  std::vector<Row> large;
  for (int i = 0; i < 20; ++i) large.push_back({num(10 + i), text(std::string(30'000, 'x'))});
  f.push(f.fill(large, 0));
  f.await_signal("write.error:*", 1);
  f.advance(61 * kSecond);
  REQUIRE(f.collector.wait_for_rows(30));
  sqlite3_cancel_auto_extension(entry);

  // Not kTryAgain, as of a lock: that it is empty the next time is nobody's promise.
  CHECK(f.collector.status.code() == Code::kIo);
  CHECK(f.collector.status.message().find("database or disk is full (SQLite error 13); free some "
                                          "space and try again; what was written before is safe, "
                                          "resume when it can be written to") != std::string::npos);
  CHECK(f.collector.outcomes ==
        std::map<int, std::uint64_t>{{MAYFLY_WRITTEN, 10}, {MAYFLY_LEFT, 20}});
  CHECK(f.loop->stop(true).code() == Code::kIo);
  CHECK(f.query("SELECT count(*) FROM t") == "10");
}

TEST_CASE("under route the pending rows leave, and the answered ones stay to be recorded") {
  LoopFixture f;
  f.options.transient = TransientPolicy::kRoute;
  f.start();
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  auto heads = f.fill(f.numbered(0, 4), kNoSource);
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  batch.outcome[1] = MAYFLY_DROPPED;
  f.push(heads);
  REQUIRE(f.collector.wait_until([&] { return !f.collector.failed.empty(); }));
  CHECK(f.collector.failed.size() == 1);
  CHECK(slice_rows(batch, row_of(f.collector.failed[0])) == 3);
  CHECK(batch.attempt[0] == 1);
  CHECK(batch.attempt[1] == 0);
  // It comes round again and fails again; a row counts its attempts.
  f.push(std::exchange(f.collector.failed, {}));
  REQUIRE(f.collector.wait_until([&] { return !f.collector.failed.empty(); }));
  CHECK(batch.attempt[0] == 2);
  REQUIRE(other.run("ROLLBACK").ok());
  f.push(std::exchange(f.collector.failed, {}));
  f.advance(10 * kSecond);
  REQUIRE(f.collector.wait_for_rows(4));
  CHECK(f.loop->stop(false).ok());
  CHECK(f.collector.outcomes ==
        std::map<int, std::uint64_t>{{MAYFLY_WRITTEN, 3}, {MAYFLY_DROPPED, 1}});
}

TEST_CASE("a failing disk is told by write.error and waited out") {
  FaultVfs vfs("loop_fault");
  {
    LoopFixture f;
    f.options.vfs = "loop_fault";
    f.start();
    vfs.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, "-wal");
    f.push(f.fill(f.numbered(0, 10), kNoSource));
    f.await_signal("write.error:*", 1);
    f.advance(10 * kSecond);
    REQUIRE(f.collector.wait_for_rows(10));
    CHECK(f.loop->stop(false).ok());
    CHECK(f.collector.outcomes[MAYFLY_WRITTEN] == 10);
  }
}

TEST_CASE("a closing transaction that has to wait says why, and its outage ends with it") {
  FaultVfs vfs("loop_closing");
  {
    LoopFixture f;
    f.options.vfs = "loop_closing";
    f.start();
    f.push(f.fill(f.numbered(0, 10), kNoSource));
    REQUIRE(f.collector.wait_for_rows(10));
    vfs.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, "-wal", true);
    std::thread stopping([&f] { CHECK(f.loop->stop(true).ok()); });
    f.await_signal("write.error:*", 1);
    CHECK(f.loop->outage_since_ns() != 0);
    CHECK(f.signals.count("write.busy") == 0);
    vfs.heal();
    f.advance(10 * kSecond);
    stopping.join();
    CHECK(f.loop->outage_since_ns() == 0);
  }
}

TEST_CASE("rows of a COMMIT that nobody can tell of come back unknown") {
  FaultVfs vfs("loop_unknown");
  {
    LoopFixture f;
    f.options.vfs = "loop_unknown";
    f.options.synchronous = Synchronous::kFull;
    f.start();
    vfs.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, "-wal");
    vfs.then_fail(FaultVfs::Operation::kOpen, SQLITE_CANTOPEN, ".db");
    f.push(f.fill(f.numbered(0, 10), kNoSource));
    REQUIRE(f.collector.wait_for_rows(10));
    CHECK(f.collector.outcomes == std::map<int, std::uint64_t>{{MAYFLY_UNKNOWN, 10}});
    CHECK(f.collector.status.code() == Code::kIo);
    CHECK(f.loop->stop(true).code() == Code::kIo);
  }
}

TEST_CASE("abandoned in an outage, the rows come back at once") {
  LoopFixture f;
  f.start();
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  f.push(f.fill(f.numbered(0, 100), kNoSource));
  f.await_signal("write.busy", 1);
  std::jthread stopping([&f] { (void)f.loop->stop(true); });
  f.loop->abandon();
  stopping.join();
  CHECK(f.collector.outcomes == std::map<int, std::uint64_t>{{MAYFLY_HANDED_BACK, 100}});
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

TEST_CASE("parents come back with their children, and a source's end is recorded when idle") {
  LoopFixture f;
  f.open();
  f.add_source();
  f.loop = std::make_unique<WriterLoop>(*f.writer, f.pool, f.collector, f.clock, f.signals, 1);
  f.lane = f.loop->add_lane();
  f.loop->start();
  const auto parents = f.fill(f.numbered(0, 2));
  const auto children = f.fill(f.numbered(10, 2), kNoSource);
  for (std::uint16_t row = 0; row < 2; ++row) {
    f.pool.batch(children[0])->parent[row] = parents[0] + row;
    f.pool.batch(parents[0])->children[row] = 1;
  }
  f.push(children);
  REQUIRE(f.collector.wait_for_rows(4));
  f.loop->source_ended(0, 2);
  while (f.query("SELECT finished FROM mayfly_offsets WHERE source <> ''") == "0") {
    std::this_thread::yield();
  }
  CHECK(f.loop->stop(false).ok());
  CHECK(f.collector.outcomes ==
        std::map<int, std::uint64_t>{{MAYFLY_WRITTEN, 2}, {MAYFLY_CONSUMED, 2}});
  CHECK(f.loop->source_totals(0).consumed == 2);
}

TEST_CASE("statistics are stored once a second, also by an idle writer") {
  LoopFixture f;
  f.start({.lanes_max = 1, .stats_interval_ns = kSecond, .describe = [](std::string& json) {
             json += ",\"extra\":7";
           }});
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  REQUIRE(f.collector.wait_for_rows(10));
  f.advance(kSecond);
  const char* sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'mayfly_stats'";
  while (f.query(sql) == "0") std::this_thread::yield();
  CHECK(f.query("SELECT json_extract(json, '$.rows_written'), json_extract(json, '$.extra') "
                "FROM mayfly_stats") == "10|7");
  CHECK(f.loop->stop(false).ok());
}

TEST_CASE("the last statistics are stored at the end, however short it was") {
  LoopFixture f;
  f.start({.lanes_max = 1, .stats_interval_ns = kSecond});
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  CHECK(f.loop->stop(true).ok());
  CHECK(f.query("SELECT json_extract(json, '$.rows_written') FROM mayfly_stats") == "10");
}

TEST_CASE("the rate is of this run's rows, not of those that earlier runs read") {
  LoopFixture f;
  for (const bool resumed : {false, true}) {
    f.open();
    f.add_source(resumed);
    f.loop = std::make_unique<WriterLoop>(*f.writer, f.pool, f.collector, f.clock, f.signals, 1,
                                          WriterLoopOptions{.stats_interval_ns = kSecond});
    f.lane = f.loop->add_lane();
    f.loop->start();
    if (!resumed) f.push(f.fill(f.numbered(0, 10)));
    CHECK(f.loop->stop(true).ok());
    f.loop = nullptr;
    f.writer = nullptr;
  }
  CHECK(f.query("SELECT json_extract(json, '$.rows_read'), json_extract(json, '$.rows_per_second') "
                "FROM mayfly_stats") == "10|0");
}

TEST_CASE("a bad row stops a writer that is told to fail, and all rows come back") {
  LoopFixture f;
  f.run("CREATE TABLE t(id CHECK(id <> 5), name)");
  f.options.on_error = OnRowError::kFail;
  f.start();
  f.push(f.fill(f.numbered(0, 10), kNoSource));
  REQUIRE(f.collector.wait_for_rows(10));
  CHECK(f.collector.status.message().find("check") != std::string::npos);
  CHECK_FALSE(f.loop->stop(true).ok());
  CHECK(f.collector.outcomes == std::map<int, std::uint64_t>{{MAYFLY_HANDED_BACK, 10}});
}

}  // namespace
}  // namespace mayfly
