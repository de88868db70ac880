#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

std::unique_ptr<NodeHarness> dynamic_node(std::int64_t min, std::int64_t max,
                                          std::vector<RawOption> options = {}) {
  options.push_back({"min", min});
  options.push_back({"max", max});
  return open_node("dynamic_concurrency", std::move(options));
}

std::uint64_t in_flight(const NodeHarness& node) {
  return node.counter("passed") - node.counter("answered");
}

TEST_CASE("dynamic concurrency: rises on load.high and comes down on load.low (C141)") {
  const auto node = dynamic_node(1, 4);
  node->push_rows(100);
  CHECK(in_flight(*node) == 1);
  node->signal("load.high");
  CHECK(in_flight(*node) == 2);
  node->advance(200 * kMillisecond);
  node->signal("load.high");
  CHECK(in_flight(*node) == 4);
  node->advance(200 * kMillisecond);
  node->signal("load.high");
  CHECK(in_flight(*node) == 4);
  // load.high is still present, and doesn't drive it back to its bound.
  node->signal("load.low");
  node->advance(2 * kSecond);
  node->complete(first(4), MAYFLY_WRITTEN);
  CHECK(in_flight(*node) == 2);
  CHECK(node->signals() ==
        Signals{"concurrency.limit:2", "concurrency.limit:4", "concurrency.limit:2"});
  CHECK(node->counter("raised") == 2);
  CHECK(node->counter("lowered") == 1);
}

TEST_CASE(
    "dynamic concurrency: scaling down has an effect under backlog, and no cycle leaks (P10)") {
  const auto node = dynamic_node(2, 8, {{"cooldown", std::string("0s")}});
  node->push_rows(500);
  std::uint64_t answered = 0;
  for (int cycle = 0; cycle < 4; ++cycle) {
    node->signal("load.high");
    node->signal("load.high");
    CHECK(in_flight(*node) == 8);
    node->signal("load.low");
    node->signal("load.low");
    CHECK(in_flight(*node) == 8);
    node->complete(first(8, answered), MAYFLY_WRITTEN);
    answered += 8;
    CHECK(in_flight(*node) == 2);
  }
  CHECK(node->counter("highest") == 8);
}

TEST_CASE("dynamic concurrency: what is asked for too soon is done later, and the newest counts") {
  const auto node = dynamic_node(1, 32, {{"cooldown", std::string("1s")}});
  node->push_rows(100);
  node->signal("load.high");
  node->signal("load.low");
  node->signal("load.high");
  CHECK(in_flight(*node) == 2);
  node->advance(kSecond - 1);
  CHECK(in_flight(*node) == 2);
  node->advance(1);
  CHECK(in_flight(*node) == 4);
  node->advance(3600 * kSecond);
  CHECK(in_flight(*node) == 4);
}

TEST_CASE("dynamic concurrency: other signals can be named") {
  const auto node = dynamic_node(1, 32,
                                 {{"up_on", Names{"queue.long*"}},
                                  {"down_on", Names{"write.busy*", "queue.short"}},
                                  {"cooldown", std::string("0s")}});
  node->push_rows(100);
  node->signal("load.high");
  CHECK(in_flight(*node) == 1);
  node->signal("queue.long:orders");
  CHECK(in_flight(*node) == 2);
  node->signal("write.busy:250ms");
  CHECK(node->signals().back() == "concurrency.limit:1");
}

TEST_CASE("dynamic concurrency: the limit can be set while rows flow, within its bounds") {
  const auto node = dynamic_node(2, 16, {{"limit", std::int64_t{4}}});
  node->push_rows(100);
  CHECK(in_flight(*node) == 4);
  REQUIRE(node->set_option({"limit", std::int64_t{100}}).ok());
  CHECK(in_flight(*node) == 16);
  REQUIRE(node->set_option({"limit", std::int64_t{0}}).ok());
  CHECK(node->signals() == Signals{"concurrency.limit:16"});
  // Signals go on from there.
  node->signal("load.low");
  node->complete(first(16), MAYFLY_WRITTEN);
  CHECK(in_flight(*node) == 8);
}

TEST_CASE("dynamic concurrency: rows keep their order, and draining loses none") {
  const auto node = dynamic_node(1, 4);
  node->push_rows(20);
  node->push_rows(20);
  std::uint64_t answered = 0;
  while (node->drain() > 0) {
    if (answered == 10) node->signal("load.high");
    node->complete(Ordinals{answered++}, MAYFLY_WRITTEN);
  }
  CHECK(node->port(0) == first(40));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("dynamic concurrency: bounds that cross, and a limit of less than one, are refused") {
  const auto crossed =
      try_node("dynamic_concurrency", {{"min", std::int64_t{9}}, {"max", std::int64_t{8}}});
  REQUIRE_FALSE(crossed.ok());
  CHECK(crossed.status().message() ==
        "min: expected at most max (8), found 9; give both, or a lower min");
  CHECK_FALSE(try_node("dynamic_concurrency", {{"min", std::int64_t{0}}}).ok());
  CHECK_FALSE(try_node("dynamic_concurrency", {{"up_on", Names{}}}).ok());
  CHECK_FALSE(try_node("dynamic_concurrency", {{"limit", std::int64_t{-1}}}).ok());
  const auto node = dynamic_node(1, 2);
  CHECK_FALSE(node->set_option({"min", std::int64_t{2}}).ok());
}

}  // namespace
}  // namespace mayfly
