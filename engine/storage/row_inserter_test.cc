// Bad rows: exactly they are rejected, whatever the constraint and wherever SQLite notices.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

// Row 5 of 10 is bad: its a is 2 again, its b negative and nobody's key.
std::vector<Row> ten_rows() {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 10; ++i) {
    rows.push_back({num(i == 5 ? 2 : i), num(i == 5 ? -1 : i)});
  }
  return rows;
}
Schema a_and_b() {
  return Schema(
      {{.name = "a", .type = ColumnType::kInt64}, {.name = "b", .type = ColumnType::kInt64}});
}

constexpr const char* kParents =
    "CREATE TABLE p(x INTEGER PRIMARY KEY);"
    "INSERT INTO p VALUES(0),(1),(2),(3),(4),(6),(7),(8),(9);";

TEST_CASE("the culprit alone is rejected, and all others commit") {
  const std::string parents = kParents;
  const struct {
    const char* name;
    std::string ddl;
    const char* code;
  } cases[] = {
      {"unique", "CREATE TABLE t(a UNIQUE, b)", "unique"},
      {"check", "CREATE TABLE t(a, b CHECK(b >= 0))", "check"},
      {"rowid", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)", "primary_key"},
      {"primary key", "CREATE TABLE t(a INT, b, PRIMARY KEY(a))", "primary_key"},
      {"without rowid", "CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID", "primary_key"},
      {"on conflict fail", "CREATE TABLE t(a UNIQUE ON CONFLICT FAIL, b)", "unique"},
      {"on conflict abort", "CREATE TABLE t(a UNIQUE ON CONFLICT ABORT, b)", "unique"},
      {"on conflict rollback", "CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK, b)", "unique"},
      {"check rollback", "CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK, b CHECK(b >= 0))", "check"},
      {"foreign key", parents + "CREATE TABLE t(a, b REFERENCES p(x))", "foreign_key"},
      {"deferred foreign key",
       parents + "CREATE TABLE t(a, b REFERENCES p(x) DEFERRABLE INITIALLY DEFERRED)",
       "foreign_key"},
      {"trigger and unique",
       "CREATE TABLE t(a UNIQUE, b); CREATE TABLE l(z); "
       "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO l VALUES(new.a); END",
       "unique"},
      {"raise abort",
       "CREATE TABLE t(a, b); CREATE TRIGGER g BEFORE INSERT ON t WHEN new.b < 0 "
       "BEGIN SELECT RAISE(ABORT, 'no'); END",
       "trigger"},
      {"raise fail",
       "CREATE TABLE t(a, b); CREATE TRIGGER g BEFORE INSERT ON t WHEN new.b < 0 "
       "BEGIN SELECT RAISE(FAIL, 'no'); END",
       "trigger"},
      {"raise rollback",
       "CREATE TABLE t(a, b); CREATE TRIGGER g BEFORE INSERT ON t WHEN new.b < 0 "
       "BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
       "trigger"},
      {"expression index",
       "CREATE TABLE t(a, b); CREATE INDEX i ON t(json_extract(iif(b < 0, '{', '{}'), '$.x'))",
       "sql"},
      {"generated column", "CREATE TABLE t(a, b, c AS (b * 2) CHECK(c >= 0))", "check"},
      {"stored generated unique", "CREATE TABLE t(a, b, c AS (a * 3) STORED UNIQUE)", "unique"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.name);
    WriterFixture f(a_and_b());
    f.run(test.ddl);
    f.open();
    f.add_source();
    const std::string outcomes = f.write(ten_rows());
    CHECK(outcomes == "1111131111");
    CHECK(f.query("SELECT count(*), sum(b) FROM t") == "9|40");
    CHECK(f.query("SELECT code, ordinal, line, node, target, source FROM mayfly_dead_letters") ==
          std::string(test.code) + "|5|7|writer|t|orders.csv");
    CHECK(f.query("SELECT columns FROM mayfly_dead_letters") == R"({"a":2,"b":-1})");
    CHECK(f.query("SELECT low FROM mayfly_offsets") == "10");
    CHECK(f.writer->totals().rows.written == 9);
    CHECK(f.writer->totals().rows.rejected == 1);
  }
}

TEST_CASE("each row is written at most twice where the cursor shows the culprit") {
  WriterFixture f(a_and_b(), 1024);
  f.run("CREATE TABLE t(a UNIQUE, b)");
  f.open();
  f.add_source();
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 1000; ++i) rows.push_back({num(i % 100 == 99 ? 0 : i), num(i)});
  const std::string outcomes = f.write(rows);
  CHECK(std::count(outcomes.begin(), outcomes.end(), '3') == 10);
  CHECK(std::count(outcomes.begin(), outcomes.end(), '1') == 990);
  // One statement that fails and one that repeats its good rows for each culprit.
  CHECK(f.writer->totals().statements <= 21);
  CHECK(f.writer->totals().rows_tried <= 2 * 1000);
}

TEST_CASE("a bad row in many is found by few statements where the cursor shows nothing") {
  WriterFixture f(a_and_b(), 1024);
  f.run(std::string(kParents) + "CREATE TABLE t(a, b REFERENCES p(x))");
  f.open();
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 1024; ++i) rows.push_back({num(i), num(i == 700 ? 99 : i % 5)});
  const std::string outcomes = f.write(rows, kNoSource);
  CHECK(outcomes.find('3') == 700);
  CHECK(std::count(outcomes.begin(), outcomes.end(), '3') == 1);
  CHECK(f.writer->totals().statements < 40);
}

TEST_CASE("many bad rows under immediate foreign keys are all found") {
  WriterFixture f(a_and_b(), 1024);
  f.run(std::string(kParents) + "CREATE TABLE t(a, b REFERENCES p(x))");
  f.open();
  std::vector<Row> rows;
  std::string expected;
  for (std::int64_t i = 0; i < 1024; ++i) {
    const bool bad = i % 7 == 3 || i > 1000;
    rows.push_back({num(i), num(bad ? 99 : i % 5)});
    expected += bad ? '3' : '1';
  }
  CHECK(f.write(rows, kNoSource) == expected);
  // 166 bad rows, a few statements each.
  CHECK(f.writer->totals().statements < 1700);
  CHECK(f.writer->totals().rows_tried < 20 * 1024);
  CHECK(f.query("SELECT count(*) FROM t") ==
        std::to_string(std::count(expected.begin(), expected.end(), '1')));
}

TEST_CASE("ON CONFLICT ROLLBACK loses no row that was inserted earlier in the transaction") {
  WriterFixture f(a_and_b(), 16);
  f.run("CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK, b)");
  f.open();
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 200; ++i) rows.push_back({num(i % 60 == 59 ? 0 : i), num(i)});
  const std::string outcomes = f.write(rows, kNoSource);
  CHECK(std::count(outcomes.begin(), outcomes.end(), '3') == 3);
  CHECK(f.query("SELECT count(*), count(DISTINCT a) FROM t") == "197|197");
}

TEST_CASE("a child may come before its parent when the foreign key is deferred") {
  WriterFixture f(a_and_b(), 16);
  f.run(
      "CREATE TABLE t(a INTEGER PRIMARY KEY, "
      "b REFERENCES t(a) DEFERRABLE INITIALLY DEFERRED)");
  f.open();
  // 1 -> 2 -> 3 -> NULL, and 9 -> 77, which is nowhere; 10 -> 9 falls with it.
  const std::string outcomes = f.write(
      {{num(1), num(2)}, {num(10), num(9)}, {num(2), num(3)}, {num(9), num(77)}, {num(3), nullptr}},
      kNoSource);
  CHECK(outcomes == "13131");
  CHECK(f.query("SELECT group_concat(a) FROM t") == "1,2,3");
  CHECK(f.query("SELECT count(*) FROM mayfly_dead_letters WHERE code = 'foreign_key'") == "2");
}

TEST_CASE("deferred violations of one slice don't touch other slices of the transaction") {
  WriterFixture f(a_and_b(), 8);
  f.run(std::string(kParents) +
        "CREATE TABLE t(a, b REFERENCES p(x) DEFERRABLE INITIALLY DEFERRED)");
  f.open();
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 32; ++i) rows.push_back({num(i), num(i == 20 ? 55 : 1)});
  const std::string outcomes = f.write(rows, kNoSource);
  CHECK(outcomes.find('3') == 20);
  CHECK(std::count(outcomes.begin(), outcomes.end(), '1') == 31);
}

TEST_CASE("a STRICT table's type errors are row errors") {
  WriterFixture f(Schema({{.name = "a", .type = ColumnType::kAny}}));
  f.run("CREATE TABLE t(a INTEGER) STRICT");
  f.open();
  CHECK(f.write({{num(1)}, {text("abc")}, {text("5")}, {nullptr}}, kNoSource) == "1311");
  CHECK(f.query("SELECT a FROM t") == "1\n5\nNULL");
  CHECK(f.query("SELECT code FROM mayfly_dead_letters") == "datatype");
}

TEST_CASE("text as a rowid is a row error") {
  WriterFixture f(Schema({{.name = "a", .type = ColumnType::kInt64, .key = true}}));
  f.open();
  CHECK(f.write({{num(1)}, {Exception{"abc"}}, {num(2)}}, kNoSource) == "131");
  CHECK(f.query("SELECT code, columns FROM mayfly_dead_letters") == R"(datatype|{"a":"abc"})");
}

TEST_CASE("a row beyond row_bytes_max is a dead letter with its beginning") {
  WriterFixture f;
  f.options.row_bytes_max = 100'000;
  f.open();
  CHECK(f.write({{num(1), text("small")}, {num(2), text(std::string(200'000, 'x'))}}, kNoSource) ==
        "13");
  CHECK(f.query("SELECT code, json_extract(columns, '$.name.bytes'), "
                "length(json_extract(columns, '$.name.head')) FROM mayfly_dead_letters") ==
        "too_big|200000|65536");
}

TEST_CASE("NOT NULL is enforced under --ignore") {
  WriterFixture f(a_and_b());
  f.run("CREATE TABLE t(a UNIQUE, b NOT NULL)");
  f.options.mode = WriteMode::kIgnore;
  f.open();
  CHECK(f.write({{num(1), num(1)}, {num(1), num(2)}, {num(2), nullptr}, {num(3), num(3)}},
                kNoSource) == "1231");
}

TEST_CASE("a table that disappears fails the writer, not its rows") {
  WriterFixture f;
  f.open();
  f.run("DROP TABLE t");
  const auto heads = f.fill(f.numbered(1, 3), kNoSource);
  const GroupResult result = f.writer->write(heads);
  CHECK(result.kind == GroupResult::Kind::kFailed);
  CHECK(result.status.message().find("no such table") != std::string::npos);
  CHECK(f.outcomes_of(heads) == "000");
}

TEST_CASE("under on_error fail nothing of the transaction is written, and the place is named") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name)");
  f.options.on_error = OnRowError::kFail;
  f.open();
  f.add_source();
  auto rows = f.numbered(1, 5);
  rows[3][0] = num(1);
  const auto heads = f.fill(rows);
  const GroupResult result = f.writer->write(heads);
  CHECK(result.kind == GroupResult::Kind::kFailed);
  CHECK(result.status.message().find("line 5 of orders.csv") != std::string::npos);
  CHECK(result.status.message().find("UNIQUE constraint failed: t.id") != std::string::npos);
  CHECK(f.outcomes_of(heads) == "00000");
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

}  // namespace
}  // namespace mayfly
