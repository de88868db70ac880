// The log database with many threads: what is taken is stored, once, whoever stops, flushes or
// reads meanwhile.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/log_database/log_database.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Logs = std::shared_ptr<LogDatabase>;

Logs open(const LogDatabaseOptions& options) {
  auto logs = LogDatabase::open(options);
  if (!logs.ok()) FAIL(logs.error().message);
  return *logs;
}

template <class Body>
void in_threads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

// C217. Interleaving: four threads' claims beside each other, while the storing thread takes them.
TEST_CASE("C217: what several plain threads log with fields is all stored, with the fields") {
  testing::Database database("lt_fields");
  const Logs logs = open({.db_path = database.path()});
  constexpr int kEach = 1000;
  in_threads(4, [&](int thread) {
    const std::string logger = "thread " + std::to_string(thread);
    for (int i = 0; i < kEach; ++i) {
      logs->log(LogLevel::kInfo, logger, "message", {{"thread", thread}, {"i", i}});
    }
  });
  CHECK(logs->flush().ok());
  CHECK(logs->stats().dropped == 0);
  CHECK(database.integer("SELECT count(*) FROM logs") == 4 * kEach);
  CHECK(database.integer("SELECT count(DISTINCT extra_data) FROM logs WHERE logger_name = "
                         "'thread ' || json_extract(extra_data, '$.thread')") == 4 * kEach);
  // Each thread's in its order.
  CHECK(database.integer("SELECT count(*) FROM (SELECT json_extract(extra_data, '$.i') AS i, "
                         "row_number() OVER (PARTITION BY logger_name ORDER BY id) - 1 AS n "
                         "FROM logs) WHERE i <> n") == 0);
}

// Interleaving: stop() closes the ring between other threads' claims and their ends.
TEST_CASE("log: what was taken while it was being stopped is stored, what wasn't is counted") {
  testing::Database database("lt_stop");
  std::uint64_t expected = 0;
  for (int round = 0; round < 20; ++round) {
    const Logs logs = open({.db_path = database.path()});
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> refused{0};
    std::barrier together(4);
    in_threads(4, [&](int thread) {
      together.arrive_and_wait();
      if (thread == 3) {
        CHECK(logs->stop().ok());
        return;
      }
      for (int i = 0; i < 300; ++i) {
        (logs->log(LogLevel::kInfo, "test", "racing", {{"i", i}}) ? taken : refused) += 1;
      }
    });
    CHECK(logs->stats().pending_count == 0);
    CHECK(logs->stats().dropped == refused.load());
    expected += taken.load();
    CHECK(database.integer("SELECT count(*) FROM logs") == static_cast<std::int64_t>(expected));
  }
}

// Interleaving: flushes of several threads ask while one is being answered; readers and figures
// beside them; a small ring is full again and again.
TEST_CASE("log: flushing, reading, cleaning and logging go on side by side") {
  testing::Database database("lt_side");
  const Logs logs = open({.db_path = database.path(), .max_batch_size = 10, .capacity = 64});
  std::atomic<std::uint64_t> taken{0};
  in_threads(6, [&](int thread) {
    for (int i = 0; i < 150; ++i) {
      if (thread < 3) {
        taken += logs->log(LogLevel::kInfo, "test", std::to_string(i));
        if (i % 30 == 0) CHECK(logs->flush().ok());
      } else if (thread == 3) {
        if (i % 5 == 0) CHECK(logs->recent_logs({}, 10)->size() <= 10);
      } else if (thread == 4) {
        const LogStats stats = logs->stats();
        CHECK(stats.pending_count <= 64);
        CHECK(stats.stored <= stats.total_logged);
      } else if (i % 30 == 0) {
        CHECK(*logs->cleanup_old_logs() == 0);
      }
    }
  });
  CHECK(logs->flush().ok());
  CHECK(database.integer("SELECT count(*) FROM logs") == static_cast<std::int64_t>(taken.load()));
  CHECK(logs->stats().total_logged == taken.load());
}

// Interleaving: flush() waits while another thread stops.
TEST_CASE("log: a flush that waits while it is stopped returns") {
  testing::Database database("lt_flush_stop");
  for (int round = 0; round < 20; ++round) {
    const Logs logs = open({.db_path = database.path()});
    std::barrier together(3);
    in_threads(3, [&](int thread) {
      logs->log(LogLevel::kInfo, "test", "m");
      together.arrive_and_wait();
      CHECK((thread == 0 ? logs->stop() : logs->flush()).ok());
    });
  }
  CHECK(database.integer("SELECT count(*) FROM logs") == 60);
}

// Interleaving: signals are raised by many threads while the log that records them ends, and its
// own records raise signals in the same sink.
TEST_CASE("log: signals become records from many threads, until the log ends") {
  testing::Database database("lt_signals");
  const SystemClock clock;
  SignalSink sink(clock);
  for (int round = 0; round < 10; ++round) {
    Logs logs = open({.db_path = database.path(), .clock = &clock, .signals = &sink});
    REQUIRE(logs->record_signals(sink, "*", LogLevel::kError).ok());
    std::barrier together(4);
    in_threads(4, [&](int thread) {
      together.arrive_and_wait();
      if (thread == 3) {
        logs.reset();
        return;
      }
      for (int i = 0; i < 100; ++i) sink.raise("work.done:" + std::to_string(i));
    });
  }
  CHECK(database.integer("SELECT count(*) FROM logs") <= 3000);
  CHECK(database.integer("SELECT count(*) FROM logs WHERE message NOT LIKE 'work.done:%'") == 0);
}

}  // namespace
}  // namespace mayfly
