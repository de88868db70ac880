// The window with many threads: who raises while it is flushed, and what is in the table then.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Window = std::unique_ptr<PersistentSignalWindow>;

Window open(const std::string& database, const PersistentWindowOptions& options) {
  auto window = PersistentSignalWindow::open(database, options);
  if (!window.ok()) FAIL(window.error().message);
  return std::move(*window);
}

template <class Body>
void in_threads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

// How many of a thread's signals aren't behind the one it raised before.
constexpr const char* kDisorder =
    "SELECT count(*) FROM (SELECT operation_id AS number, lag(operation_id, 1, 0) OVER "
    "(PARTITION BY key ORDER BY id) AS before FROM signals) WHERE number <> before + 1";

// Interleaving: four threads raise, by the window and by its sink, while one flushes without a
// pause, so that parts are emptied in the middle of a thread's raises.
TEST_CASE("persistent window: each thread's signals are there once, in its order") {
  testing::Database database("pwt_order");
  constexpr int kThreads = 4;
  constexpr int kEach = 3'000;
  const Window window = open(database.path(), {.max_signals_per_flush = 64});
  std::atomic<int> raising{kThreads};
  std::atomic<int> failed{0};
  in_threads(kThreads + 1, [&](int thread) {
    if (thread == kThreads) {
      while (raising.load() > 0) failed += !window->flush().ok();
      return;
    }
    const std::string key = "thread-" + std::to_string(thread);
    for (int i = 1; i <= kEach; ++i) {
      window->raise(WindowSignal("step", key, static_cast<OperationId>(i)));
    }
    --raising;
  });
  REQUIRE(window->flush().ok());

  CHECK(failed.load() == 0);
  CHECK(database.integer("SELECT count(*) FROM signals") == kThreads * kEach);
  CHECK(database.integer("SELECT max(id) FROM signals") == kThreads * kEach);
  CHECK(database.integer(kDisorder) == 0);
  CHECK(window->stats().total_raised == kThreads * kEach);
  CHECK(window->stats().dropped == 0);
}

// Interleaving: each thread asks whether its own signal is on disk as soon as its flush returns,
// while the others' flushes are under way: a round that began before its raise must not answer it.
TEST_CASE("persistent window: a flush answers for what its caller raised before") {
  testing::Database database("pwt_ack");
  const Window window = open(database.path(), {.flush_interval_ns = kNever});
  auto writer = SqliteSingleWriter::get_or_create(database.path());
  REQUIRE(writer.ok());
  std::atomic<int> missing{0};
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 60; ++i) {
      const std::string name = std::to_string(thread) + "." + std::to_string(i);
      window->raise(name);
      if (!window->flush().ok()) ++missing;
      const auto there = (*writer)->query([&](SqlSession& session) {
        return session.scalar<std::int64_t>("SELECT count(*) FROM signals WHERE signal = ?",
                                            {name});
      });
      if (!there.ok() || *there != 1) ++missing;
    }
  });
  CHECK(missing.load() == 0);
}

// Interleaving: threads sense, count and load while others raise with keys and the window flushes.
TEST_CASE("persistent window: queries while others raise see keys that belong to their signals") {
  testing::Database database("pwt_queries");
  Window window = open(database.path(), {.flush_interval_ns = kMillisecond});
  for (int i = 0; i < 50; ++i) window->raise("old", "old");
  window.reset();
  window = open(database.path(), {.flush_interval_ns = kMillisecond, .max_window_size = 200});
  std::atomic<int> raising{2};
  std::atomic<int> wrong{0};
  in_threads(4, [&](int thread) {
    if (thread < 2) {
      const std::string name = "name." + std::to_string(thread);
      for (int i = 0; i < 2'000; ++i) window->raise(name, name);
      --raising;
      return;
    }
    while (raising.load() > 0) {
      wrong += !window->load_from_disk().ok();
      for (const WindowSignal& signal : window->sense("name.*")) {
        // A key may be on its way; another's it never is.
        wrong += signal.key.has_value() && *signal.key != signal.name;
      }
      wrong += window->sense("old").size() > 50;
      wrong += window->stats().dropped > 0;
    }
  });
  CHECK(wrong.load() == 0);
}

// Interleaving: raises go on while the window is closed: none is half captured, and what was
// captured is written.
TEST_CASE("persistent window: what is captured when it is closed is written") {
  for (int round = 0; round < 20; ++round) {
    testing::Database database("pwt_close");
    const Window window = open(database.path(), {});
    std::barrier together(3);
    std::atomic<bool> closed{false};
    in_threads(3, [&](int thread) {
      together.arrive_and_wait();
      if (thread == 2) {
        window->raise("mine");
        if (!window->close().ok()) FAIL("not closed");
        closed = true;
        return;
      }
      for (int i = 0; i < 500 || !closed.load(); ++i) window->raise("theirs");
    });
    const WindowStats stats = window->stats();
    CHECK(stats.pending == 0);
    CHECK(database.integer("SELECT count(*) FROM signals") ==
          static_cast<std::int64_t>(stats.total_raised));
    CHECK(database.integer("SELECT count(*) FROM signals WHERE signal = 'mine'") == 1);
  }
}

// More threads than parts, and than the sink has shards.
TEST_CASE("persistent window: threads that share a part keep their orders") {
  testing::Database database("pwt_many");
  const Window window = open(database.path(), {});
  std::barrier together(80);
  in_threads(80, [&](int thread) {
    together.arrive_and_wait();
    const std::string key = "thread-" + std::to_string(thread);
    for (int i = 1; i <= 50; ++i) {
      window->raise(WindowSignal("step", key, static_cast<OperationId>(i)));
    }
  });
  REQUIRE(window->flush().ok());
  CHECK(database.integer("SELECT count(*) FROM signals") == 4'000);
  CHECK(database.integer(kDisorder) == 0);
}

}  // namespace
}  // namespace mayfly
