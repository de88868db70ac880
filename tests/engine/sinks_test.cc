// Sinks in whole graphs: rows leave by a thread of the plugin's own, are answered when they were
// taken, and come again when they weren't.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

std::vector<RawOption> rows(std::int64_t count) {
  return {{"rows", count}, {"columns", std::vector<std::string>{"id:sequence"}}};
}

void run(Engine& engine) {
  while (!engine.wait(kSecond)) {
  }
}

// Interleaving aimed at: the thread wakes the node while it is active, while it sleeps, and while
// the drain asks whether it is empty.
TEST_CASE("a sink takes rows by its own thread, and each is answered as consumed") {
  const Database database("sink");
  Pipeline p(database.path());
  const auto source = p.source("numbers", library("GENERATE"), rows(20'000));
  const auto sink = p.node("sink", library("TAKES"), {source});
  const auto pass = p.node("pass", library("PASS"), {Pipeline::port(sink)});
  p.join_writer({Pipeline::port(pass)});
  const auto engine = open(p);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == 20'000);
  CHECK(counter(*engine, "taken") == 20'000);
  CHECK(counter(*engine, "seen") == 20'000);
  CHECK(database.integer("SELECT low FROM mayfly_offsets WHERE source = 'numbers'") == 20'000);
}

TEST_CASE("what a sink couldn't deliver comes round again, and gives its permits back meanwhile") {
  const Database database("sink_again");
  Pipeline p(database.path());
  const auto source = p.source("numbers", library("GENERATE"), rows(5'000));
  // The permits are fewer than the rows that fail: were they kept, nothing would go on.
  const auto bound = p.node("bound", library("FIXED_WORK"), {source}, {{"limit", std::int64_t{8}}});
  const auto sink = p.node("sink", library("TAKES"), {}, {{"failing", std::int64_t{50}}});
  const auto retry = p.node("retry", library("RETRY"), {Pipeline::port(sink)},
                            {{"initial_delay", std::string("1ms")}});
  p.plan.nodes[bound].inputs.push_back(Pipeline::port(retry));
  p.plan.nodes[sink].inputs.push_back(Pipeline::port(bound));
  p.join_writer({p.source("others", library("GENERATE"), rows(10))});
  const auto engine = open(p);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == 5'000);
  CHECK(counter(*engine, "taken") == 5'000);
  CHECK(counter(*engine, "failed") == 2'500);
}

TEST_CASE("where nobody takes a sink's failed port, its rows are dead letters with its reason") {
  const Database database("sink_dead");
  Pipeline p(database.path());
  const auto source = p.source("numbers", library("GENERATE"), rows(1'000));
  const auto other = p.source("others", library("GENERATE"), rows(10));
  const auto sink = p.node("sink", library("TAKES"), {source}, {{"failing", std::int64_t{3}}});
  static_cast<void>(sink);
  p.join_writer({other});
  const auto engine = open(p);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == 970);
  CHECK(engine->stats().rows.answers[MAYFLY_DEAD_LETTERED] == 30);
  CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE code = 'not_taken'") ==
        30);
}

}  // namespace
}  // namespace mayfly
