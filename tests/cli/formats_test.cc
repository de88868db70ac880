// What `mayfly ingest` makes of files as they are found, and the options that say how.
#include <doctest/doctest.h>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

using Rows = std::vector<std::string>;

struct Fixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  Outcome ingest(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "ingest");
    arguments.insert(arguments.end(), {"--into", database.path(), "--output", "json"});
    return run_mayfly(std::move(arguments));
  }
  // Of a table of its own; the rows, each with bars between its values.
  Rows rows_of(const std::string& text, std::vector<std::string> arguments,
               const std::string& name = "t.csv") {
    const std::string path = file(name, text);
    const std::string table = "t" + std::to_string(++tables);
    arguments.insert(arguments.begin(), path);
    arguments.insert(arguments.end(), {"--table", table});
    const Outcome outcome = ingest(arguments);
    if (outcome.status != 0) return {"status " + std::to_string(outcome.status), outcome.err};
    return database.rows("SELECT * FROM " + table);
  }
  std::string schema_of(const std::string& table) const {
    return database.text("SELECT sql FROM sqlite_schema WHERE name = '" + table + "'");
  }

  int tables = 0;
};

}  // namespace

TEST_CASE("formats: UTF-16, and other encodings by name; else such rows are dead letters") {
  Fixture f("encodings");
  CHECK(f.rows_of(std::string("\xFF\xFEi\0d\0\n\0\xE9\0\n\0", 12), {}) == Rows{"\xC3\xA9"});
  CHECK(f.rows_of("id\n\xE9\n", {"--encoding", "latin1"}) == Rows{"\xC3\xA9"});
  const std::string path = f.file("latin.csv", "id,n\n1,\xE9\n2,x\n");
  const Outcome outcome = f.ingest({path});
  CHECK(outcome.status == 65);
  CHECK(parse_summary(outcome.out).rejected == 1);
  CHECK(f.database.rows("SELECT * FROM latin") == Rows{"2|x"});
  CHECK(contains(f.database.text("SELECT reason FROM mayfly_dead_letters"), "--encoding latin1"));
  const Outcome unknown = f.ingest({path, "--encoding", "latin17"});
  CHECK(unknown.status == 64);
  CHECK(contains(unknown.err, "expected an encoding that iconv knows"));
}

TEST_CASE("formats: lone CR, comments, lines before the header, sep=, a delimiter that is found") {
  Fixture f("dialects");
  CHECK(f.rows_of("a,b\r1,x\r2,y\r", {}) == Rows{"1|x", "2|y"});
  CHECK(f.rows_of("by x\n\na,b\n#1,2\n3,4\n", {"--skip-rows", "2", "--comment", "#"}) ==
        Rows{"3|4"});
  CHECK(f.rows_of("sep=;\na;b\n1;x\n", {}) == Rows{"1|x"});
  CHECK(f.rows_of("a|b\n1|x,y\n", {"--delimiter", "auto"}) == Rows{"1|x,y"});
  CHECK(f.rows_of("a\tb\n1\tx\\ny\n2\t\\N\n", {"--escape", "backslash"}, "t.tsv") ==
        Rows{"1|x\ny", "2|NULL"});
}

TEST_CASE("formats: JSON arrays, and objects over several lines") {
  Fixture f("arrays");
  CHECK(f.rows_of("[\n{\"a\": 1,\n\"b\": {\"c\": 2}},\n{\"a\": 3}]", {}, "t.json") ==
        Rows{"1|{\"c\": 2}", "3|NULL"});
  CHECK(f.rows_of("{\n\"a\": 1\n}\n{\n\"a\": 2\n}\n", {}, "t.json") == Rows{"1", "2"});
  const std::string one = f.file("one.json", "[{\"a\":1}]");
  const std::string two = f.file("two.json", "{\"b\":2}\n");
  CHECK(f.ingest({one, two, "--table", "both"}).status == 0);
  CHECK(f.database.rows("SELECT a, b FROM both") == Rows{"1|NULL", "NULL|2"});
}

TEST_CASE("formats: keys that come late in a JSON file become columns by --alter") {
  Fixture f("late");
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
  text += "{\"id\":3000,\"late\":1.5}\n";
  const std::string path = f.file("late.ndjson", text);
  CHECK(f.ingest({path, "--table", "without"}).status == 65);
  CHECK(f.ingest({path, "--alter"}).status == 0);
  CHECK(f.database.rows("SELECT id, late FROM late WHERE id > 2998") ==
        Rows{"2999|NULL", "3000|1.5"});
  const std::string more = f.file("more.ndjson", text + "{\"id\":3001,\"later\":\"x\"}\n");
  CHECK(f.ingest({more, "--table", "late", "--alter"}).status == 0);
  CHECK(f.database.rows("SELECT late, later FROM late WHERE id = 3001") == Rows{"NULL|x"});
}

TEST_CASE("formats: some columns in another order and under other names, with NULL by its text") {
  Fixture f("columns");
  CHECK(f.rows_of("id,zip,name\n1,007,NA\n2,8,x\n",
                  {"--columns", "name,zip", "--rename", "zip=code", "--types", "code=text",
                   "--null", "NA"}) == Rows{"NULL|007", "x|8"});
  CHECK(f.schema_of("t1") == "CREATE TABLE \"t1\"(\"name\" TEXT, \"code\" TEXT)");
  CHECK(f.rows_of("{\"a\":1,\"b\":2}\n", {"--columns", "b"}, "t.jsonl") == Rows{"2"});
  CHECK(f.rows_of("1,2\n", {"--no-header", "--columns", "x,y"}) == Rows{"1|2"});
}

TEST_CASE("formats: no more records than asked for, from each file") {
  Fixture f("limit");
  CHECK(f.rows_of("a\n1\n2\n3\n", {"--limit", "2"}) == Rows{"1", "2"});
  const std::string path = f.file("more.csv", "a\n1\n2\n3\n4\n");
  CHECK(f.ingest({path, "--limit", "1"}).status == 0);
  CHECK(f.ingest({path, "--limit", "3", "--resume"}).status == 0);
  CHECK(f.database.rows("SELECT a FROM more") == Rows{"1", "2", "3"});
  CHECK(f.ingest({path, "--resume"}).status == 0);
  CHECK(f.database.rows("SELECT a FROM more") == Rows{"1", "2", "3", "4"});
}

TEST_CASE("formats: what is a record too long is said by the user") {
  const Fixture f("long_records");
  const std::string path =
      f.file("t.csv", "id,note\n1,short\n2," + std::string(3'000, 'x') + "\n3,short\n");
  const Outcome limited = f.ingest({path, "--table", "t", "--max-row-bytes", "1KiB"});
  CHECK(limited.status == 65);
  CHECK(f.database.integer("SELECT sum(id) FROM t") == 4);
  CHECK(f.database.text("SELECT line || code FROM mayfly_dead_letters") == "3too_long");
  CHECK(f.ingest({path, "--table", "all"}).status == 0);
  const std::string large =
      f.file("large.csv", "id,note\n1,x\n2," + std::string(34'000'000, 'x') + "\n");
  CHECK(f.ingest({large, "--max-row-bytes", "40MB"}).status == 0);
  CHECK(f.database.integer("SELECT sum(length(note)) FROM large") == 34'000'001);
  const Outcome schema = f.ingest({path, "--table", "none", "--schema", f.file("empty.sql", "")});
  CHECK(schema.status == 66);
  CHECK_MESSAGE(contains(schema.err, "empty.sql: expected CREATE TABLE, found nothing"),
                schema.err);
  const Outcome wrong = f.ingest({path, "--table", "none", "--max-row-bytes", "12"});
  CHECK(wrong.status == 64);
  CHECK_MESSAGE(contains(wrong.err, "12 is under the minimum 1KiB"), wrong.err);
}

TEST_CASE("formats: rows are chosen and changed by SQL while they are loaded") {
  Fixture f("sql");
  const std::string path = f.file("t.csv", "a,b\n1,x\n2,y\n3,z\n");
  const Outcome where = f.ingest({path, "--where", "a <> 2 -- not that"});
  CHECK(where.status == 0);
  const JsonSummary s = parse_summary(where.out);
  CHECK(s.read == 3);
  CHECK(s.inserted == 2);
  CHECK(s.dropped == 1);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|x", "3|z"});
  CHECK(f.ingest({path, "--table", "u", "--sql",
                  "SELECT a * 10 AS tens, upper(b) AS name FROM mayfly_batch"})
            .status == 0);
  CHECK(f.database.rows("SELECT tens, name FROM u") == Rows{"10|X", "20|Y", "30|Z"});
  const Outcome both = f.ingest({path, "--where", "1", "--sql", "SELECT 1"});
  CHECK(both.status == 64);
  const Outcome broken = f.ingest({path, "--where", "a <>"});
  CHECK(broken.status == 64);
  CHECK_MESSAGE(contains(broken.err, "--where: "), broken.err);
}

TEST_CASE("formats: a new table's NOT NULL, defaults, STRICT and indexes") {
  Fixture f("table");
  const std::string path = f.file("t.csv", "id,city,n\n1,Rome,5\n2,,6\n");
  const Outcome outcome = f.ingest({path, "--pk", "id", "--not-null", "city", "--default", "n=0",
                                    "--strict", "--index", "city", "--index", "city,n"});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(f.schema_of("t") ==
        "CREATE TABLE \"t\"(\"id\" INTEGER PRIMARY KEY, \"city\" TEXT NOT NULL, \"n\" INTEGER "
        "DEFAULT '0') STRICT");
  CHECK(f.database.rows("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name") ==
        Rows{"idx_t_city", "idx_t_city_n"});
  f.database.run("INSERT INTO t(id, city) VALUES (9, 'x')");
  CHECK(f.database.rows("SELECT n, typeof(n) FROM t WHERE id = 9") == Rows{"0|integer"});
  // Once more: the indexes are there.
  CHECK(f.ingest({path, "--upsert", "--pk", "id", "--index", "city"}).status == 0);

  CHECK(f.ingest({path, "--table", "x", "--not-null", "town"}).status == 64);
  CHECK(f.ingest({path, "--table", "x", "--default", "town=1"}).status == 64);
  const Outcome index = f.ingest({path, "--table", "x", "--index", "town"});
  CHECK(index.status == 64);
  CHECK(contains(index.err, "to make an index of, found \"town\""));
  CHECK(f.database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'x'").empty());
}

TEST_CASE("formats: --skip-rows beyond the end of the file says so") {
  const Fixture f("skip_all");
  const Outcome outcome = f.ingest({f.file("t.csv", "a\n1\n"), "--skip-rows", "10"});
  CHECK(outcome.status == 66);
  CHECK_MESSAGE(contains(outcome.err,
                         "expected a first record behind 10 lines that are left out, "
                         "found the end; leave out fewer (--skip-rows"),
                outcome.err);
}

// Behind the rows that types are inferred from, so that the reader meets them.
TEST_CASE("formats: --coerce lets a numeric column change what comes late, in every format") {
  const Fixture f("coerce_late");
  const auto lines = [](const std::string& line, const std::string& last) {
    std::string text;
    for (int i = 0; i < 1500; ++i) text += line;
    return text + last;
  };
  const std::string csv = f.file("c.csv", "a,b\n" + lines("1,0.5\n", "007,12345678901234567890\n"));
  const std::string json = f.file(
      "j.ndjson", lines("{\"a\":1,\"b\":0.5}\n", "{\"a\":\"7\",\"b\":12345678901234567890}\n"));
  for (const std::string& path : {csv, json}) {
    CAPTURE(path);
    CHECK(f.ingest({path, "--table", "strict"}).status == 65);
    const Outcome outcome = f.ingest({path, "--table", "t", "--coerce"});
    CHECK_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(f.database.rows("SELECT count(*) FROM t") == Rows{"1501"});
    CHECK(f.database.rows("SELECT a, typeof(a), b, typeof(b) FROM t ORDER BY rowid DESC LIMIT 1") ==
          Rows{"7|integer|1.23456789012346e+19|real"});
    f.database.run("DROP TABLE t");
  }
}

TEST_CASE("formats: what an option names and the input hasn't is told in that option's words") {
  const Fixture f("option_words");
  const std::string path = f.file("t.csv", "id,name\n1,Ada\n");
  const std::pair<Rows, const char*> mistakes[] = {
      {{"--pk", "no"}, "--pk: key column \"no\" isn't a column of the input, which has id, name"},
      {{"--index", "no"}, "--index: expected a column of table t to make an index of"},
      {{"--where", "no = 1"}, "--where: no such column: no; expected an expression over the col"},
      {{"--where", "id = 1) OR (1 = 1"}, "--where: expected one expression over the columns of "},
      {{"--where", "1 ORDER BY 1"}, "--where: expected one expression over the columns of the in"},
      {{"--where", "\"nmae\" = 'Ada'"}, "--where: no such column: nmae; expected an express"},
      {{"--where", "count(*) > 0"}, "--where: expected a condition on each row by itself, found "},
      {{"--where", "id > ?"}, "--where: expected a condition on each row by itself, found \"id > "},
      {{"--sql", "SELECT id, \"nmae\" AS v FROM mayfly_batch"}, "--sql: no such column: nmae"},
      {{"--default", "name"}, "--default: expected column=value, found \"name\""},
      {{"--where", "1; DROP TABLE t"}, "--where: expected one expression over the columns of the"},
      {{"--sql", "SELECT no FROM mayfly_batch"}, "--sql: no such column: no; expected a SELECT ov"},
      {{"--sql", "SELECT count(*) FROM mayfly_batch"},
       "--sql: what it gives depends on where a batch ends (COUNT); expected one that gives rows "},
  };
  for (const auto& [options, told] : mistakes) {
    Rows arguments = {path};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = f.ingest(arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.status == 64);
    CHECK(contains(outcome.err, told));
  }
}

TEST_CASE(
    "ingest --truncate: rows that were taken out are counted, and told if nothing came for them") {
  const Fixture f("truncated_rows");
  CHECK(f.ingest({f.file("t.csv", "a,b\n1,2\n3,4\n")}).status == 0);
  const Outcome again = f.ingest({f.file("t.csv", "a,b\n1,2\n"), "--truncate"});
  CHECK(again.status == 0);
  CHECK(contains(again.out, "\"rows_truncated\":2,"));
  CHECK_FALSE(contains(again.err, "--truncate"));
  const Outcome bad = f.ingest({f.file("t.csv", "a,b\n1\n"), "--truncate"});
  CHECK(bad.status == 65);
  CHECK(contains(bad.out, "\"rows_truncated\":1,"));
  CHECK(contains(bad.err,
                 "the 1 row that t had was taken out by --truncate, and nothing was "
                 "written in its place"));
}

TEST_CASE("formats: what is asked of a table that is there already, and it hasn't, is told") {
  const Fixture f("unmet");
  const std::string path = f.file("t.csv", "id,name\n1,Ada\n");
  const Rows wishes = {path, "--pk", "id", "--not-null", "name", "--default", "name=x"};
  CHECK(f.ingest(wishes).err.empty());
  const Outcome met = f.ingest({path, "--pk", "ID", "--not-null", "name", "--upsert"});
  CHECK(met.status == 0);
  CHECK_MESSAGE(!contains(met.err, "is there already"), met.err);
  f.database.run("DROP TABLE t; CREATE TABLE t(id INTEGER, name TEXT)");
  const Outcome unmet = f.ingest(wishes);
  CHECK(unmet.status == 0);
  CHECK_MESSAGE(contains(unmet.err,
                         "t is there already, and stays as it is: --pk id, --not-null "
                         "name, --default name=x are for a table that is made"),
                unmet.err);
  const std::string columns = "CREATE TABLE t(id INTEGER, name TEXT)";
  f.database.run("DROP TABLE t; " + columns);
  const auto told = [&f, &path](const Rows& options, std::string_view wish) {
    Rows all = {path};
    all.insert(all.end(), options.begin(), options.end());
    const Outcome outcome = f.ingest(all);
    CHECK(outcome.status == 0);
    CHECK_MESSAGE(contains(outcome.err, "t is there already, and stays as it is: " +
                                            std::string(wish) + " is for a table that is made"),
                  outcome.err);
  };
  told({"--not-null", "age"}, "--not-null age");
  told({"--default", "age=1"}, "--default age=1");
  told({"--strict"}, "--strict");
  f.database.run("DROP TABLE t; CREATE TABLE t(id TEXT PRIMARY KEY, name TEXT)");
  told({"--not-null", "id", "--ignore"}, "--not-null id");  // SQLite has NULL in such a key
  f.database.run("DROP TABLE t; " + columns);
  const std::string wide = f.file("wide.csv", "id,name,zz\n1,Ada,2\n");
  CHECK(f.ingest({wide, "--table", "t", "--alter", "--default", "zz=1"}).err.empty());
  f.database.run("DROP TABLE t; " + columns + " STRICT");
  CHECK(f.ingest({path, "--strict"}).err.empty());
}

TEST_CASE("formats: --truncate takes out what was there, but not if nothing can be loaded") {
  Fixture f("truncate");
  const std::string path = f.file("t.csv", "a\n1\n2\n");
  CHECK(f.ingest({path}).status == 0);
  CHECK(f.ingest({path, "--truncate"}).status == 0);
  CHECK(f.database.rows("SELECT a FROM t") == Rows{"1", "2"});
  const std::string other = f.file("other.csv", "b\n1\n");
  CHECK(f.ingest({other, "--table", "t", "--truncate"}).status == 78);
  CHECK(f.ingest({f.folder + "/missing.csv", "--table", "t", "--truncate"}).status == 66);
  CHECK(f.database.rows("SELECT a FROM t") == Rows{"1", "2"});
  CHECK(f.ingest({path, "--truncate", "--resume"}).status == 64);
  // What is advised can be done.
  const std::string bad = f.file("bad.csv", "a\n3\n4,5\n6\n");
  const Outcome failed = f.ingest({bad, "--table", "t", "--truncate", "--on-error", "fail"});
  CHECK(failed.status == 65);
  CHECK_MESSAGE(contains(failed.err, "with --resume --on-error dead-letter in place of --truncate"),
                failed.err);
  CHECK(f.ingest({bad, "--table", "t", "--resume", "--on-error", "dead-letter"}).status == 65);
  CHECK(f.database.rows("SELECT a FROM t") == Rows{"3", "6"});
}

TEST_CASE("formats: a pattern that no shell expanded stands for the files that match it") {
  Fixture f("globs");
  f.file("day2.csv", "a\n2\n");
  f.file("day1.csv", "a\n1\n");
  CHECK(f.ingest({f.folder + "/day*.csv", "--table", "t"}).status == 0);
  CHECK(f.database.rows("SELECT a FROM t") == Rows{"1", "2"});
  f.file("a[1].csv", "a\n7\n");
  CHECK(f.ingest({f.folder + "/a[1].csv", "--table", "u"}).status == 0);
  CHECK(f.database.rows("SELECT a FROM u") == Rows{"7"});
  const Outcome none = f.ingest({f.folder + "/week*.csv", "--table", "t"});
  CHECK(none.status == 66);
  CHECK(contains(none.err, "week*.csv: expected files that match"));
}

TEST_CASE("formats: a file of more columns than SQLite takes is refused with what to do") {
  Fixture f("wide");
  std::string text = "c0";
  for (int i = 1; i < 10'000; ++i) text += ",c" + std::to_string(i);
  text += "\n0";
  for (int i = 1; i < 10'000; ++i) text += "," + std::to_string(i);
  const std::string path = f.file("wide.csv", text + "\n");
  const Outcome outcome = f.ingest({path});
  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "--columns"));
  CHECK(f.ingest({path, "--columns", "c9999,c3"}).status == 0);
  CHECK(f.database.rows("SELECT * FROM wide") == Rows{"9999|3"});
}
