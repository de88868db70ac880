// What the dead-letter table has of a row is tested with it, in engine/storage.
#include "mayfly/data/row_json.h"

#include <doctest/doctest.h>

#include <limits>

#include "mayfly/data/batch_pool.h"

namespace mayfly {
namespace {

struct Row {
  explicit Row(const Schema& of) : schema(of) {
    batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
    REQUIRE(batch != nullptr);
  }
  std::string typed(std::uint32_t row) {
    std::string out;
    append_row_json(schema.c(), *batch, row, UINT64_MAX, JsonValues::kTyped, out);
    return out;
  }

  Schema schema;
  BatchPool pool{{.rows = 4, .columns = 4, .heap_bytes = 200, .intake_batches = 1}};
  mayfly_batch* batch = nullptr;
};

TEST_CASE("row json: for other programs, bools and JSON are themselves") {
  Row made(Schema({{.name = "yes", .type = ColumnType::kBool},
                   {.name = "when", .type = ColumnType::kTimestamp},
                   {.name = "tags", .type = ColumnType::kJson},
                   {.name = "any", .type = ColumnType::kAny}}));
  put_int64(*made.batch, 0, 1);
  put_int64(*made.batch, 1, 1'700'000'000'000'000);
  REQUIRE(put_text(*made.batch, 2, "{\"a\":\n[1,\"\\n\"]}"));
  REQUIRE(put_text(*made.batch, 3, "[]"));
  put_kind(*made.batch, 3, MAYFLY_JSON);
  commit_row(*made.batch, {});
  CHECK(made.typed(0) == R"({"yes":true,"when":1700000000000000,"tags":{"a": [1,"\n"]},"any":[]})");
  CHECK(made.typed(1) == R"({"yes":null,"when":null,"tags":null,"any":null})");
}

TEST_CASE("row json: what only says that it is JSON can't break the object it is in") {
  Row made(Schema({{.name = "j", .type = ColumnType::kJson}}));
  REQUIRE(put_text(*made.batch, 0, "1},{\"j\":2"));
  commit_row(*made.batch, {});
  CHECK(made.typed(0) == R"({"j":"1},{\"j\":2"})");
}

TEST_CASE("row json: for other programs, what is no number in JSON is a string") {
  Row made(Schema({{.name = "r", .type = ColumnType::kFloat64}}));
  using Limits = std::numeric_limits<double>;
  for (const double value : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), 2.0}) {
    put_float64(*made.batch, 0, value);
    commit_row(*made.batch, {});
  }
  CHECK(made.typed(0) == R"({"r":"Infinity"})");
  CHECK(made.typed(1) == R"({"r":"-Infinity"})");
  CHECK(made.typed(2) == R"({"r":"NaN"})");
  CHECK(made.typed(3) == R"({"r":2.0})");
}

}  // namespace
}  // namespace mayfly
