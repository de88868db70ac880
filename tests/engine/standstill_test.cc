// Pipelines that could come to stand still: rows that are made, held and counted against each other
// in a pool that is too small for all of them, down to the smallest that there may be. Every one of
// these ends, with every row written once.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;
using Names = std::vector<std::string>;

constexpr std::int64_t kRows = 4000;

Upstream numbers(Pipeline& p) {
  return p.source("numbers", library("GENERATE"),
                  {{"rows", kRows}, {"columns", Names{"id:sequence"}}});
}

Upstream map(Pipeline& p, const std::string& name, Upstream input) {
  return Pipeline::port(p.node(name, library("MAP"), {input}, {{"columns", Names{"id"}}}));
}

Upstream group(Pipeline& p, Upstream input) {
  return Pipeline::port(p.node("group", library("BATCH"), {input},
                               {{"rows", std::int64_t{1500}}, {"timeout", std::string("24h")}}));
}

Upstream one_in_a_hundred(Pipeline& p, Upstream input) {
  return Pipeline::port(
      p.node("few", library("FILTER"), {input}, {{"where", std::string("id % 100 = 0")}}));
}

// In pools from the smallest on; batches of 64 rows.
template <class Build>
void runs_to_its_end(const std::string& name, std::int64_t rows, Build build) {
  for (const std::uint32_t more : {0, 1, 5, 40}) {
    CAPTURE(more);
    const Database database(name + std::to_string(more));
    Pipeline p(database.path());
    p.plan.batch_rows = 64;
    build(p);
    p.plan.batches = batches_min(p.plan) + more;
    const auto engine = open(p);
    while (!engine->wait(kSecond)) {
    }
    close_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == rows);
    CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == rows);
  }
}

// Interleaving aimed at: the first node has made rows in every batch there is before the second one
// has had any.
TEST_CASE("nodes that make rows one behind another don't take each other's batches") {
  runs_to_its_end("maps", kRows, [](Pipeline& p) {
    p.join_writer({map(p, "third", map(p, "second", map(p, "first", numbers(p))))});
  });
}

TEST_CASE("groups of more rows than there is room for go as they are") {
  runs_to_its_end("groups", kRows, [](Pipeline& p) { p.join_writer({group(p, numbers(p))}); });
}

TEST_CASE("groups of rows that a node made go as they are, where it has no room for more") {
  runs_to_its_end("made_groups", kRows, [](Pipeline& p) {
    p.join_writer({map(p, "last", group(p, map(p, "first", numbers(p))))});
  });
}

// Of each batch that comes in a row or none is held: they are put together again and again.
TEST_CASE("few rows of many batches wait together for a large group") {
  runs_to_its_end("few", kRows / 100,
                  [](Pipeline& p) { p.join_writer({group(p, one_in_a_hundred(p, numbers(p)))}); });
}

// What rows were made from can't be put together: it waits for them where it is.
TEST_CASE("few rows of many batches, from which others are made, wait for a large group") {
  runs_to_its_end("few_made", kRows / 100, [](Pipeline& p) {
    p.join_writer({group(p, map(p, "copy", one_in_a_hundred(p, numbers(p))))});
  });
}

struct Routed {
  explicit Routed(const std::string& name) : database(name), p(database.path()) {
    database.run("CREATE TABLE t(id INTEGER, name TEXT)");
    p.plan.writer.transient = WriterPlan::Transient::kRoute;
    p.plan.writer.unordered = true;
    p.plan.writer.initial_delay_ns = kMillisecond;
  }
  // Holds all rows from their first failure on.
  std::uint32_t retry() {
    return p.node("again", library("RETRY"), {Pipeline::writer_failed()},
                  {{"max_retries", std::int64_t{0}}, {"max_delay", std::string("2ms")}});
  }

  Database database;
  Pipeline p;
};

TEST_CASE("an outage after which all rows are out of attempts is gone on from by itself") {
  Routed r("outage");
  r.p.plan.batch_rows = 64;
  r.p.plan.batches = 16;
  const auto again = r.retry();
  r.p.join_writer({r.p.inlet(), Pipeline::port(again)});
  const auto engine = open(r.p);
  auto lock = std::make_unique<WriteLock>(r.database.path());
  std::jthread producer([&] { append(*engine, kRows); });
  while (!engine->signals().detect("pool.stalled")) std::this_thread::yield();
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 0);
  lock.reset();
  producer.join();
  while (engine->stats().rows.answers[MAYFLY_WRITTEN] < kRows) std::this_thread::yield();
  CHECK(counter(*engine, "exhausted") > 0);
  close_balanced(*engine);
  CHECK(r.database.integer("SELECT count(DISTINCT id) FROM t") == kRows);
}

// The permits are out with rows that a node behind is only asked to let go once nothing waits for
// permits any more.
TEST_CASE("a drain asks those behind, too, when what comes first waits for what they hold") {
  Routed r("permits_held");
  const auto work =
      r.p.node("work", library("FIXED_WORK"), {r.p.inlet()}, {{"limit", std::int64_t{10}}});
  const auto again = r.retry();
  r.p.join_writer({Pipeline::port(work), Pipeline::port(again)});
  const auto engine = open(r.p);
  {
    const WriteLock lock(r.database.path());
    append(*engine, 40);
    while (counter(*engine, "exhausted") < 10) std::this_thread::yield();
  }
  close_balanced(*engine);
  CHECK(r.database.integer("SELECT count(DISTINCT id) FROM t") == 40);
}

}  // namespace
}  // namespace mayfly
