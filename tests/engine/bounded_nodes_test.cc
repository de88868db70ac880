// Nodes that bound the rows in flight beyond them, before a real writer.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

TEST_CASE(
    "fixed work: never more rows than its limit are beyond it, and all are written in order") {
  const Database database("fixed_work");
  Pipeline p(database.path());
  const auto work =
      p.node("work", library("FIXED_WORK"), {p.inlet()}, {{"limit", std::int64_t{10}}});
  const auto pass = p.node("pass", library("PASS"), {Pipeline::port(work)});
  p.join_writer({Pipeline::port(pass)});
  const auto engine = open(p);
  append(*engine, 2000);
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") == 10);
  CHECK(counter(*engine, "passed") == 2000);
  CHECK(counter(*engine, "answered") == 2000);
  CHECK(database.integer("SELECT count(*) FROM t") == 2000);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id <> rowid - 1") == 0);
}

// The attempts fail while another connection holds the lock: each failed row has to give its permit
// back before it stands in line again, or the last permit would be gone after ten of them.
TEST_CASE("fixed work: rows that go round writer.failed through an outage lose no permit") {
  const Database database("fixed_work_outage");
  database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  Pipeline p(database.path());
  p.plan.writer.transient = WriterPlan::Transient::kRoute;
  p.plan.writer.unordered = true;
  p.plan.writer.initial_delay_ns = kMillisecond;
  const auto inlet = p.inlet();
  const auto again = p.node("again", library("RETRY"), {Pipeline::writer_failed()},
                            {{"max_retries", std::int64_t{1000000}},
                             {"initial_delay", std::string("1ms")},
                             {"max_delay", std::string("2ms")}});
  const auto work = p.node("work", library("FIXED_WORK"), {inlet, Pipeline::port(again)},
                           {{"limit", std::int64_t{10}}});
  p.join_writer({Pipeline::port(work)});
  const auto engine = open(p);
  {
    const testing::WriteLock lock(database.path());
    auto producer = engine->open_producer();
    REQUIRE(producer.ok());
    for (int id = 0; id < 40; ++id) REQUIRE((*producer)->append(id, "row") == Append::kAccepted);
    (*producer)->flush();
    while (counter(*engine, "retries") < 30) std::this_thread::yield();
  }
  append(*engine, 1000);
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") == 10);
  CHECK(counter(*engine, "passed") == counter(*engine, "answered"));
  CHECK(database.integer("SELECT count(*) FROM t") == 1040);
}

// The failed rows go back to the writer behind the node, so they don't stand in line again: they
// are beyond it for as long as the outage lasts, and hold their permits.
TEST_CASE(
    "fixed work: rows that are tried again behind it keep their permits until they are written") {
  const Database database("fixed_work_behind");
  database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  Pipeline p(database.path());
  p.plan.writer.transient = WriterPlan::Transient::kRoute;
  p.plan.writer.unordered = true;
  p.plan.writer.initial_delay_ns = kMillisecond;
  const auto work =
      p.node("work", library("FIXED_WORK"), {p.inlet()}, {{"limit", std::int64_t{10}}});
  const auto again = p.node("again", library("RETRY"), {Pipeline::writer_failed()},
                            {{"max_retries", std::int64_t{1000000}},
                             {"initial_delay", std::string("1ms")},
                             {"max_delay", std::string("2ms")}});
  p.join_writer({Pipeline::port(work), Pipeline::port(again)});
  const auto engine = open(p);
  {
    const testing::WriteLock lock(database.path());
    append(*engine, 40);
    while (counter(*engine, "retries") < 30) std::this_thread::yield();
    CHECK(counter(*engine, "passed") == 10);
    CHECK(counter(*engine, "answered") == 0);
  }
  close_balanced(*engine);
  CHECK(counter(*engine, "passed") == 40);
  CHECK(counter(*engine, "answered") == 40);
  CHECK(database.integer("SELECT count(*) FROM t") == 40);
}

// Rows of 50 keys, the third of them of one: what waits is spread over many batches and tags.
TEST_CASE("keyed sequential: the rows of each key are written in order, and none is lost") {
  const Database database("keyed");
  Pipeline p(database.path());
  const auto keyed =
      p.node("keyed", library("KEYED_SEQUENTIAL"), {p.inlet()},
             {{"key", std::vector<std::string>{"name"}}, {"limit", std::int64_t{64}}});
  const auto pass = p.node("pass", library("PASS"), {Pipeline::port(keyed)});
  p.join_writer({Pipeline::port(pass)});
  const auto engine = open(p);
  {
    auto producer = engine->open_producer();
    REQUIRE(producer.ok());
    for (int id = 0; id < 3000; ++id) {
      const int key = id % 3 == 0 ? 0 : id % 50;
      REQUIRE((*producer)->append(id, "key" + std::to_string(key)) == Append::kAccepted);
    }
  }
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") <= 50);
  CHECK(counter(*engine, "passed") == 3000);
  CHECK(counter(*engine, "answered") == 3000);
  CHECK(database.integer("SELECT count(*) FROM t") == 3000);
  CHECK(database.integer("SELECT count(*) FROM (SELECT id, lag(id) OVER (PARTITION BY name ORDER "
                         "BY rowid) AS before FROM t) WHERE id < before") == 0);
}

TEST_CASE("keyed priority fan-out: priority rows overtake those that wait, and none is lost") {
  const Database database("priority");
  Pipeline p(database.path());
  const auto fanout = p.node("fanout", library("KEYED_PRIORITY_FANOUT"), {p.inlet()},
                             {{"key", std::vector<std::string>{"name"}},
                              {"priority_column", std::string("id")},
                              {"limit", std::int64_t{20}}});
  p.join_writer({Pipeline::port(fanout)});
  const auto engine = open(p);
  {
    auto producer = engine->open_producer();
    REQUIRE(producer.ok());
    // 1,900 normal rows of one batch after another, then 100 of priority.
    for (int row = 0; row < 2000; ++row) {
      const int id = row < 1900 ? 0 : 1;
      REQUIRE((*producer)->append(id, "key" + std::to_string(row)) == Append::kAccepted);
    }
  }
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") == 20);
  CHECK(counter(*engine, "priority") == 100);
  CHECK(database.integer("SELECT count(*) FROM t") == 2000);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id = 1") == 100);
}

TEST_CASE("dynamic concurrency: an engine's signals move the limit while rows flow") {
  const Database database("dynamic");
  Pipeline p(database.path());
  const auto paced = p.node(
      "paced", library("DYNAMIC_CONCURRENCY"), {p.inlet()},
      {{"min", std::int64_t{2}}, {"max", std::int64_t{16}}, {"cooldown", std::string("0s")}});
  p.join_writer({Pipeline::port(paced)});
  const auto engine = open(p);
  append(*engine, 200);
  for (const int raised : {1, 2, 3}) {
    engine->raise("load.high");
    while (counter(*engine, "raised") < static_cast<std::uint64_t>(raised)) {
      std::this_thread::yield();
    }
  }
  append(*engine, 2000);
  engine->raise("load.low");
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") <= 16);
  CHECK(counter(*engine, "highest") >= 2);
  CHECK(counter(*engine, "answered") == 2200);
  CHECK(database.integer("SELECT count(*) FROM t WHERE name = 'row'") == 2200);
}

// The drain begins while another connection holds the lock, so that the node is behind and most
// rows wait: where the original closed its second stage first and lost them.
TEST_CASE("reactive fan-out: a drain that begins under backpressure writes every row") {
  const Database database("reactive");
  database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  Pipeline p(database.path());
  p.plan.writer.initial_delay_ns = kMillisecond;
  const auto paced = p.node("paced", library("REACTIVE_FANOUT"), {p.inlet()},
                            {{"max", std::int64_t{50}},
                             {"min", std::int64_t{4}},
                             {"backpressure_threshold", std::int64_t{20}},
                             {"slow_after", std::string("5ms")},
                             {"adjust_cooldown", std::string("1ms")}});
  p.join_writer({Pipeline::port(paced)});
  const auto engine = open(p);
  std::thread closer;
  {
    const testing::WriteLock lock(database.path());
    append(*engine, 1000);
    while (counter(*engine, "drops") < 1) std::this_thread::yield();
    closer = std::thread([&] { close_balanced(*engine); });
    while (counter(*engine, "waited") < 950) std::this_thread::yield();
  }
  closer.join();
  CHECK(counter(*engine, "highest") <= 50);
  CHECK(counter(*engine, "passed") == 1000);
  CHECK(database.integer("SELECT count(*) FROM t") == 1000);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id <> rowid - 1") == 0);
}

}  // namespace
}  // namespace mayfly
