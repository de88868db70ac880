// Whole graphs of loaded plugins: what they hold, split, send round and give back, none is lost.
#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

TEST_CASE("six pass-through nodes keep the order of one producer") {
  const Database database("six");
  Pipeline p(database.path());
  Upstream last = p.inlet();
  for (int i = 0; i < 6; ++i) {
    last = Pipeline::port(p.node("pass_" + std::to_string(i), library("PASS"), {last}));
  }
  p.join_writer({last});
  const auto engine = open(p);
  append(*engine, 5000);
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 5000);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id <> rowid - 1") == 0);
}

TEST_CASE("rows held by tag leave in groups and in the order of their tag") {
  const Database database("tags");
  Pipeline p(database.path());
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{1000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto hold = p.node("hold", library("HOLD"), {source},
                           {{"tags", std::int64_t{7}}, {"group", std::int64_t{5}}});
  p.join_writer({Pipeline::port(hold)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == 1000);
  // Within a tag no row overtook another.
  CHECK(database.integer(
            "SELECT count(*) FROM (SELECT id, lag(id) OVER (PARTITION BY id % 7 ORDER BY "
            "rowid) AS before FROM t) WHERE id < before") == 0);
}

TEST_CASE("rows for an optional port that nobody takes are dropped, and counted") {
  const Database database("optional");
  Pipeline p(database.path());
  const auto spread = p.node("spread", library("SPREAD"), {p.inlet()});
  p.join_writer({Pipeline::port(spread, 0), Pipeline::port(spread, 2)});
  const auto engine = open(p);
  append(*engine, 1000);
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 500);
  CHECK(engine->stats().rows.answers[MAYFLY_DROPPED] == 500);
}

TEST_CASE("rows held until a due time leave when it comes, and at a drain none stays") {
  const Database database("due");
  Pipeline p(database.path());
  const auto hold = p.node("hold", library("HOLD"), {p.inlet()}, {{"delay", std::string("3ms")}});
  p.join_writer({Pipeline::port(hold)});
  const auto engine = open(p);
  append(*engine, 500);
  while (engine->stats().rows.answers[MAYFLY_WRITTEN] < 500) std::this_thread::yield();
  append(*engine, 500);
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 1000);
}

TEST_CASE("held rows are handed back at the drain's deadline, and the status says try again") {
  const Database database("deadline");
  Pipeline p(database.path());
  p.plan.drain_deadline_ns = 30 * kMillisecond;
  const auto hold = p.node("hold", library("HOLD"), {p.inlet()}, {{"delay", std::string("1h")}});
  p.join_writer({Pipeline::port(hold)});
  const auto engine = open(p);
  // Some come to be held during the drain.
  append(*engine, 100);
  const Status end = engine->close();
  CHECK(end.code() == Code::kTryAgain);
  CHECK(end.message().find("100 row(s) unanswered (hold holds 100 rows)") != std::string::npos);
  const ConservationCounts counts = engine->stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.answers[MAYFLY_HANDED_BACK] == 100);
}

TEST_CASE("a node that holds what it has just released is stopped, row by row") {
  const Database database("forget");
  Pipeline p(database.path());
  const auto hold = p.node("hold", library("HOLD"), {p.inlet()}, {{"forget", true}});
  p.join_writer({Pipeline::port(hold)});
  const auto engine = open(p);
  append(*engine, 10);
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters "
                         "WHERE node = 'hold' AND code = 'held_without_release'") == 10);
}

TEST_CASE("a signal lets held rows go") {
  const Database database("signal");
  Pipeline p(database.path());
  const auto hold =
      p.node("hold", library("HOLD"), {p.inlet()}, {{"group", std::int64_t{1000000}}});
  p.join_writer({Pipeline::port(hold)});
  const auto engine = open(p);
  append(*engine, 50);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 0);
  while (engine->stats().rows.answers[MAYFLY_WRITTEN] < 50) {
    engine->raise("hold.release:now");
    std::this_thread::yield();
  }
  close_balanced(*engine);
}

// Interleaving aimed at: both signals of a round, or the second alone, are raised while the driver
// looks at what the node listens to.
TEST_CASE(
    "a node hears each signal once, however many globs match it, and in the order of raises") {
  const Database database("hears");
  Pipeline p(database.path());
  const auto hears = p.node("hears", library("HEARS"), {p.inlet()},
                            {{"begun", std::vector<std::string>{"job.begun*", "job.b*:*"}},
                             {"ended", std::vector<std::string>{"job.ended*"}}});
  p.join_writer({Pipeline::port(hears)});
  const auto engine = open(p);
  for (std::uint64_t round = 1; round <= 300; ++round) {
    engine->raise("job.begun:" + std::to_string(round));
    engine->raise("job.ended:" + std::to_string(round));
    if (round % 3 != 0) continue;
    while (counter(*engine, "heard") < 2 * round) std::this_thread::yield();
  }
  CHECK(counter(*engine, "heard") == 600);
  CHECK(counter(*engine, "early") == 0);
  close_balanced(*engine);
}

TEST_CASE("a timer that a node sets in open comes due though no row ever comes") {
  const Database database("ticks");
  Pipeline p(database.path());
  const auto hears = p.node("hears", library("HEARS"), {p.inlet()}, {{"tick", std::string("1ms")}});
  p.join_writer({Pipeline::port(hears)});
  const auto engine = open(p);
  for (int i = 0; i < 1000 && counter(*engine, "ticks") < 3; ++i) engine->wait(10 * kMillisecond);
  CHECK(counter(*engine, "ticks") >= 3);
  close_balanced(*engine);
}

TEST_CASE("permits bound what is in flight beyond a node, and every permit comes back") {
  const Database database("permits");
  Pipeline p(database.path());
  const auto permits =
      p.node("permits", library("PERMITS"), {p.inlet()}, {{"max", std::int64_t{10}}});
  const auto pass = p.node("pass", library("PASS"), {Pipeline::port(permits)});
  p.join_writer({Pipeline::port(pass)});
  const auto engine = open(p);
  append(*engine, 2000);
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") <= 10);
  CHECK(counter(*engine, "taken") == 2000);
  CHECK(counter(*engine, "returned") == 2000);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id <> rowid - 1") == 0);
}

std::int64_t processor_time_ns(std::thread& thread) {
  clockid_t clock = 0;
  REQUIRE(pthread_getcpuclockid(thread.native_handle(), &clock) == 0);
  timespec time{};
  REQUIRE(clock_gettime(clock, &time) == 0);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// State aimed at: batches are free, but the memory for large rows is taken by a row that waits for
// the database. A producer that asked again and again would use up a processor meanwhile.
TEST_CASE(
    "a producer sleeps while the memory for large rows is taken, and goes on when it is back") {
  const Database database("large_rows");
  database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  Pipeline p(database.path());
  p.plan.max_row_bytes = 2 << 20;
  p.join_writer({p.inlet()});
  const auto engine = open(p);
  const std::string text(1800 << 10, 'x');
  std::thread second;
  {
    const testing::WriteLock lock(database.path());
    auto first = engine->open_producer();
    REQUIRE(first.ok());
    REQUIRE((*first)->append(1, text) == Append::kAccepted);
    (*first)->flush();
    CHECK((*first)->try_append(2, text) == Append::kNoRoom);
    std::atomic<bool> started{false};
    second = std::thread([&] {
      auto producer = engine->open_producer();
      REQUIRE(producer.ok());
      started = true;
      CHECK((*producer)->append(2, text) == Append::kAccepted);
    });
    while (!started) std::this_thread::yield();
    const std::int64_t before_ns = processor_time_ns(second);
    CHECK_FALSE(engine->wait(200 * kMillisecond));
    CHECK(processor_time_ns(second) - before_ns < 40 * kMillisecond);
    CHECK(engine->stats().rows.accepted == 1);
  }
  second.join();
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t WHERE length(name) = 1843200") == 2);
}

// The smallest pool there may be, rows that part one by one over every port, meet again, and go
// round writer.failed: nothing may stand still, get lost or come twice.
TEST_CASE(
    "rows that split over every port go round a cycle through an outage in the smallest pool") {
  const Database database("cycle");
  database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  Pipeline p(database.path());
  p.plan.batch_rows = 16;
  p.plan.writer.transient = WriterPlan::Transient::kRoute;
  p.plan.writer.unordered = true;
  p.plan.writer.initial_delay_ns = kMillisecond;
  const auto inlet = p.inlet();
  const auto again = p.node("again", library("AGAIN"), {Pipeline::writer_failed()});
  const auto spread = p.node("spread", library("SPREAD"), {inlet, Pipeline::port(again)});
  const auto permits = p.node("permits", library("PERMITS"), {Pipeline::port(spread, 0)},
                              {{"max", std::int64_t{5}}});
  const auto hold =
      p.node("hold", library("HOLD"), {Pipeline::port(spread, 1)}, {{"delay", std::string("1ms")}});
  const auto pass = p.node("pass", library("PASS"),
                           {Pipeline::port(spread, 2), Pipeline::port(spread, 3),
                            Pipeline::port(permits), Pipeline::port(hold)});
  p.join_writer({Pipeline::port(pass)});
  p.plan.batches = batches_min(p.plan);
  const auto engine = open(p);
  {
    const testing::WriteLock lock(database.path());
    auto producer = engine->open_producer();
    REQUIRE(producer.ok());
    int id = 0;
    while (id < 40) REQUIRE((*producer)->append(id++, "row") == Append::kAccepted);
    (*producer)->flush();
    while (counter(*engine, "rounds") < 30) std::this_thread::yield();
  }
  append(*engine, 3000);
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 3040);
  CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == 3000);
}

TEST_CASE("dropped and rejected rows are answered, counted and, if rejected, kept") {
  const Database database("drops");
  Pipeline p(database.path());
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{1000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto spread = p.node("spread", library("SPREAD"), {source},
                             {{"drop", std::int64_t{10}}, {"reject", std::int64_t{7}}});
  p.join_writer({Pipeline::port(spread, 0), Pipeline::port(spread, 1), Pipeline::port(spread, 2),
                 Pipeline::port(spread, 3)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  const ConservationCounts counts = engine->stats().rows;
  CHECK(counts.answers[MAYFLY_DROPPED] == 100);
  CHECK(counts.answers[MAYFLY_DEAD_LETTERED] == 1000 / 7 - 1000 / 70);
  CHECK(database.integer(
            "SELECT count(*) FROM mayfly_dead_letters WHERE node = 'spread' AND code = 'bad'") ==
        1000 / 7 - 1000 / 70);
  CHECK(database.integer("SELECT low FROM mayfly_offsets WHERE source = 'numbers'") == 1000);
}

TEST_CASE("a pipeline runs on one processor, whatever TBB's workers do") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  {
    const Database database("one_cpu");
    Pipeline p(database.path());
    const auto hold = p.node("hold", library("HOLD"), {p.inlet()}, {{"delay", std::string("1ms")}});
    const auto pass = p.node("pass", library("PASS"), {Pipeline::port(hold)});
    p.join_writer({Pipeline::port(pass)});
    const auto engine = open(p);
    append(*engine, 2000);
    close_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == 2000);
  }
  sched_setaffinity(0, sizeof before, &before);
}

// Interleavings aimed at: everything at once. Four producers, a graph that holds, bounds, drops and
// joins, an outage in the middle, and a drain while all of it goes on; shapes drawn from a seed.
TEST_CASE("random graphs under load answer every row exactly once") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const Database database("random_" + std::to_string(seed));
    database.run("CREATE TABLE t(id INTEGER, name TEXT)");
    Pipeline p(database.path());
    p.plan.batch_rows = static_cast<std::uint32_t>(8 + rng.below(64));
    std::vector<Upstream> open_ports = {p.inlet()};
    for (std::uint64_t n = 0, nodes = 1 + rng.below(6); n < nodes; ++n) {
      const auto at = static_cast<std::ptrdiff_t>(rng.below(open_ports.size()));
      const Upstream input = open_ports[static_cast<std::size_t>(at)];
      open_ports.erase(open_ports.begin() + at);
      const std::string name = "n" + std::to_string(n);
      std::uint32_t ports = 1;
      std::uint32_t node = 0;
      switch (rng.below(4)) {
        case 0:
          node = p.node(name, library("HOLD"), {input},
                        {{"tags", std::int64_t{3}}, {"group", std::int64_t{4}}});
          break;
        case 1:
          node = p.node(name, library("HOLD"), {input}, {{"delay", std::string("500us")}});
          break;
        case 2:
          node = p.node(name, library("PERMITS"), {input}, {{"max", std::int64_t{20}}});
          break;
        default:
          node = p.node(name, library("SPREAD"), {input}, {{"drop", std::int64_t{50}}});
          ports = 4;
      }
      for (std::uint32_t port = 0; port < ports; ++port)
        open_ports.push_back(Pipeline::port(node, port));
    }
    p.join_writer(open_ports);
    p.plan.batches = batches_min(p.plan) + static_cast<std::uint32_t>(rng.below(8));
    const auto engine = open(p);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        auto producer = engine->open_producer();
        REQUIRE(producer.ok());
        for (int i = 0; i < 1500 && (*producer)->append(i, "row") == Append::kAccepted; ++i) {
        }
      });
    }
    {
      while (engine->stats().rows.accepted < 200) std::this_thread::yield();
      const testing::WriteLock lock(database.path());
      std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    close_balanced(*engine);
    const ConservationCounts counts = engine->stats().rows;
    CHECK(counts.accepted == 6000);
    CHECK(static_cast<std::uint64_t>(database.integer("SELECT count(*) FROM t")) ==
          counts.answers[MAYFLY_WRITTEN]);
    CHECK(counts.answers[MAYFLY_WRITTEN] + counts.answers[MAYFLY_DROPPED] == 6000);
  }
}

}  // namespace
}  // namespace mayfly
