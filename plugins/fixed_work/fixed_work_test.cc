#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> fixed_work_node(std::int64_t limit, HarnessSettings settings = {}) {
  return open_node("fixed_work", {{"limit", limit}}, std::move(settings));
}

TEST_CASE("fixed work: five items with a limit of two all pass, in order, and are counted (C120)") {
  const auto node = fixed_work_node(2);
  node->push_rows(5);
  CHECK(node->port(0) == first(2));
  CHECK(node->held() == 3);

  for (std::uint64_t row = 0; row < 5; ++row) {
    node->complete(Ordinals{row}, MAYFLY_WRITTEN);
    CHECK(node->port(0) == first(std::min<std::uint64_t>(row + 3, 5)));
  }

  CHECK(node->held() == 0);
  CHECK(node->counter("passed") == 5);
  CHECK(node->counter("answered") == 5);
  CHECK(node->counter("waited") == 3);
  CHECK(node->counter("failed") == 0);
  CHECK(node->violations().empty());
}

TEST_CASE("fixed work: never more than the limit are in flight, however answers come (C121)") {
  const auto node = fixed_work_node(3);
  for (int batch = 0; batch < 10; ++batch) node->push_rows(7);
  // The newest of those in flight is answered first.
  for (std::uint64_t answered = 0; answered < 70; ++answered) {
    const std::uint64_t in_flight = node->counter("passed") - node->counter("answered");
    CHECK(in_flight == std::min<std::uint64_t>(3, 70 - answered));
    // Each released one is the only one that moved: answer it, or at the end the first ones.
    const std::uint64_t next = answered < 68 ? node->passed().back().ordinal : answered - 68;
    node->complete(Ordinals{next}, MAYFLY_WRITTEN);
  }
  CHECK(node->port(0) == first(70));
  CHECK(node->counter("highest") == 3);
}

TEST_CASE("fixed work: a new row never overtakes those that wait") {
  const auto node = fixed_work_node(4);
  node->push_rows(6);
  node->complete(first(4), MAYFLY_WRITTEN);
  // Two are in flight and none waits: these fill up what is free.
  node->push_rows(3);
  node->push_rows(1);
  node->complete(Ordinals{4}, MAYFLY_WRITTEN);
  CHECK(node->port(0) == first(9));
  CHECK(node->held() == 1);
}

TEST_CASE("fixed work: a failed attempt and a dead letter give their permits back, too") {
  const auto node = fixed_work_node(2);
  node->push_rows(4);
  node->complete(Ordinals{0}, MAYFLY_PENDING);
  node->complete(Ordinals{1}, MAYFLY_DEAD_LETTERED);
  CHECK(node->port(0) == first(4));
  // The failed one comes again, and stands in line.
  node->push_again(Ordinals{0});
  CHECK(node->held() == 1);
  node->complete(Ordinals{2}, MAYFLY_WRITTEN);
  CHECK(node->port(0) == Ordinals{0, 1, 2, 3, 0});
  CHECK(node->counter("failed") == 2);
}

TEST_CASE("fixed work: a limit that is lowered holds at once, and no cycle leaks permits (P10)") {
  const auto node = fixed_work_node(8);
  node->push_rows(200);
  std::uint64_t answered = 0;
  const auto answer = [&](std::uint64_t rows) {
    node->complete(first(rows, answered), MAYFLY_WRITTEN);
    answered += rows;
  };
  const auto in_flight = [&] { return node->counter("passed") - node->counter("answered"); };
  for (int cycle = 0; cycle < 3; ++cycle) {
    CHECK(in_flight() == 8);
    REQUIRE(node->set_option({"limit", std::int64_t{2}}).ok());
    answer(6);
    CHECK(in_flight() == 2);
    answer(10);
    CHECK(in_flight() == 2);
    REQUIRE(node->set_option({"limit", std::int64_t{8}}).ok());
  }
  CHECK(node->counter("highest") == 8);
}

TEST_CASE("fixed work: draining lets all go, as answers come, and loses none") {
  const auto node = fixed_work_node(10);
  node->push_rows(100);
  for (std::uint64_t answered = 0; node->drain() > 0; answered += 10) {
    CHECK(node->passed().size() == answered + 10);
    node->complete(first(10, answered), MAYFLY_WRITTEN);
  }
  CHECK(node->port(0) == first(100));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("fixed work: a limit of none is refused, when it starts and while rows flow") {
  const auto refused = try_node("fixed_work", {{"limit", std::int64_t{0}}});
  CHECK_FALSE(refused.ok());
  CHECK(refused.status().message().find("limit") != std::string::npos);

  const auto node = fixed_work_node(1);
  CHECK_FALSE(node->set_option({"limit", std::int64_t{0}}).ok());
  CHECK_FALSE(node->set_option({"limits", std::int64_t{2}}).ok());
  node->push_rows(2);
  CHECK(node->held() == 1);
}

}  // namespace
}  // namespace mayfly
