#include <doctest/doctest.h>

#include "mayfly/storage/batch_expressions.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

Result<std::unique_ptr<NodeHarness>> route_node(std::string when) {
  return try_node("route", {{"when", std::move(when)}}, {.expressions = BatchExpressions::make});
}

TEST_CASE("route: each row leaves one way or the other, both in order") {
  const auto node = route_node("CASE id WHEN 4 THEN NULL ELSE id < 6 END").value();
  node->push_rows(5);
  node->push_rows(3);
  CHECK(node->port(0) == Ordinals{0, 1, 2, 3, 5});
  CHECK(node->port(1) == Ordinals{4, 6, 7});
  CHECK(node->counter("yes") == 5);
  CHECK(node->counter("no") == 3);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("route: a row for which it can't be evaluated is a dead letter, alone") {
  const auto node =
      route_node("json_extract(CASE id WHEN 1 THEN '{' ELSE '{}' END, '$') IS NULL").value();
  node->push_rows(3);
  CHECK(node->port(1) == Ordinals{0, 2});
  REQUIRE(node->rejected().size() == 1);
  CHECK(node->rejected()[0].ordinal == 1);
}

TEST_CASE("route: an expression that can't be read is refused") {
  CHECK(route_node("nobody").status().message() ==
        "the expression \"nobody\": no such column: nobody");
}

}  // namespace
}  // namespace mayfly
