// What a SELECT hands through is stored as it came, or not at all.
#include "mayfly/storage/target_select.h"

#include <doctest/doctest.h>

#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/select_text.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

Schema typed() {
  return Schema({{.name = "id", .type = ColumnType::kInt64},
                 {.name = "zip"},
                 {.name = "r", .type = ColumnType::kFloat64},
                 {.name = "v", .type = ColumnType::kAny}});
}

TEST_CASE("which columns a SELECT hands through is known whatever they are called there") {
  WriterFixture f(typed());
  f.run("CREATE TABLE other(o INTEGER)");
  f.options.select = "SELECT id, zip, r, v FROM mayfly_batch";
  f.open();  // for mayfly_batch
  BatchTable batches(f.schema, f.pool);
  SqliteConnection connection = f.connect();
  REQUIRE(batches.attach(connection).ok());
  const auto found = look_at_select(
      connection,
      "WITH x AS (SELECT b.v AS w, zip, id FROM mayfly_batch b) "
      "SELECT (w) AS w, zip AS code, id + 0 AS sum, o, id FROM x JOIN (SELECT o FROM other)",
      f.schema);
  REQUIRE(found.ok());
  std::string text;
  for (const auto& column : found->columns) {
    text += column.name + ":" + std::string(name_of(column.type)) + ":" +
            (column.origin ? std::to_string(*column.origin) : "-") + " ";
  }
  CHECK(text == "w:any:3 code:text:1 sum:any:- o:int64:- id:int64:0 ");
  CHECK(found->dependence.empty());
  CHECK_FALSE(found->one_scan);
}

TEST_CASE("a SELECT may end in a semicolon or a comment; two statements or none are refused") {
  for (const char* select :
       {"SELECT id, name FROM mayfly_batch;", "SELECT id, name FROM mayfly_batch -- as it is",
        "SELECT id, name FROM mayfly_batch; -- all; of it\n ",
        "SELECT id, name FROM mayfly_batch -- a\n;"}) {
    CAPTURE(select);
    WriterFixture f;
    f.options.select = select;
    f.open();
    f.add_source();
    CHECK(f.write({{num(1), text("a")}}) == "1");
    CHECK(f.query("SELECT id, name FROM t") == "1|a");
  }
  const auto refusal = [](const char* select) {
    WriterFixture f;
    f.options.select = select;
    return f.try_open().message();
  };
  const std::string expected = "; expected a SELECT over mayfly_batch";
  CHECK(refusal("SELECT id FROM mayfly_batch; DELETE FROM t") ==
        "select: a second statement follows the first" + expected);
  CHECK(refusal("SELECT id FROM mayfly_batch; nonsense") ==
        "select: a second statement follows the first" + expected);
  CHECK(refusal("-- nothing") == "select: there is no statement in it" + expected);
  CHECK(refusal("SELECT id FROM mayfly_batch) x, (SELECT 1") ==
        "select: near \")\": syntax error" + expected);
  CHECK(refusal("DELETE FROM mayfly_batch").starts_with("select: "));
  CHECK(refusal("SELECT id, name FROM mayfly_batch WHERE id = :x") ==
        "select: nothing gives its parameter :x a value" + expected);
  CHECK(refusal("SELECT id, ? AS name FROM mayfly_batch") ==
        "select: nothing gives its parameter ? a value" + expected);
  CHECK(refusal("SELECT id, name FROM mayfly_batch WHERE id = ?2") ==
        "select: nothing gives its parameter ?2 a value" + expected);
}

TEST_CASE("a SELECT's text is looked at before there is a database") {
  const auto refusal = [](const char* select) { return check_select_text(select, true).message(); };
  for (const char* select :
       {"SELECT nobody FROM mayfly_batch", "SELECT a FROM mayfly_batch; -- all",
        "SELECT unknown_function(a) FROM mayfly_batch JOIN other USING(a)",
        "WITH x AS (SELECT * FROM mayfly_batch) SELECT * FROM x;\n"}) {
    CHECK_MESSAGE(check_select_text(select, false).ok(), refusal(select));
  }
  const std::string expected = "; expected a SELECT over mayfly_batch";
  CHECK(refusal("SELEC a") == "select: near \"SELEC\": syntax error" + expected);
  CHECK(refusal("SELECT (a FROM mayfly_batch").starts_with("select: near \"FROM\""));
  CHECK(refusal("SELECT (a") == "select: incomplete input" + expected);
  CHECK(refusal("SELECT 'a") == "select: unrecognized token: \"'a\"" + expected);
  CHECK(refusal("DELETE FROM mayfly_batch").starts_with("select: near \"DELETE\""));
  CHECK(refusal("EXPLAIN SELECT a FROM mayfly_batch").starts_with("select: near "));
  CHECK(refusal("; SELECT a FROM mayfly_batch").starts_with("select: near \";\""));
  CHECK(refusal("WITH x AS (SELECT 1), x AS (SELECT 2) SELECT a FROM mayfly_batch").empty());
  for (const char* name : {":x", "?", "?2", "@x", "$x"}) {
    CHECK(refusal(("SELECT nobody FROM mayfly_batch WHERE a = " + std::string(name)).c_str()) ==
          "select: nothing gives its parameter " + std::string(name) + " a value" + expected);
  }
  for (const char* none : {"SELECT ':x', a$b, \"?\", [@x] FROM mayfly_batch -- $x",
                           "SELECT a FROM \"near \"\"x\"\": syntax error\"",
                           "SELECT \"unrecognized token: \" FROM \"incomplete input\""}) {
    CHECK_MESSAGE(refusal(none).empty(), refusal(none));
  }
  CHECK(refusal(" -- a") == "select: there is no statement in it" + expected);
  CHECK(refusal("SELECT a FROM mayfly_batch; DELETE FROM t") ==
        "select: a second statement follows the first" + expected);
}

TEST_CASE("what a SELECT gives by batch borders shows before there is a database") {
  for (const auto& [select, word] : {std::pair{"SELECT a FROM mayfly_batch LIMIT 1", "LIMIT"},
                                     std::pair{"SELECT count(*) FROM mayfly_batch", "COUNT"},
                                     std::pair{"VALUES (1, 2)", "it doesn't read mayfly_batch"},
                                     std::pair{"PRAGMA foo", "it doesn't read mayfly_batch"}}) {
    CAPTURE(select);
    CHECK(check_select_text(select, false).message() ==
          "select: what it gives depends on where a batch ends (" + std::string(word) +
              "); per_batch = true says that this is meant");
    CHECK(check_select_text(select, true).ok());
  }
}

TEST_CASE("two columns of a SELECT that are called the same are refused") {
  WriterFixture f;
  f.options.select = "SELECT id AS a, name AS A FROM mayfly_batch";
  CHECK(f.try_open().message() ==
        "select: two of its columns are called \"A\", name them apart (AS); expected a SELECT over "
        "mayfly_batch");
}

TEST_CASE("a value that a SELECT hands through and a column would change is a dead letter") {
  WriterFixture f(typed());
  f.run("CREATE TABLE t(id INTEGER, zip INTEGER, r TEXT, v REAL)");
  f.options.select = "SELECT id, zip, r, v FROM mayfly_batch WHERE id <> 9";
  f.open();
  f.add_source();
  CHECK(f.write({{num(1), text("7"), Cell(1.5), num(5)},
                 {num(2), text("007"), Cell(1.5), num(5)},
                 {num(3), text("12345678901234567890"), Cell(1.5), num(5)},
                 {num(4), text("1e400"), Cell(1.5), num(5)},
                 {num(5), text("word"), Cell(0.1 + 0.2), num(5)},
                 {num(6), text("x"), Cell(1.5), num(9007199254740993)},
                 {Exception{"0x"}, text("x"), Cell(1.5), text("+1")},
                 {Exception{"08"}, nullptr, nullptr, nullptr},
                 {num(9), text("007"), nullptr, nullptr},
                 {num(10), nullptr, nullptr, nullptr}}) == "1333333341");
  CHECK(f.query("SELECT id, zip, r, v FROM t") == "1|7|1.5|5.0\n10|NULL|NULL|NULL");
  CHECK(f.query("SELECT DISTINCT code FROM mayfly_dead_letters") == "would_change");
  CHECK(
      f.query("SELECT reason FROM mayfly_dead_letters ORDER BY id LIMIT 1") ==
      "column zip: '007' would be changed by the column's INTEGER affinity; if that is meant, CAST "
      "it in select, else give the column another type");
}

TEST_CASE("exceptions in what only they can change are looked at, in whichever batch they come") {
  WriterFixture f(WriterFixture::id_and_name(), 4);
  f.run("CREATE TABLE t(id INTEGER, name TEXT)");
  f.options.select = "SELECT id, name FROM mayfly_batch";
  f.open();
  f.add_source();
  std::vector<Row> rows = f.numbered(1, 12);
  rows[6][0] = Exception{"007"};
  rows[9][0] = Exception{"seven"};
  CHECK(f.write(rows) == "111111311111");
  CHECK(f.write(f.numbered(13, 4)) == "1111");
  CHECK(f.query("SELECT count(*), count(DISTINCT id), group_concat(DISTINCT typeof(id)) FROM t") ==
        "15|15|integer,text");
}

TEST_CASE("what a SELECT computes is looked at as well, and CAST or coerce say that it is meant") {
  const auto write = [](const char* expression, bool coerce) {
    WriterFixture f;
    f.run("CREATE TABLE t(id INTEGER, name TEXT)");
    f.options.select = "SELECT " + std::string(expression) + " AS id, name FROM mayfly_batch";
    f.options.coerce = coerce;
    f.open();
    const std::string outcome = f.write(f.numbered(7, 1), kNoSource);
    return outcome + f.query("SELECT id FROM t");
  };
  CHECK(write("'00' || id", false) == "3");
  CHECK(write("'00' || id", true) == "17");
  CHECK(write("CAST('00' || id AS INTEGER)", false) == "17");
  CHECK(write("id * 2", false) == "114");
}

TEST_CASE("per batch a value that would be changed costs its batch") {
  WriterFixture f(WriterFixture::id_and_name(), 2);
  f.run("CREATE TABLE t(name INTEGER, total)");
  f.options.select = "SELECT name, sum(id) AS total FROM mayfly_batch GROUP BY name";
  f.options.per_batch = true;
  f.open();
  CHECK(
      f.write({{num(1), text("5")}, {num(2), text("5")}, {num(3), text("05")}, {num(4), text("5")}},
              kNoSource) == "1133");
  CHECK(f.query("SELECT name, total FROM t") == "5|3");
}

TEST_CASE("numbers that were read from text are refused for text also behind a SELECT") {
  WriterFixture f(typed());
  f.run("CREATE TABLE t(zip TEXT)");
  f.options.parsed = true;
  f.options.select = "SELECT r AS zip FROM mayfly_batch";
  const Status refused = f.try_open();
  CHECK(refused.code() == Code::kConfig);
  CHECK_MESSAGE(refused.message().find("types = [\"r=text\"]") != std::string::npos,
                refused.message());
  CHECK(refused.message().find("CAST") == std::string::npos);
}

TEST_CASE("a table that a SELECT makes has the types of what is handed through") {
  WriterFixture f(Schema({{.name = "b", .type = ColumnType::kBlob},
                          {.name = "at", .type = ColumnType::kTimestamp},
                          {.name = "any", .type = ColumnType::kAny}}));
  f.options.select = "SELECT b, at AS time, any, at + 1 AS later FROM mayfly_batch";
  f.open();
  CHECK(f.query("SELECT name, type FROM pragma_table_info('t')") ==
        "b|BLOB\ntime|INTEGER\nany|\nlater|");
}

}  // namespace
}  // namespace mayfly
