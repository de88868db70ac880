#include "tools/mayfly/file_schemas.h"

#include <doctest/doctest.h>

using namespace mayfly;
using namespace mayfly::cli;

namespace {

FileSchema file(const char* name, std::vector<Column> columns) {
  return {name, Schema(std::move(columns))};
}

}  // namespace

TEST_CASE("unify: types that differ make one that keeps both") {
  const auto a = file("a", {{"i", ColumnType::kInt64}, {"x", ColumnType::kInt64}});
  const auto b = file("b", {{"i", ColumnType::kInt64}, {"x", ColumnType::kFloat64}});
  const auto c = file("c", {{"i", ColumnType::kText}, {"x", ColumnType::kInt64}});

  const auto csv = unify({a, b, c}, false);
  const auto json = unify({a, b, c}, true);

  REQUIRE(csv.ok());
  CHECK((*csv)[0].type == ColumnType::kText);
  CHECK((*csv)[1].type == ColumnType::kFloat64);
  REQUIRE(json.ok());
  CHECK((*json)[0].type == ColumnType::kAny);
}

TEST_CASE("unify: other names are refused with both files and what to do") {
  const auto result =
      unify({file("a.csv", {{"id"}, {"x"}}), file("b.csv", {{"id"}, {"y"}})}, false);

  CHECK(result.status().code() == Code::kConfig);
  CHECK(result.status().message() ==
        "expected the same columns in every file, found in a.csv: id, x; in b.csv: id, y. Ingest "
        "them "
        "one by one, the second with --alter");
}

TEST_CASE(
    "unify: another order or spelling is refused, since CSV goes by place, and said to be that") {
  CHECK(unify({file("a", {{"id"}, {"x"}}), file("b", {{"x"}, {"id"}})}, false).status().message() ==
        "expected the same columns, in the same order and spelling, in every file, found in a: id, "
        "x; in b: x, id. Ingest them one by one");
  CHECK(unify({file("a", {{"id"}}), file("b", {{"ID"}})}, false).status().message() ==
        "expected the same columns, in the same order and spelling, in every file, found in a: id; "
        "in b: ID. Ingest them one by one");
}

TEST_CASE("unify: keys that differ in case alone are refused, since they are one column") {
  CHECK(unify({file("a", {{"id"}, {"x"}}), file("b", {{"x"}, {"ID"}})}, true).status().message() ==
        "expected keys that differ by more than upper and lower case, found \"id\" and, in b, "
        "\"ID\"; rename one of them (jq), or ingest the files one by one");
}

TEST_CASE("unify: a file with fewer columns needs no --alter, one with more does") {
  const auto more = file("more", {{"id"}, {"x"}});
  const auto fewer = file("fewer", {{"id"}});
  CHECK(unify({more, fewer}, false).status().message().ends_with("Ingest them one by one"));
  CHECK(unify({fewer, more}, false).status().message().ends_with("the second with --alter"));
}

TEST_CASE("unify: keys are joined") {
  const auto result = unify({file("a", {{"id"}, {"x"}}), file("b", {{"y"}, {"id"}})}, true);

  REQUIRE(result.ok());
  REQUIRE(result->size() == 3);
  CHECK((*result)[2].name == "y");
}
