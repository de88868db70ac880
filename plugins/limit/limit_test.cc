#include <doctest/doctest.h>

#include "mayfly/data/batch_view.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

std::unique_ptr<NodeHarness> limit_node(std::int64_t rows) {
  return open_node("limit", {{"rows", rows}});
}

TEST_CASE("limit: the first rows pass, across batches, and the others are dropped") {
  const auto node = limit_node(4);
  node->push_rows(3);
  CHECK(node->signals().empty());
  node->push_rows(3);
  CHECK(node->port(0) == Ordinals{0, 1, 2, 3});
  REQUIRE(node->dropped().size() == 2);
  CHECK(node->dropped()[0].ordinal == 4);
  CHECK(node->dropped()[0].reason == "over_limit");
  CHECK(node->counter("passed") == 4);
  CHECK(node->counter("dropped") == 2);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("limit: the signal comes once, with the last row that passes") {
  const auto node = limit_node(3);
  node->push_rows(3);
  CHECK(node->dropped().empty());
  CHECK(node->signals() == Signals{"limit.reached"});
  node->push_rows(3);
  CHECK(node->signals() == Signals{"limit.reached"});
}

TEST_CASE("limit: of 0 rows, none passes and the signal is there from the start") {
  const auto node = limit_node(0);
  CHECK(node->signals() == Signals{"limit.reached"});
  node->push_rows(2);
  CHECK(node->passed().empty());
}

TEST_CASE("limit: when it grows more rows pass, and the signal is taken back") {
  const auto node = limit_node(2);
  node->push_rows(3);
  CHECK(node->set_option({"rows", std::int64_t{4}}).ok());
  CHECK(node->signals() == Signals{"limit.reached", "-limit.reached"});
  node->push_rows(3);
  CHECK(node->port(0) == Ordinals{0, 1, 3, 4});
  CHECK(node->signals() == Signals{"limit.reached", "-limit.reached", "limit.reached"});
}

TEST_CASE("limit: below what has passed already, it is reached") {
  const auto node = limit_node(10);
  node->push_rows(5);
  CHECK(node->set_option({"rows", std::int64_t{3}}).ok());
  CHECK(node->signals() == Signals{"limit.reached"});
}

TEST_CASE("limit: a row that comes again isn't counted again") {
  const auto node = limit_node(1);
  node->push_rows(1);
  node->push_again(Ordinals{0});
  CHECK(node->port(0) == Ordinals{0, 0});
  CHECK(node->counter("passed") == 1);
  CHECK(node->counter("dropped") == 0);
}

TEST_CASE("limit: no limit, and one below 0, are refused") {
  CHECK_FALSE(try_node("limit", {}).ok());
  CHECK_FALSE(try_node("limit", {{"rows", std::int64_t{-1}}}).ok());
}

}  // namespace
}  // namespace mayfly
