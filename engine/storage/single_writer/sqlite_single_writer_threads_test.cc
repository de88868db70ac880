// The single writer with many threads: who shares it, what waits, what is in the database at the
// end.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;
using Writer = std::shared_ptr<SqliteSingleWriter>;

Writer open(const std::string& database, const SingleWriterOptions& options = {}) {
  auto writer = SqliteSingleWriter::get_or_create(database, options);
  if (!writer.ok()) FAIL(writer.error().message);
  return *writer;
}

template <class Body>
void in_threads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

constexpr const char* kTable = "CREATE TABLE items(id INTEGER PRIMARY KEY, value UNIQUE)";

// Interleaving: others ask for it, or end one of theirs, while this one does within its turn.
TEST_CASE("single writer: one that is open is had from within a callback, whoever asks beside it") {
  testing::Database database("sw_within_race");
  const Writer writer = open(database.path());
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      while (!done) REQUIRE(SqliteSingleWriter::get_or_create(database.path()).ok());
    });
  }
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto asked = writer->execute_in_transaction([&](SqlSession&) -> DbResult<void> {
      refused += SqliteSingleWriter::get_or_create(database.path()).ok() ? 0 : 1;
      return {};
    });
    REQUIRE(asked.ok());
  }
  done = true;
  for (std::thread& other : others) other.join();
  CHECK(refused == 0);
}

// C192. Interleaving: eight threads ask for a database that nobody has open, all at once.
TEST_CASE("single writer: who asks at once gets the same, and one's release hurts nobody") {
  testing::Database database("sw_race");
  database.run(kTable);
  for (int round = 0; round < 20; ++round) {
    std::barrier together(8);
    std::vector<Writer> writers(8);
    std::atomic<int> failed{0};
    in_threads(8, [&](int i) {
      together.arrive_and_wait();
      const auto writer = SqliteSingleWriter::get_or_create(database.path());
      if (writer.ok()) writers[static_cast<std::size_t>(i)] = *writer;
      failed += !writer.ok();
      together.arrive_and_wait();
      // Half of them let go while the others write.
      if (i % 2 == 0) {
        writers[static_cast<std::size_t>(i)].reset();
      } else {
        failed += !(*writer)->write("INSERT INTO items(value) VALUES (?)", {8 * round + i}).ok();
      }
    });
    CHECK(failed.load() == 0);
    writers.erase(std::remove(writers.begin(), writers.end(), nullptr), writers.end());
    CHECK(std::all_of(writers.begin(), writers.end(),
                      [&](const Writer& writer) { return writer == writers.front(); }));
  }
  CHECK(database.integer("SELECT count(*) FROM items") == 80);
}

// Interleaving: the last holder's release, which posts are still waiting for, against callers who
// ask for the same database.
TEST_CASE("single writer: a database that is being closed is opened again when it is closed") {
  testing::Database database("sw_reopen");
  database.run(kTable);
  std::atomic<int> failed{0};
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      const auto writer = SqliteSingleWriter::get_or_create(database.path());
      if (!writer.ok()) {
        ++failed;
        continue;
      }
      const int value = 1000 * thread + i;
      failed +=
          !(*writer)
               ->write_async("INSERT INTO items(value) VALUES (?)", {value},
                             [&](const DbResult<std::int64_t>& done) { failed += !done.ok(); })
               .ok();
    }
  });
  CHECK(failed.load() == 0);
  open(database.path());  // behind the last one's end
  CHECK(database.integer("SELECT count(*) FROM items") == 200);
}

// C190. Interleaving: flush_writes() while posts of this thread and of others wait.
TEST_CASE("single writer: after flush_writes all that came before is committed") {
  testing::Database database("sw_flush");
  database.run(kTable);
  const Writer writer = open(database.path());
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      CHECK(writer->write_async("INSERT INTO items(value) VALUES (?)", {1000 * thread + i}, nullptr)
                .ok());
    }
    CHECK(writer->flush_writes().ok());
    const std::string mine = std::to_string(1000 * thread);
    CHECK(database.integer("SELECT count(*) FROM items WHERE value >= " + mine +
                           " AND value < 1000 + " + mine) == 50);
  });
}

// C191
TEST_CASE("single writer: what was posted is written when the last one lets go") {
  testing::Database database("sw_dispose");
  database.run(kTable);
  std::atomic<int> done{0};
  {
    const Writer writer = open(database.path());
    for (int i = 0; i < 500; ++i) {
      CHECK(writer
                ->write_async("INSERT INTO items(value) VALUES (?)", {i},
                              [&](const DbResult<std::int64_t>& result) { done += result.ok(); })
                .ok());
    }
  }
  CHECK(done.load() == 500);
  CHECK(database.integer("SELECT count(*) FROM items") == 500);
}

// Interleaving: writes of eight threads that share transactions, one in ten of which is refused.
TEST_CASE("single writer: of writes that share a transaction the bad ones fail alone") {
  testing::Database database("sw_alone");
  database.run(kTable);
  const Writer writer = open(database.path());
  std::atomic<int> refused{0};
  in_threads(8, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      const int value = i % 10 == 9 ? -1 : 1000 * thread + i;
      const auto result = writer->write("INSERT INTO items(value) VALUES (?)", {value});
      if (result.ok()) continue;
      CHECK(result.error().kind == Kind::kConstraint);
      ++refused;
    }
  });
  CHECK(refused.load() == 79);
  CHECK(database.integer("SELECT count(*) FROM items") == 721);
  CHECK(writer->stats().writes == 800);
}

// Interleaving: transactions of four threads among single writes of four others.
TEST_CASE("single writer: a transaction's function runs on its caller's thread, and alone") {
  testing::Database database("sw_alone_transaction");
  database.run("CREATE TABLE counter(n); INSERT INTO counter VALUES (0)");
  const Writer writer = open(database.path());
  std::atomic<int> wrong{0};
  in_threads(8, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      if (thread % 2 == 0) {
        wrong += !writer->write("UPDATE counter SET n = n + 1").ok();
        continue;
      }
      const auto caller = std::this_thread::get_id();
      const auto done = writer->execute_in_transaction([&](SqlSession& session) {
        wrong += std::this_thread::get_id() != caller;
        const auto before = session.scalar<int>("SELECT n FROM counter");
        return session.execute("UPDATE counter SET n = ?", {*before + 1});
      });
      wrong += !done.ok();
    }
  });
  CHECK(wrong.load() == 0);
  CHECK(database.integer("SELECT n FROM counter") == 400);
}

// Interleaving: readers that miss one key together while a writer invalidates it.
TEST_CASE(
    "single writer: no read gives what was there before an invalidation that it began after") {
  testing::Database database("sw_fresh");
  database.run("CREATE TABLE counter(n); INSERT INTO counter VALUES (0)");
  const Writer writer = open(database.path());
  std::atomic<std::int64_t> written{0};
  std::atomic<bool> over{false};
  std::atomic<int> stale{0};
  in_threads(4, [&](int thread) {
    if (thread == 0) {
      for (int i = 1; i <= 200; ++i) {
        CHECK(writer->write_and_invalidate("UPDATE counter SET n = ?", {i}, {"n"}).ok());
        written.store(i);
      }
      over.store(true);
      return;
    }
    while (!over.load()) {
      const std::int64_t least = written.load();
      const auto seen = writer->read<std::int64_t>("n", [](SqlSession& session) {
        return session.scalar<std::int64_t>("SELECT n FROM counter");
      });
      stale += !seen.ok() || *seen < least;
    }
  });
  CHECK(stale.load() == 0);
}

// Interleaving: sixteen threads miss a key that nobody has read.
TEST_CASE("single writer: of threads that miss a key together one reads") {
  testing::Database database("sw_flight");
  database.run(kTable);
  const Writer writer = open(database.path());
  std::atomic<int> ran{0};
  std::barrier together(16);
  in_threads(16, [&](int) {
    together.arrive_and_wait();
    const auto count = writer->read<std::int64_t>("count", [&](SqlSession& session) {
      ++ran;
      return session.scalar<std::int64_t>("SELECT count(*) FROM items");
    });
    CHECK(*count == 0);
  });
  CHECK(ran.load() == 1);
}

// Interleaving: one reads a key, and its reader waits for the turn of another, which reads that
// key.
TEST_CASE("single writer: a turn waits for no reader that waits for it") {
  testing::Database database("sw_turn_flight");
  database.run(kTable);
  const Writer writer = open(database.path());
  std::latch reading(1);
  std::latch within(1);
  std::thread reader([&] {
    const auto made = writer->read<std::int64_t>("count", [&](SqlSession& session) {
      reading.count_down();
      within.wait();
      // As one that makes what it doesn't find.
      CHECK(writer->write("INSERT INTO items(value) VALUES (1)").ok());
      return session.scalar<std::int64_t>("SELECT 7");
    });
    CHECK(*made == 7);
  });
  const auto done = writer->execute_in_transaction([&](SqlSession&) {
    within.count_down();
    reading.wait();
    const auto count = writer->read<std::int64_t>("count", [](SqlSession& session) {
      return session.scalar<std::int64_t>("SELECT count(*) FROM items");
    });
    CHECK(*count == 0);
  });
  CHECK(done.ok());
  reader.join();
  // What is kept is what was read outside of it; and within one that is given, too.
  CHECK(writer
            ->execute_in_transaction([&](SqlSession&) {
              const auto kept = writer->read<std::int64_t>("count", [](SqlSession&) { return 0; });
              CHECK(*kept == 7);
            })
            .ok());
}

TEST_CASE("single writer: readers within readers never wait for a connection") {
  testing::Database database("sw_nested");
  database.run(kTable);
  const Writer writer = open(database.path(), {.read_connections = 1});
  in_threads(4, [&](int) {
    const auto depth = writer->query([&](SqlSession&) {
      return writer->query([&](SqlSession& inner) { return inner.scalar<int>("SELECT 2"); });
    });
    CHECK(*depth == 2);
  });
}

// Interleaving: callbacks on the writing thread that post again, until there is no room.
TEST_CASE("single writer: a callback may post, and is refused where it would have to wait") {
  testing::Database database("sw_callback");
  database.run(kTable);
  const Writer writer = open(database.path(), {.queue_capacity = 1});
  std::atomic<int> refused{0};
  std::latch over(1);
  REQUIRE(writer
              ->write_async("INSERT INTO items(value) VALUES (1)", {},
                            [&](const DbResult<std::int64_t>&) {
                              // Its own place is given back behind it.
                              const Status posted =
                                  writer->write_async("DELETE FROM items", {}, nullptr);
                              refused += posted.code() == Code::kTryAgain;
                              CHECK_FALSE(writer->write("DELETE FROM items").ok());
                              over.count_down();
                            })
              .ok());
  over.wait();
  CHECK(refused.load() == 1);
  auto later = writer->write_async("INSERT INTO items(value) VALUES (2)");
  CHECK(*later.get() == 1);
  CHECK(writer->write_async("INSERT INTO items(value) VALUES (2)").get().error().kind ==
        Kind::kConstraint);
}

// Interleaving: the last holder lets go within a callback of the writer's own thread.
TEST_CASE("single writer: the last one may let go in a callback") {
  testing::Database database("sw_last");
  database.run(kTable);
  std::latch over(1);
  {
    auto held = std::make_shared<Writer>(open(database.path()));
    Writer& writer = *held;
    REQUIRE(writer
                ->write_async("INSERT INTO items(value) VALUES (1)", {},
                              [held, &over](const DbResult<std::int64_t>&) mutable {
                                held->reset();
                                over.count_down();
                              })
                .ok());
  }
  over.wait();
  open(database.path());  // behind the last one's end
  CHECK(database.integer("SELECT count(*) FROM items") == 1);
}

TEST_CASE("single writer: snapshots can be taken while others write") {
  testing::Database database("sw_snapshots");
  database.run(kTable);
  const Writer writer = open(database.path(), {.max_tracked_writes = 8});
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      if (thread != 0) {
        CHECK(writer->write("INSERT INTO items(value) VALUES (?)", {1000 * thread + i}).ok());
        continue;
      }
      std::uint64_t before = 0;
      for (const WriteSnapshot& one : writer->write_snapshot()) {
        CHECK(one.id > before);
        CHECK(one.rows == (one.state == WriteState::kCompleted ? 1 : 0));
        before = one.id;
      }
    }
  });
}

// Interleaving: reads begin at every moment of other threads' transactions. In memory each read
// would meet their lock.
TEST_CASE("single writer threads: in memory nobody meets a lock, be it reading") {
  const auto writer = *SqliteSingleWriter::get_or_create(
      "Data Source=swt_memory;Mode=Memory", {.cache_size_limit = 1, .busy_timeout_ns = 0});
  REQUIRE(writer->write("CREATE TABLE t(a)").ok());
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 300; ++i) {
        const auto count = [](SqlSession& session) {
          return session.scalar<std::int64_t>("SELECT count(*) FROM t");
        };
        if (thread < 2) {
          failures +=
              !writer->write_batch({{"INSERT INTO t VALUES (1)"}, {"INSERT INTO t VALUES (2)"}})
                   .ok();
          failures += !writer
                           ->write_async("DELETE FROM t WHERE a = 2", {},
                                         [&](const auto&) {
                                           // Within a turn, while others' reads of the same key
                                           // wait for one.
                                           failures += !writer->read<std::int64_t>("n", count).ok();
                                         })
                           .ok();
        } else {
          failures += !writer->query(count).ok();
          failures += !writer->read<std::int64_t>("n", count).ok();
          writer->invalidate_cache("n");
        }
      }
    });
  }
  for (std::thread& each : threads) each.join();
  REQUIRE(writer->flush_writes().ok());
  CHECK(failures == 0);
}

// Interleaving: a second caller waits for the first one's reader, which then fails.
TEST_CASE("single writer: a cached read that fails is the same error for all who waited for it") {
  testing::Database database("swt_failed_read");
  const Writer writer = open(database.path());
  std::latch reading(1);
  int ran = 0;
  const auto read = [&] {
    return writer->read<int>("key", [&](SqlSession&) {
      ++ran;
      reading.count_down();
      while (writer->stats().cache.waiting == 0) std::this_thread::yield();
      return DbResult<int>(DbError{.kind = DbError::Kind::kBusy, .code = 5, .message = "locked"});
    });
  };
  const auto check = [](const DbResult<int>& failed) {
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().kind == DbError::Kind::kBusy);
    CHECK(failed.error().code == 5);
    CHECK(failed.error().message == "locked");
  };
  std::thread first([&] { check(read()); });
  reading.wait();
  check(read());
  first.join();
  CHECK(ran == 1);
  // Nor is it kept.
  CHECK(*writer->read<int>("key", [](SqlSession&) { return 7; }) == 7);
}

}  // namespace
}  // namespace mayfly
