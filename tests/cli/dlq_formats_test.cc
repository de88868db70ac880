// `mayfly dlq replay`: how the records of letters are read, and what becomes of them.
#include <doctest/doctest.h>

#include "tests/cli/dlq_fixture.h"

using namespace mayfly::testing;

TEST_CASE("dlq replay: records of JSON, with keys that a table's defaults stand in for") {
  const DlqFixture f("json");
  f.database.run(
      "CREATE TABLE events(id INTEGER PRIMARY KEY, name TEXT, made TEXT DEFAULT 'now', n INTEGER)");
  f.ingest("events.ndjson",
           "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\n{\"id\":3,\"name\":true,}\n");
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = '{\"id\":2,\"name\":12.50}' WHERE id = 1;"
      "UPDATE mayfly_dead_letters SET raw = '{\"id\":3,' || char(10) || '\"name\":{\"a\": 1}}' "
      "WHERE id = 2");
  CHECK(f.replay(0).inserted == 2);
  CHECK(f.database.rows("SELECT * FROM events") ==
        Rows{"1|a|now|NULL", "2|12.50|now|NULL", "3|{\"a\": 1}|now|NULL"});
}

TEST_CASE("dlq replay: CSV with other delimiters, and columns in another order") {
  const DlqFixture f("csv");
  f.ingest("t.csv", "b;a\n'x;y';1\n2;\n'z\n",
           {"--delimiter", ";", "--quote", "'", "--types", "a=int64"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '''z;'';2'");
  CHECK(f.replay(0, {"--delimiter", ";", "--quote", "'", "--columns", "b,a"}).inserted == 1);
  CHECK(f.database.rows("SELECT b, a, typeof(a) FROM t ORDER BY rowid DESC LIMIT 1") ==
        Rows{"z;|2|integer"});
  const Outcome unknown = f.dlq("replay", {"--columns", "c"});
  CHECK(unknown.status == 0);  // there is no letter left that would have them
  CHECK(contains(unknown.err, "no dead letter in "));
}

// Without a word of the file's, its values would land in columns of other names.
TEST_CASE("dlq replay: a record's fields are the columns that its file had, in its dialect") {
  const DlqFixture f("format");
  f.database.run("CREATE TABLE t(id INTEGER, name TEXT, score REAL, note TEXT)");
  f.ingest("a.csv", "name;score;no\nAda;1;1\n'a;b';-;2;more\nx;0;3\n4\n",
           {"--table", "t", "--delimiter", ";", "--quote", "'", "--null", "-", "--rename", "no=id",
            "--types", "score=float64"});
  f.ingest("b.tsv", "note\tid\textra\na\t5\tx\ny\tz\tv\tw\n",
           {"--table", "t", "--columns", "id,note"});
  f.ingest("c.ndjson", "{\"no\":8}\n{\"no\":9,\n", {"--table", "t", "--rename", "no=id"});
  CHECK(f.letters() == 4);
  CHECK(contains(f.dlq("show", {"1"}).out,
                 R"(  format    {"format":"csv","columns":["name","score","id"],"types":)"));
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = CASE id WHEN 1 THEN '''a;b'';-;2' WHEN 2 THEN "
      "'y;0;4' WHEN 3 THEN 'it''s' || char(9) || 6 || char(9) || 'v' ELSE '{\"no\":9}' END");
  const std::string shown = f.dlq("show", {"1", "2", "3", "4", "--output", "json"}).out;
  CHECK(contains(shown, R"("fields":["2","1"],"field_count":3,"delimiter")"));
  const Outcome outcome = f.dlq("replay", {"--from", f.file("letters", shown)});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(f.database.rows("SELECT * FROM t ORDER BY id") ==
        Rows{"1|Ada|1.0|NULL", "2|a;b|NULL|NULL", "3|x|0.0|NULL", "4|y|0.0|NULL", "5|NULL|NULL|a",
             "6|NULL|NULL|it's", "8|NULL|NULL|NULL", "9|NULL|NULL|NULL"});
  CHECK(f.letters() == 0);
}

TEST_CASE(
    "dlq replay: a line of NDJSON that is no object stays one, whatever CSV would make of it") {
  const DlqFixture f("no_objects");
  f.ingest("t.ndjson", "{\"a\":1,\"c\":3}\n[1,2]\n7,8\nnull\n", {"--rename", "c=z"});
  f.ingest("u.ndjson", "{\"a\":1}\n5\n\"text\"\n");
  CHECK(f.replay(65, {"--target", "t"}).rejected == 3);
  CHECK(f.replay(65, {"--target", "u"}).rejected == 2);
  CHECK(f.database.rows("SELECT a, z FROM t") == Rows{"1|3"});
  CHECK(f.database.rows("SELECT a FROM u") == Rows{"1"});
}

TEST_CASE("dlq replay: a record of CSV that begins with a brace is CSV") {
  const DlqFixture f("braces");
  f.ingest("t.csv", "payload;id\nx;1\n{y\n", {"--delimiter", ";"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '{\"k\":2};6'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT payload, id FROM t") == Rows{"x|1", "{\"k\":2}|6"});
}

TEST_CASE("dlq replay: a type that the table doesn't show is the file's") {
  const DlqFixture f("types");
  f.ingest("t.csv", "id,b\n1,true\n2\n", {"--types", "b=bool"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '2,false'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT id, b, typeof(b) FROM t") == Rows{"1|1|integer", "2|0|integer"});
}

TEST_CASE("dlq replay: rows go through --sql and --where as they would have") {
  const DlqFixture f("select");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
  f.ingest(
      "a.csv", "id,name\n1,ada\n2\n1,again\n",
      {"--table", "t", "--sql", "SELECT id * 10 AS id, upper(name) AS name FROM mayfly_batch"});
  f.ingest("b.csv", "id,name\n5,x\n6\n7\n", {"--table", "t", "--where", "id < 7"});
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = CASE line WHEN 3 THEN '2,grace' ELSE '7,y' END WHERE "
      "columns IS NULL; UPDATE mayfly_dead_letters SET raw = '6,x' WHERE id = 3");
  f.database.run(
      "UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', 3) WHERE columns IS NOT "
      "NULL");
  const Outcome outcome = f.dlq("replay");
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"5|x", "6|x", "10|ADA", "20|GRACE", "30|AGAIN"});
  CHECK(f.letters() == 0);
  CHECK(f.database.integer("SELECT count(*) FROM mayfly_record_formats") == 0);
}

// Comparisons go by a column's type, so a replay's have those that they had.
TEST_CASE("dlq replay: what --where let pass it lets pass again, whatever it compares") {
  const DlqFixture f("select_types");
  f.ingest("i.csv", "id,n\n1,a\n1,b\n", {"--table", "t", "--pk", "id", "--where", "id > '0'"});
  CHECK(f.replay(0, {"--upsert"}).updated == 1);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|b"});
  f.ingest("z.csv", "zip,n\n12345,a\n12345\n",
           {"--table", "z", "--types", "zip=text", "--where", "zip = 12345"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '12345,b'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT zip, typeof(zip), n FROM z") ==
        Rows{"12345|text|a", "12345|text|b"});
}

TEST_CASE("dlq replay: a bool that was stored as a letter is one behind --where, too") {
  const DlqFixture f("bool_letters");
  f.database.run("CREATE TABLE t(u INTEGER PRIMARY KEY, b)");
  f.database.run("INSERT INTO t VALUES (1, 5), (2, 5)");
  f.ingest("n.ndjson", "{\"u\":1,\"b\":true}\n{\"u\":2,\"b\":false}\n",
           {"--table", "t", "--where", "typeof(b) = 'integer'"});
  CHECK(f.replay(0, {"--upsert"}).updated == 2);
  CHECK(f.database.rows("SELECT u, b, typeof(b) FROM t") == Rows{"1|1|integer", "2|0|integer"});
}

TEST_CASE("dlq replay: of JSON, types that no number shows are the file's; a missing key is NULL") {
  const DlqFixture f("json_types");
  f.ingest("n.ndjson", "{\"a\":1,\"b\":\"x\",\"c\":true}\n[1\n",
           {"--table", "t", "--types", "a=text,b=blob,c=json"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '{\"a\":1,\"b\":\"x\",\"c\":true}'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT DISTINCT a, typeof(a), typeof(b), c, typeof(c) FROM t") ==
        Rows{"1|text|blob|true|text"});
  f.ingest("m.ndjson", "{\"a\":1,\"b\":\"x\"}\n[1\n",
           {"--table", "m", "--sql", "SELECT a, upper(b) AS b FROM mayfly_batch"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '{\"a\":5}'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT a, b FROM m") == Rows{"1|X", "5|NULL"});
}

TEST_CASE("dlq replay: a record is corrected by its values, too") {
  const DlqFixture f("by_values");
  f.ingest("c.csv", "a,b\n1,x\n2\n", {"--table", "t"});
  const std::string from = f.file("l", "{\"id\":1,\"columns\":{\"a\":5,\"b\":\"k\"}}\n");
  CHECK(f.replay(0, {"--from", from}).inserted == 1);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|x", "5|k"});
}

TEST_CASE("dlq replay: a record whose columns the table hasn't is named, until they are given") {
  const DlqFixture f("format_gone");
  f.ingest("t.csv", "b,a\n1,2\n3\n");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '3,4'; ALTER TABLE t RENAME COLUMN b TO c");
  const Outcome refused = f.dlq("replay");
  CHECK(refused.status == 65);
  CHECK(contains(refused.err,
                 "letter 1 stays as it is: its record is of the columns b, a, and "
                 "table t has no column \"b\"; say which columns"));
  CHECK(f.replay(0, {"--columns", "c,a"}).inserted == 1);
  CHECK(f.database.rows("SELECT c, a FROM t") == Rows{"1|2", "3|4"});
}

TEST_CASE("dlq: letters of a database that is older have no format, until one comes") {
  const DlqFixture f("older");
  f.ingest("t.csv", "b,a\n1,2\n3\n");
  f.database.run(
      "ALTER TABLE mayfly_dead_letters DROP COLUMN format; DROP TABLE mayfly_record_formats");
  CHECK(contains(f.dlq("show", {"1"}).out, "  raw       3\n"));
  f.ingest("t.csv", "a,b\n1,2\n3\n");
  CHECK(f.database.rows("SELECT id, format FROM mayfly_dead_letters") == Rows{"1|NULL", "2|1"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '5,6'");
  CHECK(f.replay(0).inserted == 2);
  CHECK(f.database.rows("SELECT b, a FROM t ORDER BY b") == Rows{"1|2", "2|1", "5|6", "6|5"});
}

TEST_CASE("dlq purge: what is said of letters goes with the last of them") {
  const DlqFixture f("purge_format");
  f.ingest("t.csv", "b,a\n1,2\n3\n4\n");
  f.ingest("u.csv", "b\tc\n1\t2\n3\n", {"--delimiter", "tab"});
  CHECK(f.database.integer("SELECT count(*) FROM mayfly_record_formats") == 2);
  CHECK(f.dlq("purge", {"1", "3"}).status == 0);
  CHECK(f.database.rows("SELECT id FROM mayfly_record_formats") == Rows{"1"});
  CHECK(f.dlq("purge", {"--all"}).status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM mayfly_record_formats") == 0);
}

TEST_CASE("dlq replay --coerce: what a column would change is written as it changes it") {
  const People f("coerce");
  CHECK(f.replay(65, {"3"}).rejected == 1);
  CHECK(f.replay(0, {"3", "--coerce"}).inserted == 1);
  CHECK(f.database.rows("SELECT id, typeof(id) FROM people WHERE name = 'Joan'") ==
        Rows{"7|integer"});
}

TEST_CASE("dlq replay --on-extra ignore: keys that no column is for are left out") {
  const DlqFixture f("extra");
  f.ingest("t.ndjson", "{\"id\":1}\n{\"id\":2,\"more\":1}\n",
           {"--columns", "id", "--on-extra", "error"});
  const Outcome refused = f.dlq("replay");
  CHECK(refused.status == 65);
  CHECK(contains(f.database.text("SELECT reason FROM mayfly_dead_letters"), "--on-extra ignore"));
  CHECK(f.replay(0, {"--on-extra", "ignore"}).inserted == 1);
  CHECK(f.database.rows("SELECT id FROM t") == Rows{"1", "2"});
}

TEST_CASE("dlq replay: records that aren't UTF-8 stay letters until they are") {
  const DlqFixture f("bytes");
  f.ingest("t.csv", "id,name\n1,x\n1,\xF6\n2\xFC\n", {"--pk", "id"});
  CHECK(f.database.rows("SELECT code, hex(raw) FROM mayfly_dead_letters") ==
        Rows{"utf8|312CF6", "fields|32FC"});
  CHECK(contains(f.dlq("show", {"2", "--output", "json"}).out, "\"raw_base64\":\"Mvw=\""));
  CHECK(f.replay(65).inserted == 0);
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = x'352cc3b6' WHERE id = 1;"
      "UPDATE mayfly_dead_letters SET raw = x'322cc3bc' WHERE id = 2");
  CHECK(f.replay(0).inserted == 2);
  CHECK(f.database.rows("SELECT id, hex(name), typeof(name) FROM t") ==
        Rows{"1|78|text", "2|C3BC|text", "5|C3B6|text"});
}

TEST_CASE(
    "dlq replay: rows that nodes of a pipeline would have changed are told, and written as they "
    "are") {
  const DlqFixture f("past_nodes");
  const std::string csv = f.file("orders.csv", "id,name\n1,ada\n2,grace,x\n3,mary,y\n0,joan\n");
  const std::string pipeline =
      f.file("orders.toml",
             "[source.orders]\nplugin = \"file\"\npath = \"" + csv +
                 "\"\n\n[node.big]\nplugin = \"filter\"\ninput = \"orders\"\nwhere = \"id > 0\"\n"
                 "\n[writer]\ninput = \"big\"\ndatabase = \"" +
                 f.database.path() + "\"\ntable = \"orders\"\n");
  const Outcome run = run_mayfly({"run", pipeline});
  REQUIRE_MESSAGE(run.status == 65, run.err);
  REQUIRE(f.letters() == 2);
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = CASE id WHEN 1 THEN '2,grace' ELSE '-3,mary' END");
  const Outcome outcome = f.dlq("replay");
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.err,
                 "warning: letters 1, 2 were turned down before they passed big of their pipeline, "
                 "and are written without"));
  CHECK(f.database.rows("SELECT id, name FROM orders ORDER BY id") ==
        Rows{"-3|mary", "1|ada", "2|grace"});
}

TEST_CASE("dlq replay: a letter without a value isn't a row of NULLs") {
  const People f("no_value");
  const std::string from = f.file("l", "{\"id\":1,\"columns\":{}}\n");
  const Outcome outcome = f.dlq("replay", {"--from", from});
  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "letter 1 stays as it is: its columns have no value; correct it"));
  CHECK(f.database.integer("SELECT count(*) FROM people") == 1);
}

// What its file hadn't can't be said by what one record has.
TEST_CASE(
    "dlq replay: a key that a record of JSON lacks is NULL, as ingest has it; another is taken") {
  const DlqFixture f("json_keys");
  f.database.run("CREATE TABLE t(a INTEGER, b TEXT DEFAULT 'd', c TEXT NOT NULL DEFAULT 'c')");
  f.ingest("n.ndjson", "{\"a\":1,\"b\":\"x\"}\n[1\n[2\n", {"--table", "t"});
  f.database.run(
      "UPDATE mayfly_dead_letters SET raw = CASE id WHEN 1 THEN '{\"a\":true}' ELSE "
      "'{\"b\":\"y\",\"c\":\"z\"}' END");
  CHECK(f.replay(0).inserted == 2);
  CHECK(f.database.rows("SELECT * FROM t ORDER BY b DESC") ==
        Rows{"NULL|y|z", "1|x|c", "true|NULL|c"});
}

TEST_CASE(
    "dlq replay: a letter's row has its own columns, whatever other letters of its file have") {
  const DlqFixture f("own_columns");
  f.database.run(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'bad'), b TEXT DEFAULT 'd');"
      "INSERT INTO t VALUES (1, 'o', 'precious'), (2, 'o', 'other')");
  f.ingest("in.csv", "id,a\n1,bad\n3,bad\n", {"--table", "t", "--upsert"});
  f.ingest("in.csv", "id,a,b\n2,bad,B\n", {"--table", "t", "--upsert"});
  f.database.run("UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.a', 'good')");
  CHECK(f.replay(0, {"--upsert"}).updated == 2);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|good|precious", "2|good|B", "3|good|d"});
}

// What was no number of its column's type is text in the letter, as it was in the batch.
TEST_CASE("dlq replay: a value that isn't of its column's type goes behind --where as it went") {
  const DlqFixture f("exceptions");
  std::string csv = "id,v,b\n";
  for (int i = 1; i <= 1100; ++i) csv += std::to_string(i) + "," + std::to_string(i) + ",true\n";
  f.ingest("a.csv", csv + "1101,1.5,7\n1,2.5,7\n",
           {"--table", "t", "--pk", "id", "--where", "id > 0 AND v > 0"});
  f.database.run("DELETE FROM t WHERE id = 1");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT id, v, typeof(v), b, typeof(b) FROM t WHERE id IN (1, 1101)") ==
        Rows{"1|2.5|real|7|text", "1101|1.5|real|7|text"});
}

TEST_CASE("dlq replay: a row without a column of the key is refused by itself") {
  const DlqFixture f("key_column");
  f.database.run("CREATE TABLE t(a INTEGER NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY(a, b))");
  f.ingest("n.ndjson", "{\"a\":1,\"b\":1,\"v\":1}\n[\n[2\n", {"--table", "t"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '{\"a\":7,\"b\":7}' WHERE id = 2");
  const std::string from = f.file("l",
                                  "{\"id\":1,\"columns\":{\"a\":2,\"v\":3}}\n{\"id\":2,\"raw\":\"{"
                                  "\\\"a\\\":7,\\\"b\\\":7}\"}\n");
  CHECK(f.dlq("replay", {"--from", from}).status == 65);
  CHECK(f.database.rows("SELECT a, b FROM t") == Rows{"1|1", "7|7"});
  CHECK(f.database.rows("SELECT code FROM mayfly_dead_letters") == Rows{"not_null"});
}

TEST_CASE("dlq replay: of two letters of a key the newer counts, whatever columns they have") {
  const DlqFixture f("newer");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'bad'), b TEXT)");
  f.ingest("in.csv", "id,a,b\n7,bad,B\n", {"--table", "t", "--upsert"});
  f.ingest("in.csv", "id,a\n7,bad\n", {"--table", "t", "--upsert"});
  f.database.run(
      "UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.a', iif(id = 1, 'old', "
      "'new'))");
  CHECK(f.replay(0, {"--upsert"}).updated == 1);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"7|new|B"});
}

TEST_CASE(
    "dlq replay: a letter lacks no column that its SELECT reads, and has one of its table's") {
  const DlqFixture f("lacks");
  f.database.run(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> 'bad'), b TEXT DEFAULT 'd');"
      "INSERT INTO t VALUES (1, 'o', 'precious')");
  f.ingest("in.csv", "id,a,b\n1,bad,B\n2,bad,C\n",
           {"--table", "t", "--upsert", "--where", "id > 0"});
  f.ingest("no.csv", "id,a\n3,bad\n", {"--table", "t"});
  const std::string from = f.file("l",
                                  "{\"id\":1,\"columns\":{\"id\":1,\"a\":\"good\"}}\n"
                                  "{\"id\":2,\"columns\":{\"ID\":2,\"A\":\"good\",\"b\":null}}\n"
                                  "{\"id\":3,\"columns\":{\"nobody\":3}}\n");
  const Outcome outcome = f.dlq("replay", {"--from", from, "--upsert", "--on-extra", "ignore"});
  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err,
                 "letter 1 stays as it is: it has no column \"b\", which the SELECT "
                 "of its writer reads; give it one, or null; correct it"));
  CHECK(contains(outcome.err,
                 "letter 3 stays as it is: none of its columns (nobody) is one of "
                 "table t (id, a, b); correct it"));
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|o|precious", "2|good|NULL"});
}
