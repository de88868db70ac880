// `mayfly dlq`: letters are listed, shown, corrected, written once more, deleted.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

using Rows = std::vector<std::string>;

struct Fixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  void ingest(const std::string& name, const std::string& text, Rows more = {}) const {
    more.insert(more.begin(), {"ingest", file(name, text), "--into", database.path()});
    const Outcome outcome = run_mayfly(std::move(more));
    REQUIRE_MESSAGE(outcome.status == 65, outcome.err);
  }
  Outcome dlq(const std::string& action, Rows more = {}) const {
    more.insert(more.begin(), {"dlq", action, database.path()});
    return run_mayfly(std::move(more));
  }
  // A replay that comes to its end; what it says of each table.
  JsonSummary replay(int status, Rows more = {}) const {
    more.insert(more.end(), {"--output", "json"});
    const Outcome outcome = dlq("replay", std::move(more));
    CHECK_MESSAGE(outcome.status == status, outcome.err);
    return parse_summary(outcome.out);
  }
  std::int64_t letters() const {
    return database.integer("SELECT count(*) FROM mayfly_dead_letters");
  }
  bool is_clean() const {
    return database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mayfly_replay%'") +
               database.integer(
                   "SELECT count(*) FROM mayfly_offsets WHERE source LIKE 'mayfly_replay%'") ==
           0;
  }
};

// With letters 1 (two fields in place of three), 2 (a key that is there) and 3 (007 for a number).
struct People : Fixture {
  explicit People(const std::string& name) : Fixture(name) {
    ingest("people.csv", "id,name,score\n1,Ada,1.5\n2,Grace\n1,Mary,2.5\n", {"--pk", "id"});
    ingest("more.csv", "id,name,score\n007,Joan,1\n", {"--table", "people", "--types", "id=int64"});
    REQUIRE(letters() == 3);
  }
};

}  // namespace

TEST_CASE("dlq list: letters oldest first, by filter, and counts in the end") {
  const People f("list");
  const Outcome all = f.dlq("list");
  CHECK(all.status == 0);
  CHECK(std::ranges::count(all.out, '\n') == 7);
  CHECK(all.out.starts_with("1  20"));
  CHECK(contains(all.out, "Z  people  fields  " + f.folder + "/people.csv:3: expected 3 fields"));
  CHECK(all.out.find("  fields  ") < all.out.find("  primary_key  "));
  CHECK(contains(all.out, "3 letters\n  people  "));
  const Outcome few = f.dlq("list", {"--code", "fields", "--target", "PEOPLE", "--source",
                                     "people.csv", "--since", "1h", "--output", "json"});
  CHECK(few.status == 0);
  CHECK(std::ranges::count(few.out, '\n') == 2);
  CHECK(few.out.starts_with("{\"id\":1,\"at\":\"20"));
  CHECK(few.out.ends_with(
      "{\"letters\":1,\"counts\":[{\"target\":\"people\",\"code\":\"fields\",\"letters\":1}]}\n"));
  const Outcome newest = f.dlq("list", {"--limit", "1"});
  CHECK(newest.out.starts_with("3  "));
  CHECK(contains(newest.out, "3 letters\n"));
  CHECK(contains(newest.err, "the newest 1 are shown; --limit 10 shows more, --limit 0 all"));
  const Outcome none = f.dlq("list", {"--target", "other"});
  CHECK(none.status == 0);
  CHECK(none.out.empty());
  CHECK(contains(none.err, "no dead letter in " + f.database.path() + " is of that kind"));
  CHECK(f.dlq("list", {"--since", "soon"}).status == 64);
}

TEST_CASE("dlq show: everything of some letters, as text and as JSON") {
  const People f("show");
  const Outcome text = f.dlq("show", {"1", "2"});
  CHECK(text.status == 0);
  CHECK(contains(text.out, "letter 1\n"));
  CHECK(contains(text.out, "  raw       2,Grace\n"));
  CHECK(contains(text.out, "  columns   {\"id\":1,\"name\":\"Mary\",\"score\":2.5}\n"));
  const Outcome json = f.dlq("show", {"2", "--output", "json"});
  CHECK(json.out.starts_with("{\"id\":2,"));
  CHECK(json.out.ends_with(
      "\"attempts\":0,\"columns\":{\"id\":1,\"name\":\"Mary\",\"score\":2.5}}\n"));
  const Outcome unknown = f.dlq("show", {"2", "9"});
  CHECK(unknown.status == 66);
  CHECK(unknown.out.empty());
  CHECK(contains(unknown.err, "expected letter 9 in "));
  CHECK(f.dlq("show").status == 64);
  const Outcome word = f.dlq("show", {"abc"});
  CHECK(word.status == 64);
  CHECK_MESSAGE(contains(word.err, "ID: expected a number, found \"abc\""), word.err);
}

TEST_CASE("dlq replay: letters that nobody corrected stay what they were, with an attempt more") {
  const People f("again");
  f.database.run("CREATE TABLE before AS SELECT * FROM mayfly_dead_letters");
  const JsonSummary summary = f.replay(65);
  CHECK(summary.read == 3);
  CHECK(summary.rejected == 3);
  CHECK(summary.exit_status == 65);
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") ==
        Rows{"1|1", "2|1", "3|1"});
  CHECK(f.database.integer(
            "SELECT count(*) FROM mayfly_dead_letters l JOIN before b USING(id, source, ordinal, "
            "line, code, target) WHERE l.columns IS b.columns AND l.raw IS b.raw") == 3);
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: corrected by SQL, values and records end as if they had been right at first") {
  const People f("sql");
  f.database.run(
      "UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', 3) WHERE id = 2;"
      "UPDATE mayfly_dead_letters SET raw = raw || ',' WHERE id = 1;"
      "UPDATE mayfly_dead_letters SET raw = '7,Joan,1' WHERE id = 3");
  const JsonSummary summary = f.replay(0);
  CHECK(summary.read == 3);
  CHECK(summary.inserted == 3);
  CHECK(summary.table == "people");
  CHECK(f.database.rows("SELECT id, typeof(id), name, score, typeof(score) FROM people") ==
        Rows{"1|integer|Ada|1.5|real", "2|integer|Grace|NULL|null", "3|integer|Mary|2.5|real",
             "7|integer|Joan|1.0|real"});
  CHECK(f.letters() == 0);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay --from: what show wrote, edited, and only those letters") {
  const People f("from");
  const std::string shown = f.dlq("show", {"2", "--output", "json"}).out;
  std::string edited = shown;
  edited.replace(edited.find("\"id\":1"), 6, "\"id\":4");
  const std::string from = f.file("letters.ndjson", edited + R"({"id":1,"raw":"2,Grace,3"})"
                                                             "\n");
  const JsonSummary summary = f.replay(0, {"--from", from});
  CHECK(summary.inserted == 2);
  CHECK(f.database.rows("SELECT id, name FROM people ORDER BY id") ==
        Rows{"1|Ada", "2|Grace", "4|Mary"});
  CHECK(f.database.rows("SELECT id FROM mayfly_dead_letters") == Rows{"3"});
}

TEST_CASE("dlq replay --from: a file that isn't of letters, or of others, changes nothing") {
  const People f("bad_from");
  const std::string good = "{\"id\":1,\"raw\":\"2,Grace,3\"}\n";
  const Outcome line = f.dlq("replay", {"--from", f.file("a", good + "{\"id\":2}\n")});
  CHECK(line.status == 65);
  CHECK(contains(line.err,
                 "/a:2: expected one of \"columns\", \"raw\" and \"raw_base64\", found none"));
  const Outcome unknown =
      f.dlq("replay", {"--from", f.file("b", good + "{\"id\":9,\"raw\":\"\"}")});
  CHECK(unknown.status == 66);
  CHECK(contains(unknown.err, "expected letter 9 in "));
  const Outcome other = f.dlq("replay", {"2", "--from", f.file("c", good)});
  CHECK(other.status == 64);
  CHECK(contains(other.err, "--from: letter 1 isn't among the letters that are chosen"));
  CHECK(f.dlq("replay", {"--from", f.folder + "/none"}).status == 66);
  CHECK(f.database.rows("SELECT raw FROM mayfly_dead_letters WHERE id = 1") == Rows{"2,Grace"});
  CHECK(f.letters() == 3);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: records of JSON, with keys that a table's defaults stand in for") {
  const Fixture f("json");
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
  const Fixture f("csv");
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
  const Fixture f("format");
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
  const Fixture f("no_objects");
  f.ingest("t.ndjson", "{\"a\":1,\"c\":3}\n[1,2]\n7,8\nnull\n", {"--rename", "c=z"});
  f.ingest("u.ndjson", "{\"a\":1}\n5\n\"text\"\n");
  CHECK(f.replay(65, {"--target", "t"}).rejected == 3);
  CHECK(f.replay(65, {"--target", "u"}).rejected == 2);
  CHECK(f.database.rows("SELECT a, z FROM t") == Rows{"1|3"});
  CHECK(f.database.rows("SELECT a FROM u") == Rows{"1"});
}

TEST_CASE("dlq replay: a record of CSV that begins with a brace is CSV") {
  const Fixture f("braces");
  f.ingest("t.csv", "payload;id\nx;1\n{y\n", {"--delimiter", ";"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '{\"k\":2};6'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT payload, id FROM t") == Rows{"x|1", "{\"k\":2}|6"});
}

TEST_CASE("dlq replay: a type that the table doesn't show is the file's") {
  const Fixture f("types");
  f.ingest("t.csv", "id,b\n1,true\n2\n", {"--types", "b=bool"});
  f.database.run("UPDATE mayfly_dead_letters SET raw = '2,false'");
  CHECK(f.replay(0).inserted == 1);
  CHECK(f.database.rows("SELECT id, b, typeof(b) FROM t") == Rows{"1|1|integer", "2|0|integer"});
}

TEST_CASE("dlq replay: rows go through --sql and --where as they would have") {
  const Fixture f("select");
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
  const Fixture f("select_types");
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
  const Fixture f("bool_letters");
  f.database.run("CREATE TABLE t(u INTEGER PRIMARY KEY, b)");
  f.database.run("INSERT INTO t VALUES (1, 5), (2, 5)");
  f.ingest("n.ndjson", "{\"u\":1,\"b\":true}\n{\"u\":2,\"b\":false}\n",
           {"--table", "t", "--where", "typeof(b) = 'integer'"});
  CHECK(f.replay(0, {"--upsert"}).updated == 2);
  CHECK(f.database.rows("SELECT u, b, typeof(b) FROM t") == Rows{"1|1|integer", "2|0|integer"});
}

TEST_CASE("dlq replay: of JSON, types that no number shows are the file's; a missing key is NULL") {
  const Fixture f("json_types");
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
  const Fixture f("by_values");
  f.ingest("c.csv", "a,b\n1,x\n2\n", {"--table", "t"});
  const std::string from = f.file("l", "{\"id\":1,\"columns\":{\"a\":5,\"b\":\"k\"}}\n");
  CHECK(f.replay(0, {"--from", from}).inserted == 1);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|x", "5|k"});
}

TEST_CASE("dlq replay: one that an older version has begun goes on, or is let go") {
  const People f("older_set");
  REQUIRE(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  f.database.run("ALTER TABLE mayfly_replay_parts DROP COLUMN format");
  CHECK(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  CHECK(f.dlq("replay", {"--abandon"}).status == 0);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: what is gone on with is read as it began, whatever is said by then") {
  const Fixture f("go_on_format");
  f.ingest("t.csv", "a,b\n1,2\n3\n4\n");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '3;4'");
  f.database.run("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(ABORT, 'no'); END");
  REQUIRE(f.dlq("replay", {"--delimiter", ";", "--columns", "b,a", "--on-error", "fail"}).status ==
          65);
  f.database.run("DROP TRIGGER no");
  const Outcome outcome = f.dlq("replay", {"--delimiter", "|"});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.err, "columns, delimiter and quote are those that it began with"));
  CHECK(f.database.rows("SELECT a, b FROM t") == Rows{"1|2", "4|3", "4|3"});
}

TEST_CASE("dlq replay: a record whose columns the table hasn't is named, until they are given") {
  const Fixture f("format_gone");
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
  const Fixture f("older");
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
  const Fixture f("purge_format");
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
  const Fixture f("extra");
  f.ingest("t.ndjson", "{\"id\":1}\n{\"id\":2,\"more\":1}\n",
           {"--columns", "id", "--on-extra", "error"});
  const Outcome refused = f.dlq("replay");
  CHECK(refused.status == 65);
  CHECK(contains(f.database.text("SELECT reason FROM mayfly_dead_letters"), "--on-extra ignore"));
  CHECK(f.replay(0, {"--on-extra", "ignore"}).inserted == 1);
  CHECK(f.database.rows("SELECT id FROM t") == Rows{"1", "2"});
}

TEST_CASE("dlq replay: records that aren't UTF-8 stay letters until they are") {
  const Fixture f("bytes");
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

TEST_CASE("dlq replay: upsert, ignore and replace do what they do in ingest") {
  const People f("upsert");
  CHECK(f.replay(0, {"2", "--upsert"}).updated == 1);
  CHECK(f.database.rows("SELECT name FROM people WHERE id = 1") == Rows{"Mary"});
  const People g("ignore");
  CHECK(g.replay(0, {"2", "--ignore"}).ignored == 1);
  CHECK(g.letters() == 2);
  const People h("no_key");
  h.database.run("ALTER TABLE people RENAME TO old; CREATE TABLE people(id, name, score)");
  const Outcome refused = h.dlq("replay", {"2", "--upsert"});
  CHECK(refused.status == 78);
  CHECK(contains(refused.err, "needs key columns"));
  CHECK(contains(refused.err, "no row was written; the letters are as they were"));
  CHECK(h.letters() == 3);
  CHECK(h.is_clean());
}

TEST_CASE("dlq replay: an upsert of one file's letters leaves other files' columns alone") {
  const Fixture f("upsert_columns");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
  f.database.run("INSERT INTO t VALUES(1, 'a', 'b'), (2, 'a', 'b')");
  f.ingest("x.csv", "id,a\n1,new\n", {"--table", "t"});
  f.ingest("y.csv", "id,b\n2,new\n", {"--table", "t"});
  CHECK(f.replay(0, {"--upsert"}).updated == 2);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|new|b", "2|a|new"});
}

TEST_CASE("dlq replay: several targets, one after the other, hostile names among them") {
  const Fixture f("targets");
  const std::string hostile = "x\"; DROP TABLE y; --";
  f.ingest("a.csv", "id,v\n1,a\n1,b\n", {"--table", hostile, "--pk", "id"});
  f.ingest("b.csv", "id,v\n1,a\n1,b\n", {"--table", "y", "--pk", "id"});
  f.database.run("UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', 2)");
  const Outcome outcome = f.dlq("replay", {"--output", "json"});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  REQUIRE(std::ranges::count(outcome.out, '\n') == 2);
  const std::size_t end = outcome.out.find('\n') + 1;
  CHECK(parse_summary(outcome.out.substr(0, end)).table == hostile);
  CHECK(parse_summary(outcome.out.substr(end)).table == "y");
  CHECK(f.database.rows("SELECT v FROM \"x\"\"; DROP TABLE y; --\"") == Rows{"a", "b"});
  CHECK(f.database.rows("SELECT v FROM y") == Rows{"a", "b"});
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq replay: by filter, and nothing to replay") {
  const People f("filter");
  f.database.run("UPDATE people SET id = 50");
  CHECK(f.replay(0, {"--code", "primary_key", "--target", "people"}).inserted == 1);
  CHECK(f.letters() == 2);
  const Outcome none = f.dlq("replay", {"--code", "primary_key"});
  CHECK(none.status == 0);
  CHECK(none.out.empty());
  CHECK(contains(none.err, "no dead letter in " + f.database.path() + " is of that kind"));
  const Outcome unknown = f.dlq("replay", {"2"});
  CHECK(unknown.status == 66);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: a record that was cut stays a letter, and is named") {
  const Fixture f("cut");
  f.ingest("t.csv", "a,b\n1,2\n" + std::string(70'000, 'x') + "\n3\n");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '3,4' WHERE id = 2");
  const Outcome outcome = f.dlq("replay");
  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "letter 1 stays as it is: only the first 64 KiB of its record"));
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") == Rows{"1|0"});
  CHECK(contains(
      outcome.out,
      "Of 1 row read, 1 was written to t (1 inserted, 0 updated), 0 ignored, 0 rejected, in "));
  const Outcome corrected =
      f.dlq("replay", {"--from", f.file("c", "{\"id\":1,\"raw\":\"5,6\"}\n")});
  CHECK_MESSAGE(corrected.status == 0, corrected.err);
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq replay --on-error fail: stops at the letter, and the same command goes on") {
  const People f("fail");
  const Outcome failed = f.dlq("replay", {"--on-error", "fail"});
  CHECK(failed.status == 65);
  CHECK_MESSAGE(contains(failed.err,
                         "error: letter 2 can't be written: primary_key: UNIQUE constraint failed"),
                failed.err);
  CHECK(
      contains(failed.err, "3 letters of this replay are still to be written: mayfly dlq replay "));
  CHECK(f.letters() == 3);

  // Its letters are spoken for.
  const Outcome purge = f.dlq("purge", {"1"});
  CHECK(purge.status == 75);
  CHECK(contains(purge.err, "letter 1 is of a replay that runs, or was cut off; go on with it"));
  const Outcome other = f.dlq("replay", {"2"});
  CHECK(other.status == 64);
  CHECK(contains(
      other.err,
      "has 3 letters left, chosen by nothing (all of them); expected the same choice or none"));

  const std::string from =
      f.file("c", "{\"id\":1,\"raw\":\"2,Grace,3\"}\n{\"id\":3,\"raw\":\"7,Joan,1\"}\n");
  const Outcome gone_on = f.dlq("replay", {"--from", from});
  CHECK(gone_on.status == 65);
  CHECK(contains(gone_on.err, "going on with the replay that was cut off: 3 letters of 3 left"));
  CHECK(f.database.rows("SELECT id FROM people ORDER BY id") == Rows{"1", "2", "7"});
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") == Rows{"2|1"});
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: the same choice goes on with what was cut off, also where letters are answered") {
  const People f("same");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '2,Grace,3' WHERE id = 1");
  f.database.run(
      "CREATE TABLE other(id INTEGER PRIMARY KEY, name TEXT);"
      "UPDATE mayfly_dead_letters SET target = 'other', columns = '{\"id\":1}' "
      "WHERE id = 2");
  f.database.run("INSERT INTO other VALUES(1, 'there')");
  const Rows chosen = {"1", "2", "--on-error", "fail"};
  const Outcome failed = f.dlq("replay", chosen);
  CHECK(failed.status == 65);
  CHECK(contains(failed.err, "error: letter 2 can't be written: primary_key"));
  f.database.run("DELETE FROM other");
  const Outcome other = f.dlq("replay", {"--target", "other"});
  CHECK(other.status == 64);
  CHECK(contains(other.err, "chosen by {\"ids\":[1,2]}; expected the same choice or none"));
  const Outcome from = f.dlq("replay", {"--from", f.file("c", "{\"id\":3,\"raw\":\"\"}\n")});
  CHECK(from.status == 64);
  CHECK(contains(from.err, "--from: letter 3 isn't of the replay that was cut off"));
  CHECK_MESSAGE(f.dlq("replay", chosen).status == 0, f.dlq("list").out);
  CHECK(f.database.rows("SELECT id FROM people ORDER BY id") == Rows{"1", "2"});
  CHECK(f.database.rows("SELECT id FROM other") == Rows{"1"});
  CHECK(f.database.rows("SELECT id FROM mayfly_dead_letters") == Rows{"3"});
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay --abandon: lets what was cut off go; its letters stay") {
  const People f("abandon");
  CHECK(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  CHECK_FALSE(f.is_clean());
  CHECK(f.dlq("replay", {"--abandon", "2"}).status == 64);
  const Outcome outcome = f.dlq("replay", {"--abandon"});
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err, "let go; 3 of its letters are left, as before"));
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
  const Outcome again = f.dlq("replay", {"--abandon"});
  CHECK(again.status == 0);
  CHECK(contains(again.err, "nothing to let go"));
}

TEST_CASE("dlq replay: a table that is gone is told before anything is done") {
  const People f("gone");
  f.database.run("DROP TABLE people");
  const Outcome outcome = f.dlq("replay");
  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "is for table \"people\", and the database has no such table"));
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq purge: by number, by filter, all; and only when it is said which") {
  const People f("purge");
  const Outcome none = f.dlq("purge");
  CHECK(none.status == 64);
  CHECK(contains(none.err, "which letters are to be deleted?"));
  CHECK(f.dlq("purge", {"1", "--all"}).status == 64);
  CHECK(f.dlq("purge", {"1", "9"}).status == 66);
  CHECK(f.letters() == 3);
  CHECK(f.dlq("purge", {"1"}).out == "1 letter deleted\n");
  CHECK(f.dlq("purge", {"--code", "nothing"}).out == "0 letters deleted\n");
  CHECK(f.dlq("purge", {"--all", "--output", "json"}).out == "{\"deleted\":2}\n");
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq: no database, no letters, another kind of file") {
  const Fixture f("nothing");
  f.database.run("CREATE TABLE other(x)");
  const std::string text = f.file("text", "this is a text, and long enough to be another kind");
  for (const std::string action : {"list", "replay"}) {
    const Outcome outcome = f.dlq(action);
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, "there are no dead letters in " + f.database.path()));
    CHECK(run_mayfly({"dlq", action, f.folder + "/none.db"}).status == 66);
    CHECK(run_mayfly({"dlq", action, f.folder}).status == 66);
    CHECK(run_mayfly({"dlq", action, text}).status == 74);
  }
  CHECK(f.dlq("list", {"--output", "json"}).out == "{\"letters\":0,\"counts\":[]}\n");
  CHECK(f.dlq("purge", {"--all"}).out == "0 letters deleted\n");
  CHECK(f.dlq("show", {"1"}).status == 66);
  CHECK(f.dlq("replay", {"1"}).status == 66);
  CHECK(run_mayfly({"dlq"}).status == 64);
}

TEST_CASE("dlq: another process's lock is waited for until the deadline, and told") {
  const People f("locked");
  const WriteLock lock(f.database.path());
  for (const Rows& command : {Rows{"replay"}, Rows{"purge", "--all"}}) {
    Rows more(command.begin() + 1, command.end());
    more.insert(more.end(), {"--deadline", "100ms"});
    const Outcome outcome = f.dlq(command[0], more);
    CHECK_MESSAGE(outcome.status == 75, outcome.err);
    CHECK(contains(outcome.err, "locked"));
  }
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq replay: a second one at the same time is refused, and nothing is doubled") {
  const Fixture f("two");
  f.database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  f.database.run("CREATE TABLE k(id INTEGER PRIMARY KEY, name TEXT)");
  f.ingest("t.csv", "id,name\n1,a\n1,b\n1,c\n", {"--table", "k"});
  f.database.run("UPDATE mayfly_dead_letters SET target = 't'");
  // It has the set, and waits for a lock while the other one comes.
  auto lock = std::make_unique<WriteLock>(f.database.path());
  RunProgram first(mayfly_path(), {"dlq", "replay", f.database.path()});
  const std::string file = f.database.path() + "-replay-mayfly.lock";
  while (first.running() && (!std::filesystem::exists(file) || read_file(file).empty())) {
    std::this_thread::yield();
  }
  const Outcome second = f.dlq("replay", {"--deadline", "10s"});
  CHECK(second.status == 75);
  CHECK(contains(second.err, "another replay of " + f.database.path() + " is at work"));
  lock.reset();
  CHECK_MESSAGE(first.wait() == 0, first.err());
  CHECK(f.database.rows("SELECT name FROM t") == Rows{"b", "c"});
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: beside a writer that is at work it is refused, and its letters are as they were") {
  const People f("beside");
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  {
    RunProgram writer(
        mayfly_path(),
        {"ingest", "-", "--format", "csv", "--into", f.database.path(), "--table", "stream"},
        {.stdin_fd = pipe_ends[0]});
    const std::string rows = "a\n1\n";
    REQUIRE(::write(pipe_ends[1], rows.data(), rows.size()) == static_cast<ssize_t>(rows.size()));
    wait_for_rows(writer, f.database.path(), "stream", 1);
    const Outcome outcome = f.dlq("replay");
    CHECK(outcome.status == 75);
    CHECK(contains(outcome.err, "one writer at a time, try again when it is done"));
    CHECK(contains(outcome.err, "no row was written; the letters are as they were"));
    ::close(pipe_ends[1]);
    ::close(pipe_ends[0]);
    writer.signal(SIGTERM);
    writer.wait();
  }
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq replay: SIGTERM stops it with 75, and it goes on") {
  const Fixture f("term");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
  std::string text = "id,name\n";
  for (int i = 0; i < 20'000; ++i) text += "0,n" + std::to_string(i) + "\n";
  f.ingest("t.csv", text);
  f.database.run("UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', id + 10)");
  {
    // It waits for the lock, and has its letters: then it is stopped.
    RunProgram program(mayfly_path(),
                       {"dlq", "replay", f.database.path(), "--synchronous", "full"});
    wait_for_rows(program, f.database.path(), "t", 2);
    program.signal(SIGTERM);
    const int status = program.wait();
    CHECK_MESSAGE((status == 75 || status == 0), program.err());
  }
  if (f.letters() > 0) CHECK(f.dlq("replay").status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 20'000);
  CHECK(f.letters() == 0);
  CHECK(f.is_clean());
}

TEST_CASE("ingest: rows that were rejected are told with the commands that show and write them") {
  const Fixture f("advice");
  const Outcome outcome =
      run_mayfly({"ingest", f.file("t.csv", "a,b\n1\n2,3\n"), "--into", f.database.path()});
  CHECK(outcome.status == 65);
  CHECK(
      contains(outcome.err, "1 row rejected; see them with: mayfly dlq list " + f.database.path()));
  CHECK(contains(outcome.err, "write them with: mayfly dlq replay " + f.database.path()));
}
