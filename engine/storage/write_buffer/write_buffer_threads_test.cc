// Write buffers and threads: the flushing thread, producers that wait, flushes under way.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly {
namespace {

using testing::BufferFixture;
using testing::Rows;
using testing::WriteLock;

constexpr const char* kItems = "CREATE TABLE items(id INTEGER PRIMARY KEY, v INTEGER, w INTEGER)";

DbResult<void> upsert(WriteBuffer& buffer, std::int64_t id, std::int64_t v) {
  return buffer.buffer_upsert("items", {{"id", id}, {"v", v}}, {"id"});
}
template <class Until>
void wait_until(Until until) {
  while (!until()) std::this_thread::yield();
}

// Interleaving: the thread waits for a time that comes when the test says so.
TEST_CASE("the thread flushes when the interval has passed, and not before") {
  BufferFixture f("wbt_interval", kItems, {.flush_interval_ns = 5 * kSecond});
  REQUIRE(f.buffer->start().ok());
  REQUIRE(upsert(*f.buffer, 1, 1).ok());
  f.clock.advance(kSecond);
  CHECK(f.buffer->stats().pending == 1);
  wait_until([&] {
    f.clock.advance(kSecond);
    return f.buffer->stats().pending == 0;
  });
  CHECK(f.rows("SELECT id FROM items") == Rows{"1"});
}

// Interleaving: none passes; the eighth row wakes the thread.
TEST_CASE("80 % full is flushed without waiting for the interval") {
  BufferFixture f("wbt_early", kItems, {.max_buffer_size = 10});
  REQUIRE(f.buffer->start().ok());
  for (int i = 0; i < 8; ++i) REQUIRE(upsert(*f.buffer, i, i).ok());
  wait_until([&] { return f.buffer->stats().total_flushed == 8; });
  CHECK(f.rows("SELECT count(*) FROM items") == Rows{"8"});
}

// Interleaving: producers wait for room while flushes fail over a lock, and go on once it is gone.
TEST_CASE(
    "P23: producers wait while the database is locked; pending stays bounded, nothing is lost") {
  BufferFixture f(
      "wbt_wait", kItems,
      {.max_buffer_size = 10, .retry = {.max_retries = 3, .initial_delay_ns = kSecond}});
  REQUIRE(f.buffer->start().ok());
  auto lock = std::make_unique<WriteLock>(f.database.path());
  constexpr int kThreads = 4;
  std::vector<std::thread> producers;
  std::atomic<int> failed{0};
  for (int thread = 0; thread < kThreads; ++thread) {
    producers.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) failed += !upsert(*f.buffer, thread * 10 + i, i).ok();
    });
  }
  // One of them may have had all the room, and be over.
  wait_until([&] {
    f.clock.advance(kSecond);
    const WriteBufferStats stats = f.buffer->stats();
    return stats.waits >= kThreads - 1 && stats.flush_failures >= 3;
  });
  CHECK(f.buffer->stats().pending == 10);
  CHECK(f.buffer->stats().total_flushed == 0);
  lock.reset();
  std::jthread time([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      f.clock.advance(kSecond);
      std::this_thread::yield();
    }
  });
  for (std::thread& producer : producers) producer.join();
  CHECK(f.buffer->stop().ok());
  CHECK(failed == 0);
  CHECK(f.rows("SELECT count(*) FROM items") == Rows{"40"});
  CHECK(f.buffer->stats().pending_high == 10);
}

// Interleaving: the time limit passes while the producer waits.
TEST_CASE("a producer that waits for room gives up when its time has passed") {
  BufferFixture f("wbt_time_out", kItems,
                  {.max_buffer_size = 1,
                   .when_full = WhenFull::kTimeOut,
                   .full_timeout_ns = 3 * kSecond,
                   .stop_timeout_ns = 0});
  const WriteLock lock(f.database.path());
  REQUIRE(f.buffer->start().ok());
  REQUIRE(upsert(*f.buffer, 1, 1).ok());
  std::atomic<bool> over{false};
  std::thread producer([&] {
    const auto done = upsert(*f.buffer, 2, 2);
    CHECK_FALSE(done.ok());
    CHECK(done.error().kind == DbError::Kind::kBusy);
    over = true;
  });
  wait_until([&] {
    f.clock.advance(kSecond / 10);
    return over.load();
  });
  producer.join();
  CHECK(f.buffer->stats().refusals == 1);
  CHECK(f.buffer->stats().waits == 1);
}

// Interleaving: stop comes while a producer waits for room that doesn't come.
TEST_CASE("a stop ends the waiting of producers") {
  BufferFixture f("wbt_stop", kItems, {.max_buffer_size = 1, .stop_timeout_ns = 0});
  {
    const WriteLock lock(f.database.path());
    REQUIRE(f.buffer->start().ok());
    REQUIRE(upsert(*f.buffer, 1, 1).ok());
    std::thread producer([&] {
      const auto done = upsert(*f.buffer, 2, 2);
      CHECK_FALSE(done.ok());
      CHECK(done.error().kind == DbError::Kind::kClosed);
    });
    wait_until([&] { return f.buffer->stats().waits == 1; });
    CHECK_FALSE(f.buffer->stop().ok());
    producer.join();
  }
  CHECK(f.buffer->stop().ok());
  CHECK(f.rows("SELECT id FROM items") == Rows{"1"});
}

// Interleaving: a flush stands within its transaction while calls for its rows come.
TEST_CASE("calls don't wait for a flush, and those for its rows go on top of them") {
  BufferFixture f("wbt_during", kItems);
  for (int i = 0; i < 100; ++i) REQUIRE(upsert(*f.buffer, i, 1).ok());
  std::latch inside(1), go_on(1);
  std::thread blocker([&] {
    const auto done = f.writer->execute_in_transaction([&](SqlSession&) {
      inside.count_down();
      go_on.wait();
    });
    CHECK(done.ok());
  });
  inside.wait();
  std::thread flusher([&] { CHECK(f.buffer->force_flush().ok()); });
  wait_until([&] { return f.writer->sink().detect("buffer.flush.start"); });
  for (int i = 0; i < 100; ++i) {
    REQUIRE(f.buffer->buffer_update("items", {{"id", i}, {"w", i}}, {"id"}).ok());
    const auto row = f.buffer->get_buffered_value("items", {{"id", i}});
    REQUIRE(row);
    CHECK(row->value("v")->int64() == 1);
    CHECK(row->value("w")->int64() == i);
  }
  CHECK(f.buffer->stats().pending == 100);
  go_on.count_down();
  flusher.join();
  blocker.join();
  // The flush wrote what it had; the updates are pending.
  CHECK(f.buffer->stats().pending == 100);
  CHECK(f.rows("SELECT count(*) FROM items WHERE v = 1 AND w IS NULL") == Rows{"100"});
  f.flush();
  CHECK(f.rows("SELECT count(*) FROM items WHERE v = 1 AND w = id") == Rows{"100"});
}

// Interleaving: producers, readers and flushes of two threads meet at random, on the same rows.
TEST_CASE("producers, readers and flushes meet: the last values win, and all are counted") {
  BufferFixture f("wbt_many", kItems, {.max_buffer_size = 64, .flush_batch_size = 8});
  REQUIRE(f.buffer->start().ok());
  constexpr int kThreads = 4, kKeys = 50, kRounds = 40;
  std::atomic<int> failed{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 1; round <= kRounds; ++round) {
        for (int key = 0; key < kKeys; ++key) {
          const std::int64_t id = thread * kKeys + key;
          failed += !upsert(*f.buffer, id, round).ok();
          // Read one's own write: pending, or in the database already.
          const auto row = f.buffer->get_buffered_value("items", {{"id", id}});
          if (row) failed += row->value("v")->int64() != round;
        }
      }
    });
  }
  std::thread flusher([&] {
    while (!over) failed += !f.buffer->force_flush().ok();
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  flusher.join();
  REQUIRE(f.buffer->stop().ok());
  CHECK(failed == 0);
  CHECK(f.rows("SELECT count(*) FROM items WHERE v = 40") ==
        Rows{std::to_string(kThreads * kKeys)});
  const WriteBufferStats stats = f.buffer->stats();
  CHECK(stats.pending == 0);
  CHECK(stats.pending_by_table.empty());
  CHECK(stats.total_buffered == kThreads * kKeys * kRounds);
  CHECK(stats.total_flushed + stats.total_coalesced == stats.total_buffered);
}

}  // namespace
}  // namespace mayfly
