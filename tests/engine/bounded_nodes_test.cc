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

}  // namespace
}  // namespace mayfly
