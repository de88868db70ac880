// The nodes that signals steer, in whole graphs: what is raised anywhere is felt, and no row is
// lost or overtaken.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;
using Names = std::vector<std::string>;

void await(const Engine& engine, std::string_view signal) {
  while (!engine.signals().detect(signal)) std::this_thread::yield();
}

void await_written(const Engine& engine, std::uint64_t rows) {
  while (engine.stats().rows.answers[MAYFLY_WRITTEN] < rows) std::this_thread::yield();
}

void check_order(const Database& database, std::int64_t rows) {
  CHECK(database.integer("SELECT count(*) FROM t") == rows);
  CHECK(database.integer("SELECT count(*) FROM t WHERE id <> rowid - 1") == 0);
}

TEST_CASE(
    "rows wait while a signal is present in the sink, and a retraction lets them go on (P5)") {
  const Database database("aware");
  Pipeline p(database.path());
  const auto aware = p.node("aware", library("SIGNAL_AWARE"), {p.inlet()},
                            {{"defer_on", Names{"maintenance*"}},
                             {"max_defer", std::string("0s")},
                             {"check_interval", std::string("1ms")}});
  p.join_writer({Pipeline::port(aware)});
  const auto engine = open(p);
  engine->raise("maintenance:nightly");
  await(*engine, "rows.deferring");
  append(*engine, 500);
  while (counter(*engine, "deferred") < 500) std::this_thread::yield();
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 0);

  engine->signals().retract("maintenance:nightly");
  await_written(*engine, 500);
  close_balanced(*engine);
  check_order(database, 500);
}

TEST_CASE("backpressure reaches the producers: the pool empties, until it is taken back") {
  const Database database("pressure");
  Pipeline p(database.path());
  p.plan.batch_rows = 64;
  p.plan.batches = 16;
  const auto valve = p.node("valve", library("BACKPRESSURE"), {p.inlet()},
                            {{"check_interval", std::string("1ms")}});
  p.join_writer({Pipeline::port(valve)});
  const auto engine = open(p);
  engine->raise("backpressure.downstream");
  await(*engine, "backpressure-on");

  auto producer = engine->open_producer();
  REQUIRE(producer.ok());
  std::int64_t accepted = 0;
  while ((*producer)->try_append(accepted, "row") == Append::kAccepted) ++accepted;
  CHECK(accepted >= 64);
  CHECK(accepted <= 64 * 16);
  CHECK((*producer)->try_append(accepted, "row") == Append::kNoRoom);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 0);

  engine->signals().retract("backpressure.downstream");
  for (; accepted < 5000; ++accepted) {
    REQUIRE((*producer)->append(accepted, "row") == Append::kAccepted);
  }
  producer->reset();
  close_balanced(*engine);
  check_order(database, 5000);
}

TEST_CASE("what is on its way to the database never exceeds the high mark") {
  const Database database("mark");
  Pipeline p(database.path());
  const auto valve = p.node("valve", library("BACKPRESSURE"), {p.inlet()},
                            {{"high_rows", std::int64_t{100}}, {"low_rows", std::int64_t{20}}});
  // Counts for itself how many rows are beyond it, and would hold those past its own limit.
  const auto permits = p.node("permits", library("PERMITS"), {Pipeline::port(valve)},
                              {{"max", std::int64_t{100'000}}});
  p.join_writer({Pipeline::port(permits)});
  const auto engine = open(p);
  append(*engine, 20'000);
  close_balanced(*engine);
  CHECK(counter(*engine, "highest") <= 100);
  CHECK(counter(*engine, "highest") > 0);
  check_order(database, 20'000);
}

// Interleavings aimed at: signals that are raised and retracted while rows wait, while they are let
// go, and while the pipeline drains.
TEST_CASE(
    "whatever is raised while rows flow, the nodes it steers keep their order and lose none") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    const Database database("chaos_" + std::to_string(seed));
    Pipeline p(database.path());
    p.plan.batch_rows = 64;
    auto last = p.inlet();
    const auto add = [&](const std::string& name, const char* plugin,
                         std::vector<RawOption> options) {
      last = Pipeline::port(p.node(name, library(plugin), {last}, std::move(options)));
    };
    add("aware", "SIGNAL_AWARE",
        {{"defer_on", Names{"busy*"}},
         {"resume_on", Names{"free*"}},
         {"max_defer", std::string("3ms")},
         {"check_interval", std::string("1ms")}});
    add("rate", "ADAPTIVE_RATE",
        {{"rate", std::int64_t{1'000'000}},
         {"burst", std::int64_t{1000}},
         {"min_rate", std::int64_t{200'000}}});
    add("reads", "READS",
        {{"max_wait", std::string("3ms")}, {"check_interval", std::string("1ms")}});
    add("valve", "BACKPRESSURE",
        {{"high_rows", std::int64_t{500}},
         {"low_rows", std::int64_t{100}},
         {"high_bytes", std::string("16KiB")},
         {"check_interval", std::string("1ms")}});
    p.join_writer({last});
    const auto engine = open(p);

    std::atomic<bool> done{false};
    std::thread raiser([&] {
      Rng rng(seed);
      const Names names = {"busy",
                           "free",
                           "rate-limit:1ms",
                           "rate-limit",
                           "update.in-progress",
                           "update.done",
                           "backpressure.downstream"};
      while (!done.load()) {
        const std::string& name = names[rng.below(names.size())];
        // A plain rate-limit stops rows for a second.
        if (name != "rate-limit" || rng.below(1000) == 0) engine->raise(name);
        engine->signals().retract(names[rng.below(names.size())]);
        // Every node hears every raise: without these pauses the nodes would do little else, and
        // under a sanitizer the rows would come too late.
        for (std::uint64_t i = rng.below(10'000); i > 0; --i) std::this_thread::yield();
      }
      engine->signals().retract("backpressure.downstream");
    });
    append(*engine, 10'000);
    done.store(true);
    raiser.join();
    close_balanced(*engine);
    check_order(database, 10'000);
  }
}

}  // namespace
}  // namespace mayfly
