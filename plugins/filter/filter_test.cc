#include <doctest/doctest.h>

#include "mayfly/storage/batch_expressions.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

Result<std::unique_ptr<NodeHarness>> filter_node(std::string where) {
  return try_node("filter", {{"where", std::move(where)}}, {.expressions = BatchExpressions::make});
}

TEST_CASE("filter: rows for which the expression is true pass in order, the others are dropped") {
  const auto node = filter_node("id % 3 = 0 AND name <> 't6'").value();
  node->push_rows(10);
  CHECK(node->port(0) == Ordinals{0, 3, 9});
  CHECK(node->dropped().size() == 7);
  CHECK(node->dropped()[0].reason == "filtered");
  CHECK(node->counter("dropped") == 7);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("filter: a row for which it can't be evaluated is a dead letter, alone") {
  const auto node =
      filter_node("abs(CASE id WHEN 2 THEN -9223372036854775808 ELSE id END) >= 0").value();
  node->push_rows(5);
  CHECK(node->port(0) == Ordinals{0, 1, 3, 4});
  REQUIRE(node->rejected().size() == 1);
  CHECK(node->rejected()[0].ordinal == 2);
  CHECK(node->rejected()[0].reason == "expression");
  CHECK(node->counter("errors") == 1);
}

TEST_CASE("filter: an expression that can't be read, or asks for other rows, is refused") {
  const auto refusal = [](std::string where) {
    return filter_node(std::move(where)).status().message();
  };
  CHECK(refusal("amount > 1") == "the expression \"amount > 1\": no such column: amount");
  CHECK(refusal("id >").find("syntax error") != std::string::npos);
  CHECK(refusal("id = (SELECT max(id) FROM mayfly_batch)") != "");
  CHECK(refusal(" ") == "expected an SQL expression, found a blank one");
}

}  // namespace
}  // namespace mayfly
