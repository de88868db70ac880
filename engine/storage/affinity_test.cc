#include "mayfly/storage/affinity.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "mayfly/data/row_json.h"
#include "mayfly/storage/timestamp.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

TEST_CASE("affinity is SQLite's by the declared type") {
  CHECK(affinity_of("INTEGER", false) == ColumnAffinity::kInteger);
  CHECK(affinity_of("bigint", false) == ColumnAffinity::kInteger);
  CHECK(affinity_of("CHARINT", false) == ColumnAffinity::kInteger);
  CHECK(affinity_of("varchar(20)", false) == ColumnAffinity::kText);
  CHECK(affinity_of("DOUBLE PRECISION", false) == ColumnAffinity::kReal);
  CHECK(affinity_of("", false) == ColumnAffinity::kNone);
  CHECK(affinity_of("BLOB", false) == ColumnAffinity::kNone);
  CHECK(affinity_of("DECIMAL(10,2)", false) == ColumnAffinity::kNumeric);
  CHECK(affinity_of("ANY", false) == ColumnAffinity::kNumeric);
  CHECK(affinity_of("ANY", true) == ColumnAffinity::kNone);
}

TEST_CASE("text that a numeric column would change is a row error that names the way out") {
  WriterFixture f(Schema({{.name = "zip"}}));
  f.run("CREATE TABLE t(zip INTEGER)");
  f.open();
  CHECK(f.write({{text("12345")},
                 {text("007")},
                 {text("+5")},
                 {text("12345678901234567890")},
                 {text("1e400")},
                 {text("abc")},
                 {text("")},
                 {text("1.5")},
                 {nullptr}},
                kNoSource) == "133331111");
  CHECK(f.query("SELECT zip, typeof(zip) FROM t") ==
        "12345|integer\nabc|text\n|text\n1.5|real\nNULL|null");
  CHECK(f.query("SELECT count(DISTINCT code), code FROM mayfly_dead_letters") == "1|would_change");
  CHECK(f.query("SELECT reason FROM mayfly_dead_letters WHERE id = 1") ==
        "column zip: '007' would be changed by the column's INTEGER affinity; use --types zip=text "
        "(types in a pipeline; or --infer all) for a new table, or let it (--coerce, or coerce in "
        "a pipeline)");
}

TEST_CASE("under coerce affinity may change values") {
  WriterFixture f(Schema({{.name = "zip"}}));
  f.run("CREATE TABLE t(zip INTEGER)");
  f.options.coerce = true;
  f.open();
  CHECK(f.write({{text("007")}, {text("12")}}, kNoSource) == "11");
  CHECK(f.query("SELECT zip, typeof(zip) FROM t") == "7|integer\n12|integer");
}

TEST_CASE("exceptions are looked at in a column of their own type's table") {
  WriterFixture f(Schema({{.name = "n", .type = ColumnType::kInt64}}));
  f.open();
  CHECK(f.write({{num(1)}, {Exception{"n/a"}}, {Exception{"007"}}, {num(INT64_MIN)}}, kNoSource) ==
        "1131");
  CHECK(f.query("SELECT n, typeof(n) FROM t") ==
        "1|integer\nn/a|text\n-9223372036854775808|integer");
}

TEST_CASE("integers that a REAL column would round, and reals that a TEXT column would") {
  WriterFixture f(Schema(
      {{.name = "i", .type = ColumnType::kInt64}, {.name = "r", .type = ColumnType::kFloat64}}));
  f.run("CREATE TABLE t(i REAL, r TEXT)");
  f.open();
  CHECK(f.write({{num(1LL << 53), Cell(0.5)},
                 {num((1LL << 53) + 1), Cell(0.5)},
                 {num(INT64_MAX), Cell(0.5)},
                 {num(1), Cell(0.1 + 0.2)},
                 {num(1), Cell(0.1)}},
                kNoSource) == "13331");
  CHECK(f.query("SELECT i = 9007199254740992, typeof(i), r FROM t") == "1|real|0.5\n0|real|0.1");
}

// What the checks let pass, SQLite must store unchanged; what it would change must not pass.
TEST_CASE("the checks agree with what SQLite does") {
  const char* texts[] = {"0",
                         "-0",
                         "1",
                         "-1",
                         "01",
                         "1.0",
                         "1.50",
                         "1e3",
                         "0x10",
                         " 5",
                         "5 ",
                         "1_0",
                         "1e400",
                         "1e-9",
                         "nan",
                         "inf",
                         ".5",
                         "5.",
                         "-",
                         "",
                         "9223372036854775807",
                         "9223372036854775808",
                         "123456789012345",
                         "0.1234567890123456789",
                         "1e"};
  for (const char* declared : {"INTEGER", "REAL", "NUMERIC", "TEXT", "BLOB", ""}) {
    CAPTURE(declared);
    SqliteConnection db;
    REQUIRE(SqliteConnection::open(":memory:", {}, db).ok());
    REQUIRE(db.run(std::string("CREATE TABLE t(v ") + declared + ")").ok());
    const ColumnAffinity affinity = affinity_of(declared, false);
    BatchPool pool({.rows = 1, .columns = 1, .heap_bytes = 100, .intake_batches = 1});
    for (const char* value : texts) {
      CAPTURE(value);
      const Schema schema({{.name = "v"}});
      mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
      REQUIRE(put_text(*batch, 0, value));
      commit_row(*batch, {});
      SqliteStatement insert;
      REQUIRE(db.prepare("INSERT INTO t VALUES(?1)", insert).ok());
      insert.bind(1, std::string_view(value));
      REQUIRE(insert.run().ok());
      std::string stored;
      REQUIRE(db.query_text("SELECT v FROM t ORDER BY rowid DESC LIMIT 1", stored).ok());
      const bool changes = would_change(*batch, 0, 0, affinity);
      if (affinity == ColumnAffinity::kText || affinity == ColumnAffinity::kNone) {
        CHECK_FALSE(changes);
      }
      // Text compares as text; 1 in a REAL column and 1.50 are notation of the same number.
      if (!changes && affinity != ColumnAffinity::kReal && std::string(value) != "1.50") {
        CHECK(stored == value);
      }
      pool.release(batch);
    }
  }
}

TEST_CASE("a row as JSON says what JSON can't in objects") {
  const Schema schema({{.name = "i", .type = ColumnType::kInt64},
                       {.name = "r", .type = ColumnType::kFloat64},
                       {.name = "quote\"d"},
                       {.name = "b", .type = ColumnType::kBlob},
                       {.name = "none"},
                       {.name = "wrong", .type = ColumnType::kInt64}});
  WriterFixture f(schema);
  const auto heads = f.fill({{num(-5), Cell(2.0), text("a\"\\\n\x01\xC3\xA9"), Blob{"\x01\xFF"},
                              nullptr, Exception{"n/a"}},
                             {nullptr, Cell(1.0 / 0.0), text("\xFF"), nullptr, nullptr, nullptr}});
  std::string json;
  append_row_json(schema, *f.pool.batch(heads[0]), 0, UINT64_MAX, json);
  CHECK(json ==
        "{\"i\":-5,\"r\":2.0,\"quote\\\"d\":\"a\\\"\\\\\\n\\u0001\xC3\xA9\","
        "\"b\":{\"hex\":\"01ff\"},\"none\":null,\"wrong\":\"n/a\"}");
  json.clear();
  append_row_json(schema, *f.pool.batch(heads[0]), 1, UINT64_MAX, json);
  CHECK(json.find("\"r\":9e999,\"quote\\\"d\":{\"text_hex\":\"ff\"}") != std::string::npos);
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\x9D"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "a\xE2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("timestamps are ISO 8601 in UTC, before 1970 too") {
  CHECK(iso8601(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(iso8601(1'700'000'001'000'042) == "2023-11-14T22:13:21.000042Z");
  CHECK(iso8601(-1) == "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace mayfly
