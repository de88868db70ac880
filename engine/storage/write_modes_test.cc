// What a conflict does, and what a SELECT of one's own does, by rows and counts.
#include <doctest/doctest.h>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

Row pair(std::int64_t id, const char* name) { return {num(id), text(name)}; }

void with_key(WriterFixture& f, WriteMode mode) {
  f.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name); INSERT INTO t VALUES(1, 'old')");
  f.options.mode = mode;
  f.open();
  f.add_source();
}

TEST_CASE("upsert updates what is there, inserts what isn't, and counts both") {
  WriterFixture f;
  with_key(f, WriteMode::kUpsert);
  CHECK(f.write({pair(1, "new"), pair(2, "a"), pair(2, "b"), pair(3, "c")}) == "1111");
  CHECK(f.query("SELECT id, name FROM t") == "1|new\n2|b\n3|c");
  CHECK(f.query("SELECT read, written, inserted, updated FROM mayfly_offsets") == "4|4|2|2");
}

TEST_CASE("ignore leaves what is there and says which rows it ignored") {
  WriterFixture f;
  with_key(f, WriteMode::kIgnore);
  CHECK(f.write({pair(1, "new"), pair(2, "a"), pair(2, "b"), pair(3, "c")}) == "2121");
  CHECK(f.query("SELECT id, name FROM t") == "1|old\n2|a\n3|c");
  CHECK(f.query("SELECT written, inserted, ignored FROM mayfly_offsets") == "2|2|2");
}

TEST_CASE("replace counts what made way as updated") {
  WriterFixture f;
  with_key(f, WriteMode::kReplace);
  CHECK(f.write({pair(1, "new"), pair(2, "a"), pair(2, "b")}) == "111");
  CHECK(f.query("SELECT id, name FROM t") == "1|new\n2|b");
  CHECK(f.query("SELECT inserted, updated FROM mayfly_offsets") == "1|2");
}

TEST_CASE("modes count alike in WITHOUT ROWID tables and under triggers") {
  const char* ddls[] = {
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name) WITHOUT ROWID",
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name); CREATE TABLE l(x); CREATE TRIGGER g "
      "AFTER INSERT ON t BEGIN INSERT INTO l VALUES(new.id); END"};
  for (const char* ddl : ddls) {
    CAPTURE(ddl);
    WriterFixture upsert;
    upsert.run(std::string(ddl) + "; INSERT INTO t VALUES(1, 'old')");
    upsert.options.mode = WriteMode::kUpsert;
    upsert.open();
    CHECK(upsert.write({pair(1, "new"), pair(2, "a"), pair(2, "b")}, kNoSource) == "111");
    CHECK(upsert.writer->totals().rows.updated == 2);
    CHECK(upsert.writer->totals().rows.inserted == 1);
    WriterFixture ignore;
    ignore.run(std::string(ddl) + "; INSERT INTO t VALUES(1, 'old')");
    ignore.options.mode = WriteMode::kIgnore;
    ignore.open();
    CHECK(ignore.write({pair(1, "new"), pair(2, "a"), pair(2, "b")}, kNoSource) == "212");
    CHECK(ignore.query("SELECT group_concat(name) FROM t") == "old,a");
  }
}

TEST_CASE("ON CONFLICT IGNORE of the table itself is noticed in plain insert mode") {
  WriterFixture f;
  f.run("CREATE TABLE t(id UNIQUE ON CONFLICT IGNORE, name)");
  f.open();
  CHECK(f.write({pair(1, "a"), pair(1, "b"), pair(2, "c")}, kNoSource) == "121");
  CHECK(f.write({pair(2, "d"), pair(3, "e")}, kNoSource) == "21");
}

TEST_CASE("an upsert of nothing but keys ignores what is there") {
  WriterFixture f(Schema({{.name = "id", .type = ColumnType::kInt64, .key = true}}));
  f.options.mode = WriteMode::kUpsert;
  f.open();
  CHECK(f.write({{num(1)}, {num(1)}, {num(2)}}, kNoSource) == "121");
}

TEST_CASE("a SELECT over mayfly_batch takes the columns' place") {
  WriterFixture f;
  f.options.select =
      "SELECT id * 2 AS twice, upper(name) AS loud, _ordinal AS number FROM mayfly_batch";
  f.open();
  f.add_source();
  CHECK(f.write(f.numbered(5, 2)) == "11");
  CHECK(f.query("SELECT twice, loud, number FROM t") == "10|NAME 5|0\n12|NAME 6|1");
}

TEST_CASE("rows that the SELECT leaves out are dropped, and those it fails on rejected") {
  WriterFixture f;
  f.options.select = "SELECT id, json_extract(name, '$.n') AS n FROM mayfly_batch WHERE id > 1";
  f.open();
  CHECK(f.write({pair(1, "{}"), pair(2, "{\"n\":5}"), pair(3, "{"), pair(4, "{\"n\":6}")},
                kNoSource) == "4131");
  CHECK(f.query("SELECT id, n FROM t") == "2|5\n4|6");
  CHECK(f.writer->totals().rows.dropped == 1);
}

TEST_CASE("rows that the SELECT leaves out are dropped in upsert and replace, too") {
  for (const WriteMode mode : {WriteMode::kUpsert, WriteMode::kReplace}) {
    WriterFixture f;
    f.options.select = "SELECT id, name FROM mayfly_batch WHERE id < 3";
    with_key(f, mode);
    CHECK(f.write({pair(1, "new"), pair(2, "a"), pair(3, "b"), pair(4, "c")}) == "1144");
    CHECK(f.query("SELECT read, written, ignored, dropped FROM mayfly_offsets") == "4|2|0|2");
  }
}

TEST_CASE("per batch a SELECT may group, and a batch is answered as a whole") {
  WriterFixture f(WriterFixture::id_and_name(), 4);
  f.options.select = "SELECT name, sum(id) AS total FROM mayfly_batch GROUP BY name";
  f.options.per_batch = true;
  f.run("CREATE TABLE t(name, total CHECK(total < 100))");
  f.open();
  CHECK(f.write({pair(1, "a"), pair(2, "a"), pair(3, "b"), pair(4, "a"),   //
                 pair(99, "a"), pair(2, "a"), pair(3, "b"), pair(4, "a"),  //
                 pair(5, "c")},
                kNoSource) == "111133331");
  CHECK(f.query("SELECT name, total FROM t") == "a|7\nb|3\nc|5");
}

}  // namespace
}  // namespace mayfly
