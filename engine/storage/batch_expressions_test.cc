#include "mayfly/storage/batch_expressions.h"

#include <doctest/doctest.h>

#include <numeric>

namespace mayfly {
namespace {

const Schema kSchema({{.name = "n", .type = ColumnType::kInt64},
                      {.name = "t"},
                      {.name = "r", .type = ColumnType::kFloat64}});

// Rows (i, "t<i>", i / 2); of every seventh n is NULL.
struct Rows {
  explicit Rows(std::uint32_t count)
      : pool({.rows = 64, .columns = 8, .heap_bytes = 1024, .intake_batches = 2}),
        batch(pool.try_acquire(BatchPool::Part::kIntake, kSchema)) {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i % 7 != 6) put_int64(*batch, 0, i);
      put_text(*batch, 1, "t" + std::to_string(i));
      put_float64(*batch, 2, i / 2.0);
      commit_row(*batch, {.ordinal = 100 + i, .byte_end = i, .line = i + 1});
    }
    numbers.resize(count);
    std::iota(numbers.begin(), numbers.end(), std::uint16_t{0});
  }

  BatchPool pool;
  mayfly_batch* batch;
  std::vector<std::uint16_t> numbers;
};

std::unique_ptr<RowExpressions> made(std::vector<std::string> expressions) {
  auto made = BatchExpressions::make(kSchema, expressions);
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  return std::move(made).value();
}

std::string truth_of(const std::string& expression, std::uint32_t count = 10) {
  Rows rows(count);
  std::vector<std::uint8_t> truth(count, 9);
  REQUIRE(made({expression})->test(*rows.batch, rows.numbers, truth.data()).ok());
  std::string text;
  for (const std::uint8_t one : truth) text += "01NE"[one];
  return text;
}

TEST_CASE("expressions: true, false and NULL are told for each row, in order") {
  CHECK(truth_of("n > 4") ==
        "00000"
        "1N111");
  CHECK(truth_of("t = 't3' OR r = 1") == "0011000000");
  CHECK(truth_of("n IS NULL") == "0000001000");
  CHECK(truth_of("t") == "0000000000");  // text that is no number is false
  CHECK(truth_of("_line = 2 -- a comment") == "0100000000");
}

TEST_CASE("expressions: a row for which one can't be evaluated is alone") {
  CHECK(truth_of("abs(CASE n WHEN 2 THEN -9223372036854775808 ELSE n END) < 3") == "11E000N000");
  CHECK(truth_of("json_extract(CASE WHEN n = 9 THEN '{' ELSE '{\"a\":1}' END, '$.a')") ==
        "111111111E");
  Rows rows(3);
  std::uint8_t truth[3];
  const auto expressions = made({"abs(CASE n WHEN 2 THEN -9223372036854775808 ELSE n END) < 3"});
  REQUIRE(expressions->test(*rows.batch, rows.numbers, truth).ok());
  CHECK(expressions->last_error() == "integer overflow");
}

TEST_CASE("expressions: only some rows of a batch are looked at") {
  Rows rows(20);
  const std::vector<std::uint16_t> some = {3, 4, 17};
  std::vector<std::uint8_t> truth(3);
  const auto expressions = made({"n % 2 = 0"});
  REQUIRE(expressions->test(*rows.batch, some, truth.data()).ok());
  CHECK(truth == std::vector<std::uint8_t>{0, 1, 0});
}

TEST_CASE("expressions: what isn't one over a row's columns is refused") {
  const auto refusal = [](const std::string& expression) {
    const std::string list[] = {expression};
    return BatchExpressions::make(kSchema, list).status().message();
  };
  CHECK(refusal("amount > 1") == "the expression \"amount > 1\": no such column: amount");
  // Newer ones of SQLite quote it, and ask whether a text was meant.
  CHECK(
      refusal("\"amount\" > 1").starts_with("the expression \"\"amount\" > 1\": no such column: "));
  CHECK(refusal(" ") == "expected an SQL expression, found a blank one");
  CHECK(refusal("n >").find("syntax error") != std::string::npos);
  CHECK(refusal("count(*) > 1").find("misuse of aggregate") != std::string::npos);
  CHECK(refusal("row_number() OVER () = 1").find("misuse of window function") != std::string::npos);
  CHECK(refusal("n IN (SELECT n FROM mayfly_batch)").find("depends on which rows come together") !=
        std::string::npos);
  CHECK(refusal("1) UNION SELECT (2") != "");
  constexpr std::string_view kOpen = "expected one expression by itself";
  for (const char* open : {"1) OR (1", "n) LIMIT (1", "1) AND (n > 2", "1) ORDER BY (n"})
    CHECK_MESSAGE(refusal(open).find(kOpen) != std::string::npos, open);
  CHECK(refusal("1 THEN 2 WHEN 3") != "");
  CHECK(refusal("(n > 1) OR (n < 2) -- (") == "");
  CHECK(refusal("1); DROP TABLE x; --") != "");
  CHECK(refusal("n = ?1").find("parameters") != std::string::npos);
  CHECK(refusal(std::string("n\0", 2)).find("NUL") != std::string::npos);
}

TEST_CASE("expressions: the place in the batch is no column, unless one has its name") {
  const auto refusal = [](const Schema& schema, const std::string& expression) {
    const std::string list[] = {expression};
    return BatchExpressions::make(schema, list).status().message();
  };
  constexpr std::string_view kFound = "found rowid, _rowid_ or oid";
  for (const char* hidden : {"rowid = 1", "_ROWID_ = 1", "\"oid\" = 1", "mayfly_batch.rowid = 1"})
    CHECK_MESSAGE(refusal(kSchema, hidden).find(kFound) != std::string::npos, hidden);
  for (const char* name : {"rowid", "ROWID", "RowId"}) {
    const Schema schema({{.name = name, .type = ColumnType::kInt64}});
    CHECK(refusal(schema, "rowid = 1") == "");
    CHECK(refusal(schema, "oid = 1").find(kFound) != std::string::npos);
  }
}

TEST_CASE("expressions: a column that is misspelt comes with the nearest") {
  const Schema schema({{.name = "amount"}, {.name = "city"}});
  const auto refusal = [&](const std::string& expression) {
    const std::string list[] = {expression};
    return BatchExpressions::make(schema, list).status().message();
  };
  CHECK(refusal("amont > 1") ==
        "the expression \"amont > 1\": no such column: amont; did you mean \"amount\"?");
  CHECK(refusal("mayfly_batch.citty > 1").ends_with("citty; did you mean \"city\"?"));
  CHECK(refusal("region > 1").ends_with("no such column: region"));
}

TEST_CASE("expressions: without columns, what can't be one over any is refused") {
  const auto refusal = [](const std::string& expression) {
    return BatchExpressions::check_without_columns(expression).message();
  };
  CHECK(refusal("amount > 1 AND \"the city\" = 'Ulm' OR \"a \"\"b\"\"\" LIKE mayfly_batch.c") ==
        "");
  CHECK(refusal("_line > 1 AND rowid < json_extract(meta, '$.no such column: x')") == "");
  CHECK(refusal("amount >").find("the expression \"amount >\": ") == 0);
  CHECK(refusal("amount >").find("syntax error") != std::string::npos);
  CHECK(refusal(" ") == "expected an SQL expression, found a blank one");
  CHECK(refusal("sum(amount) > 1").find("misuse of aggregate") != std::string::npos);
  CHECK(refusal("a IN (SELECT n FROM mayfly_batch)").find("depends on which") != std::string::npos);
  CHECK(refusal("nosuch(amount)").find("no such function: nosuch") != std::string::npos);
  CHECK(refusal("round(a, b, c)").find("wrong number of arguments") != std::string::npos);
  CHECK(refusal("other.amount = 1").find("no such column: other.amount") != std::string::npos);
  CHECK(refusal("amount = :x").find("parameters") != std::string::npos);
}

TEST_CASE("expressions: make rows of other columns, and stop where a batch is full") {
  const Schema to({{.name = "twice", .type = ColumnType::kInt64},
                   {.name = "who"},
                   {.name = "what", .type = ColumnType::kAny},
                   {.name = "half", .type = ColumnType::kFloat64}});
  Rows rows(12);
  mayfly_batch* out = rows.pool.try_acquire(BatchPool::Part::kIntake, to);
  REQUIRE(out != nullptr);
  const auto expressions =
      made({"CASE n WHEN 1 THEN 'one' WHEN 4 THEN abs(-9223372036854775808) ELSE n * 2 END",
            "upper(t)", "CASE n % 3 WHEN 0 THEN n WHEN 1 THEN t ELSE r END", "n"});
  std::vector<std::uint8_t> truth(12, 9);
  out->capacity = 5;
  const auto taken = expressions->fill(*rows.batch, rows.numbers, *out, truth.data(),
                                       [](std::uint64_t) { return false; });
  REQUIRE(taken.ok());
  CHECK(*taken == 6);
  CHECK(out->rows == 5);
  CHECK(truth[4] == MAYFLY_ERROR);
  CHECK(truth[6] == 9);
  CHECK(out->columns[0].cells[0].i64 == 0);
  CHECK(is_exception(out->columns[0], 1));
  CHECK(text_at(*out, out->columns[1].cells[1].span) == "T1");
  CHECK(kind_of(out->columns[2], 0) == MAYFLY_INT64);
  CHECK(kind_of(out->columns[2], 1) == MAYFLY_TEXT);
  CHECK(kind_of(out->columns[2], 2) == MAYFLY_FLOAT64);
  CHECK(out->columns[3].cells[3].f64 == 3.0);
  CHECK(out->ordinal[4] == 105);
}

TEST_CASE("expressions: a number that isn't of its column's type loses none of its digits") {
  const Schema to({{.name = "i", .type = ColumnType::kInt64},
                   {.name = "whole", .type = ColumnType::kInt64},
                   {.name = "f", .type = ColumnType::kFloat64},
                   {.name = "even", .type = ColumnType::kFloat64},
                   {.name = "digits", .type = ColumnType::kText},
                   {.name = "few", .type = ColumnType::kText},
                   {.name = "json", .type = ColumnType::kJson}});
  Rows rows(12);
  mayfly_batch* out = rows.pool.try_acquire(BatchPool::Part::kIntake, to);
  REQUIRE(out != nullptr);
  const auto expressions = made({"3 * 1.1", "6 / 3.0", "9007199254740993", "9007199254740992",
                                 "3 * 1.1", "5 / 2.0", "4503599627370497 * 1.0"});
  std::vector<std::uint8_t> truth(12, 9);
  REQUIRE(
      expressions
          ->fill(*rows.batch, rows.numbers, *out, truth.data(), [](std::uint64_t) { return false; })
          .ok());
  CHECK(is_exception(out->columns[0], 0));
  CHECK(text_at(*out, out->columns[0].cells[0].span) == "3.3000000000000003");
  CHECK_FALSE(is_exception(out->columns[1], 0));
  CHECK(out->columns[1].cells[0].i64 == 2);
  CHECK(is_exception(out->columns[2], 0));
  CHECK(text_at(*out, out->columns[2].cells[0].span) == "9007199254740993");
  CHECK(out->columns[3].cells[0].f64 == 9007199254740992.0);
  CHECK(text_at(*out, out->columns[4].cells[0].span) == "3.3000000000000003");
  CHECK(text_at(*out, out->columns[5].cells[0].span) == "2.5");
  CHECK(text_at(*out, out->columns[6].cells[0].span) == "4503599627370497");
}

TEST_CASE("expressions: a row that doesn't fit into an empty batch asks for room") {
  Rows rows(2);
  const Schema to({{.name = "long"}});
  mayfly_batch* out = rows.pool.try_acquire(BatchPool::Part::kIntake, to);
  const auto expressions = made({"CASE n WHEN 0 THEN printf('%5000c', 'x') ELSE 'short' END"});
  std::vector<std::uint8_t> truth(2, 9);
  std::uint64_t asked = 0;
  SUBCASE("and is taken when there is") {
    const auto taken =
        expressions->fill(*rows.batch, rows.numbers, *out, truth.data(), [&](std::uint64_t bytes) {
          asked = bytes;
          return rows.pool.reserve_heap(out, bytes) == MAYFLY_OK;
        });
    CHECK(*taken == 1);  // the other goes into the next batch
    CHECK(truth[0] == MAYFLY_TRUE);
  }
  SUBCASE("and can't be evaluated when there is none") {
    const auto taken =
        expressions->fill(*rows.batch, rows.numbers, *out, truth.data(), [&](std::uint64_t bytes) {
          asked = bytes;
          return false;
        });
    CHECK(*taken == 2);
    CHECK(truth[0] == MAYFLY_ERROR);
    CHECK(truth[1] == MAYFLY_TRUE);
  }
  CHECK(asked == 5000);
}

}  // namespace
}  // namespace mayfly
