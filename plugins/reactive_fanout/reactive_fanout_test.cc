#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

struct Limits {
  std::int64_t max = 8;
  std::int64_t min = 1;
  std::int64_t backpressure = 3;
  std::int64_t relief = 1;
  std::string slow_after = "0s";
  std::string cooldown = "0s";
};

std::vector<RawOption> options_of(const Limits& limits) {
  return {{"max", limits.max},
          {"min", limits.min},
          {"backpressure_threshold", limits.backpressure},
          {"relief_threshold", limits.relief},
          {"slow_after", limits.slow_after},
          {"adjust_cooldown", limits.cooldown}};
}

std::unique_ptr<NodeHarness> reactive_node(const Limits& limits) {
  return open_node("reactive_fanout", options_of(limits));
}

std::uint64_t in_flight(const NodeHarness& node) {
  return node.counter("passed") - node.counter("answered");
}

TEST_CASE("reactive fan-out: throttles on backpressure and recovers, and no row is lost (C142)") {
  const auto node = reactive_node({});
  node->push_rows(30);
  // Eight passed at once, and three would have been too many.
  CHECK(node->signals() == Signals{"stage2.backpressure"});
  for (std::uint64_t row = 0; row < 6; ++row) {
    node->complete(Ordinals{row}, MAYFLY_WRITTEN);
    CHECK(in_flight(*node) == 7 - row);
  }
  // One is left: relief, and the next eight pass.
  node->complete(Ordinals{6}, MAYFLY_WRITTEN);
  CHECK(node->signals() ==
        Signals{"stage2.backpressure", "-stage2.backpressure", "stage2.backpressure"});
  CHECK(in_flight(*node) == 8);

  std::uint64_t answered = 7;
  while (answered < node->passed().size()) node->complete(Ordinals{answered++}, MAYFLY_WRITTEN);
  CHECK(answered == 30);
  CHECK(node->signals().back() == "-stage2.backpressure");
  // Two more, and the limit is max again.
  node->push_rows(2);
  CHECK(in_flight(*node) == 2);
  CHECK(node->counter("drops") == node->counter("reliefs"));
  CHECK(node->port(0) == first(32));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("reactive fan-out: while it is behind no more than min are in flight") {
  const auto node = reactive_node({.max = 8,
                                   .min = 4,
                                   .backpressure = 6,
                                   .relief = 2,
                                   .slow_after = "100ms",
                                   .cooldown = "0s"});
  node->push_rows(100);
  CHECK(in_flight(*node) == 8);
  CHECK(node->counter("drops") == 0);
  node->advance(120 * kMillisecond);
  CHECK(node->counter("drops") == 1);
  node->complete(first(4), MAYFLY_WRITTEN);
  CHECK(in_flight(*node) == 4);
  // Each takes long.
  for (std::uint64_t row = 4; row < 20; ++row) {
    node->advance(200 * kMillisecond);
    node->complete(Ordinals{row}, MAYFLY_WRITTEN);
    CHECK(in_flight(*node) == 4);
  }
  CHECK(node->counter("reliefs") == 0);
  // Now they are quick: the overdue ones are answered, and those behind them don't get old.
  node->complete(first(4, 20), MAYFLY_WRITTEN);
  CHECK(node->counter("reliefs") == 1);
  CHECK(in_flight(*node) == 8);
}

TEST_CASE("reactive fan-out: what is behind it can be quick and always busy without a drop") {
  const auto node = reactive_node({.max = 8,
                                   .min = 1,
                                   .backpressure = 4,
                                   .relief = 1,
                                   .slow_after = "100ms",
                                   .cooldown = "0s"});
  node->push_rows(800);
  for (std::uint64_t answered = 0; answered < 796; answered += 4) {
    CHECK(in_flight(*node) >= 4);
    node->advance(20 * kMillisecond);
    node->complete(first(4, answered), MAYFLY_WRITTEN);
  }
  CHECK(node->counter("drops") == 0);
}

TEST_CASE("reactive fan-out: after a change it drops again no sooner than the cooldown") {
  const auto node = reactive_node({.cooldown = "200ms"});
  node->push_rows(100);
  node->complete(first(7), MAYFLY_WRITTEN);
  CHECK(node->counter("reliefs") == 1);
  CHECK(in_flight(*node) == 8);
  CHECK(node->counter("drops") == 1);
  node->advance(200 * kMillisecond - 1);
  CHECK(node->counter("drops") == 1);
  node->advance(1);
  CHECK(node->counter("drops") == 2);
}

TEST_CASE("reactive fan-out: failures are told, and give their permits back") {
  const auto node = reactive_node({});
  node->push_rows(2);
  node->complete(Ordinals{0}, MAYFLY_DEAD_LETTERED);
  node->complete(Ordinals{1}, MAYFLY_PENDING);
  CHECK(node->signals() == Signals{"stage2.failed", "stage2.failed"});
  CHECK(in_flight(*node) == 0);
  CHECK(node->counter("failed") == 2);
}

TEST_CASE("reactive fan-out: draining under backpressure loses no row") {
  const auto node = reactive_node({});
  node->push_rows(40);
  CHECK(node->counter("drops") == 1);
  std::uint64_t answered = 0;
  while (node->drain() > 0) node->complete(Ordinals{answered++}, MAYFLY_WRITTEN);
  CHECK(node->port(0) == first(40));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("reactive fan-out: the threshold may change while rows flow, also below relief") {
  const auto node = reactive_node({.max = 8, .min = 1, .backpressure = 8, .relief = 4});
  node->push_rows(5);
  CHECK(node->counter("drops") == 0);
  REQUIRE(node->set_option({"backpressure_threshold", std::int64_t{2}}).ok());
  CHECK(node->counter("drops") == 1);
  node->complete(first(4), MAYFLY_WRITTEN);
  CHECK(node->counter("reliefs") == 1);
}

TEST_CASE("reactive fan-out: bounds that contradict each other are refused") {
  const auto message = [](const Limits& limits) {
    const auto made = try_node("reactive_fanout", options_of(limits));
    return made.ok() ? std::string("accepted") : made.status().message();
  };
  CHECK(message({.max = 8, .min = 9}) ==
        "min: expected at most max (8), found 9; give both, or a lower min");
  CHECK(message({.max = 8, .min = 1, .backpressure = 9}) ==
        "backpressure_threshold: expected at most max (8), found 9; more than max are never "
        "pending");
  CHECK(message({.max = 8, .min = 1, .backpressure = 3, .relief = 3}) ==
        "relief_threshold: expected less than backpressure_threshold (3), found 3; give both, or a "
        "lower relief_threshold");
  CHECK(message({.max = 8, .min = 2, .backpressure = 3, .relief = 1}) ==
        "min: expected at most relief_threshold (1), found 2; min rows would be pending for as "
        "long as others wait, so give slow_after a time, or a lower min");
  CHECK(message({.relief = -1}) != "accepted");
  CHECK(message({.max = 0}) != "accepted");
  CHECK(message({.min = 0}) != "accepted");
  CHECK(message({}) == "accepted");
}

}  // namespace
}  // namespace mayfly
