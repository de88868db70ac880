#include <doctest/doctest.h>

#include "mayfly/storage/batch_expressions.h"
#include "plugins/map/column_expression.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

Result<std::unique_ptr<NodeHarness>> map_node(std::vector<std::string> columns,
                                              std::uint32_t batch_rows = 1024) {
  return try_node("map", {{"columns", std::move(columns)}},
                  {.batch_rows = batch_rows, .expressions = BatchExpressions::make});
}

TEST_CASE("map: makes a row of other columns from each, in order") {
  const auto node =
      map_node({"id", "twice:int64 = id * 2", "who:text=upper(name)", "what = id / 2.0"}).value();
  const Schema& out = node->output_schema();
  REQUIRE(out.size() == 4);
  CHECK(out[0].type == ColumnType::kInt64);
  CHECK(out[2].type == ColumnType::kText);
  CHECK(out[3].type == ColumnType::kAny);
  node->push_rows(5);
  REQUIRE(node->passed().size() == 5);
  const mayfly_batch& made = *node->pool().batch(node->passed()[3].ref);
  const std::uint16_t row = row_of(node->passed()[3].ref);
  CHECK(made.columns[1].cells[row].i64 == 6);
  CHECK(text_at(made, made.columns[2].cells[row].span) == "T3");
  CHECK(made.columns[3].cells[row].f64 == 1.5);
  CHECK(node->passed()[3].ordinal == 3);
  CHECK(node->consumed().size() == 5);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("map: a row for which an expression can't be evaluated is a dead letter, alone") {
  const auto node =
      map_node({"v = abs(CASE id WHEN 1 THEN -9223372036854775808 ELSE id END)"}).value();
  node->push_rows(3);
  CHECK(node->passed().size() == 2);
  REQUIRE(node->rejected().size() == 1);
  CHECK(node->rejected()[0].ordinal == 1);
  CHECK(node->rejected()[0].reason == "expression");
}

TEST_CASE("map: while no batch is free it is blocked, and loses nothing") {
  const auto node = map_node({"id"}).value();
  node->block_batches(true);
  node->push_rows(3);
  CHECK(node->passed().empty());
  node->block_batches(false);
  node->advance(kSecond);
  CHECK(node->passed().size() == 3);
  CHECK(node->drain() == 0);
  CHECK(node->conserves());
}

TEST_CASE("map: entries that can't be read are refused with what was expected") {
  const auto refusal = [](const std::string& entry) {
    return map_node({entry}).status().message();
  };
  CHECK(refusal(" = id").find("the name is missing") != std::string::npos);
  CHECK(refusal("a = ").find("the expression is missing") != std::string::npos);
  CHECK(refusal("a:money = id").find("there is no type \"money\"") != std::string::npos);
  CHECK(refusal("nobody").find("no such column: ") != std::string::npos);
  CHECK(map_node({}).status().message().find("columns") != std::string::npos);
}

TEST_CASE("map: an entry is a name, with a type or not, and what stands behind the first =") {
  const auto parsed = *map::parse_column(" total : float64 = a = b ");
  CHECK(parsed.name == "total");
  CHECK(parsed.type == ColumnType::kFloat64);
  CHECK(parsed.expression == "a = b");
  CHECK_FALSE(parsed.stays);
  CHECK(map::parse_column("a\"b")->expression == "\"a\"\"b\"");
}

}  // namespace
}  // namespace mayfly
