// Signals that steer nodes, sources and whole pipelines, whatever the plugins do.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "mayfly/plugin/options.h"
#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

std::uint64_t answered(const Engine& engine, std::uint8_t outcome) {
  return engine.stats().rows.answers[outcome];
}

TEST_CASE("rows that come while a signal of cancel_on is present are dropped, and counted") {
  const Database database("cancel_on");
  Pipeline p(database.path());
  const auto node = p.node("gate", library("PASS"), {p.inlet()});
  p.plan.nodes[node].controls.cancel_on = {"stop.*"};
  p.join_writer({Pipeline::port(node)});
  const auto engine = open(p);
  engine->signals().raise("stop.now");
  append(*engine, 300);
  while (answered(*engine, MAYFLY_DROPPED) < 300) std::this_thread::yield();
  engine->signals().retract("stop.now");
  append(*engine, 200);
  close_balanced(*engine);
  CHECK(answered(*engine, MAYFLY_DROPPED) == 300);
  CHECK(database.integer("SELECT count(*) FROM t") == 200);
}

TEST_CASE("rows wait before a node while a signal of defer_on is present, and none is lost") {
  const Database database("defer_on");
  Pipeline p(database.path());
  const auto node = p.node("gate", library("PASS"), {p.inlet()});
  p.plan.nodes[node].controls.defer_on = {"backpressure.*"};
  p.plan.nodes[node].controls.resume_on = {"go.on"};
  p.join_writer({Pipeline::port(node)});
  const auto engine = open(p);
  SignalSink& signals = engine->signals();
  signals.raise("backpressure.downstream");
  append(*engine, 100);
  // Present, so nothing passes, however often the driver looks.
  for (int i = 0; i < 50; ++i) {
    signals.raise("tick");
    std::this_thread::yield();
    REQUIRE(answered(*engine, MAYFLY_WRITTEN) == 0);
  }
  SUBCASE("until it is retracted") { signals.retract("backpressure.downstream"); }
  SUBCASE("until another ends it") { signals.raise("go.on"); }
  SUBCASE("until the pipeline drains") {
    close_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == 100);
    return;
  }
  while (answered(*engine, MAYFLY_WRITTEN) < 100) std::this_thread::yield();
  close_balanced(*engine);
}

TEST_CASE("a source doesn't read while it is deferred, and stops when it is cancelled") {
  const Database database("source_control");
  Pipeline p(database.path());
  const auto source =
      p.source("numbers", library("GENERATE"),
               {{"rows", std::int64_t{0}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  p.plan.sources[0].controls = {.cancel_on = {"enough"}, .defer_on = {"wait"}, .resume_on = {}};
  p.join_writer({source});
  EngineOptions options;
  const auto engine = open(p, std::move(options));
  while (answered(*engine, MAYFLY_WRITTEN) == 0) std::this_thread::yield();
  engine->signals().raise("wait");
  // What was read before is answered; then there is nothing in flight for good.
  const auto settled = [&] { return engine->stats().rows.in_flight == 0; };
  while (!settled()) std::this_thread::yield();
  engine->signals().raise("enough");
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  const auto rows = database.integer("SELECT count(*) FROM t");
  CHECK(rows > 0);
  CHECK(database.integer("SELECT max(id) FROM t") == rows);
  CHECK(database.integer("SELECT low FROM mayfly_offsets") == rows);
}

TEST_CASE("a reaction pauses and resumes a node, and the later of two signals counts") {
  const Database database("reaction_pause");
  Pipeline p(database.path());
  const auto node = p.node("gate", library("PASS"), {p.inlet()});
  p.join_writer({Pipeline::port(node)});
  const Upstream target{Upstream::Kind::kNode, node, 0};
  p.plan.reactions = {
      {.on = "load.high*", .action = ReactionPlan::Action::kPause, .target = target},
      {.on = "load.low*", .action = ReactionPlan::Action::kResume, .target = target}};
  const auto engine = open(p);
  append(*engine, 10);
  while (answered(*engine, MAYFLY_WRITTEN) < 10) std::this_thread::yield();
  // Raised together: it stays open.
  engine->signals().raise("load.high:9");
  engine->signals().raise("load.low:1");
  append(*engine, 10);
  while (answered(*engine, MAYFLY_WRITTEN) < 20) std::this_thread::yield();
  close_balanced(*engine);
}

TEST_CASE("a reaction drains the pipeline") {
  const Database database("reaction_drain");
  Pipeline p(database.path());
  const auto source =
      p.source("numbers", library("GENERATE"),
               {{"rows", std::int64_t{0}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  p.join_writer({source});
  p.plan.reactions = {{.on = "operator.stop", .action = ReactionPlan::Action::kDrain}};
  EngineOptions options;
  const auto engine = open(p, std::move(options));
  engine->signals().raise("operator.stop");
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
}

TEST_CASE("a reaction sets an option while rows flow") {
  const Database database("reaction_set");
  Pipeline p(database.path());
  const auto node =
      p.node("breaker", library("BREAKER"), {p.inlet()}, {{"state", std::string("open")}});
  p.join_writer({Pipeline::port(node)});
  const OptionTable table(p.plan.nodes[node].plugin->plugin().options);
  auto closed = parse_runtime_option(table, {"state", std::string("closed")});
  REQUIRE(closed.ok());
  p.plan.reactions = {{.on = "database.back",
                       .action = ReactionPlan::Action::kSet,
                       .target = {Upstream::Kind::kNode, node, 0},
                       .option = closed->index,
                       .values = closed->values}};
  const auto engine = open(p);
  append(*engine, 50);
  REQUIRE(answered(*engine, MAYFLY_WRITTEN) == 0);
  engine->signals().raise("database.back");
  while (answered(*engine, MAYFLY_WRITTEN) < 50) std::this_thread::yield();
  close_balanced(*engine);
}

}  // namespace
}  // namespace mayfly
