#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> fault_node(std::vector<RawOption> options) {
  return open_node("fault", std::move(options));
}

void push(NodeHarness& node, int thousands) {
  for (int i = 0; i < thousands; ++i) node.push_rows(1000);
}

TEST_CASE("fault: without options every row passes at once") {
  const auto node = fault_node({});
  push(*node, 3);
  CHECK(node->port(0).size() == 3000);
  CHECK(node->signals().empty());
}

TEST_CASE("fault: a share of the rows is refused and another is dropped, with their reasons") {
  const auto node = fault_node({{"error_ratio", 0.1}, {"drop_ratio", 0.2}});
  push(*node, 10);
  // Five standard deviations of 30 and 40.
  CHECK(node->rejected().size() > 850);
  CHECK(node->rejected().size() < 1150);
  CHECK(node->dropped().size() > 1800);
  CHECK(node->dropped().size() < 2200);
  CHECK(node->rejected()[0].reason == "injected_error");
  CHECK(node->dropped()[0].reason == "injected_drop");
  CHECK(node->counter("errors") == node->rejected().size());
  CHECK(node->counter("drops") == node->dropped().size());
  CHECK(node->signals().size() == 10);
  CHECK(node->signals()[0].starts_with("error.fault:"));
  CHECK(node->conserves());
}

TEST_CASE("fault: the same seed meets the same rows, another one others") {
  const auto passed = [](std::int64_t seed) {
    const auto node = fault_node({{"drop_ratio", 0.5}, {"seed", seed}});
    node->push_rows(1000);
    return node->port(0);
  };
  CHECK(passed(7) == passed(7));
  CHECK(passed(7) != passed(8));
}

TEST_CASE("fault: rows wait for a time between the two that are given") {
  const auto node =
      fault_node({{"delay_min", std::string("10ms")}, {"delay_max", std::string("30ms")}});
  const std::int64_t begin = node->clock().now_ns();
  node->push_rows(1000);
  CHECK(node->held() == 1000);
  node->advance(10 * kMillisecond - 1);
  CHECK(node->held() == 1000);
  node->advance(10 * kMillisecond + 1);
  CHECK(node->held() > 400);
  CHECK(node->held() < 600);
  node->advance(10 * kMillisecond);
  CHECK(node->held() == 0);
  const auto [soonest, latest] =
      std::ranges::minmax(node->passed(), {}, [](const auto& row) { return row.at_ns; });
  CHECK(soonest.at_ns - begin < 11 * kMillisecond);
  CHECK(latest.at_ns - begin > 29 * kMillisecond);
  CHECK(node->counter("delays") == 1000);
}

TEST_CASE("fault: a share of the rows waits, all for as long where one time is given") {
  const auto node = fault_node({{"delay_ratio", 0.25}, {"delay_min", std::string("5s")}});
  node->push_rows(1000);
  CHECK(node->held() > 180);
  CHECK(node->held() < 320);
  const std::uint64_t waiting = node->held();
  node->advance(5 * kSecond - 1);
  CHECK(node->held() == waiting);
  node->advance(1);
  CHECK(node->held() == 0);
}

TEST_CASE("fault: ratios may change while rows flow, and the lots of the others stay") {
  const auto node = fault_node({{"drop_ratio", 0.5}});
  const auto twin = fault_node({{"drop_ratio", 0.5}});
  CHECK(node->set_option({"error_ratio", 1.0}).ok());
  node->push_rows(100);
  CHECK(node->rejected().size() == 100);
  CHECK(node->set_option({"error_ratio", 0.0}).ok());
  node->push_rows(100);
  twin->push_rows(100);
  twin->clear();
  twin->push_rows(100);
  CHECK(node->port(0) == twin->port(0));
  CHECK_FALSE(node->set_option({"error_ratio", 1.5}).ok());
}

TEST_CASE("fault: draining waits no longer than the deadline, and loses nothing") {
  const auto node = fault_node({{"delay_min", std::string("1h")}, {"drop_ratio", 0.1}});
  push(*node, 2);
  CHECK(node->drain(10 * kSecond) == 0);
  CHECK(node->passed().size() + node->dropped().size() == 2000);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("fault: shares of more than all rows, and times that don't fit, are refused") {
  CHECK(try_node("fault", {{"error_ratio", 0.75}, {"drop_ratio", 0.5}}).status().message() ==
        "drop_ratio: expected no more than 1 together with error_ratio, found 1.25");
  CHECK(try_node("fault", {{"delay_min", std::string("2us")}, {"delay_max", std::string("1us")}})
            .status()
            .message() == "delay_max: expected delay_min (2us) or more, found 1us");
  CHECK_FALSE(try_node("fault", {{"delay_ratio", -0.1}}).ok());
}

}  // namespace
}  // namespace mayfly
