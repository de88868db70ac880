// What `mayfly ingest` puts where: tables, types, dead letters, counts.
#include <doctest/doctest.h>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  Outcome ingest(std::vector<std::string> arguments, const ProgramOptions& options = {}) const {
    arguments.insert(arguments.begin(), "ingest");
    arguments.insert(arguments.end(), {"--into", database.path(), "--output", "json"});
    return run_mayfly(std::move(arguments), options);
  }
};

}  // namespace

TEST_CASE("ingest: a CSV file becomes a table with its name, and the summary adds up") {
  const Fixture f("plain");
  const std::string people = f.file("people 1.csv", "id,name,score\n1,Ada,1.5\n2,,2\n");

  const Outcome outcome = f.ingest({people});

  CHECK(outcome.status == 0);
  const JsonSummary s = parse_summary(outcome.out);
  CHECK(s.version == 1);
  CHECK(s.read == 2);
  CHECK(s.inserted == 2);
  CHECK(s.bytes == 29);
  CHECK(s.table == "people_1");
  CHECK(s.database == f.database.path());
  CHECK(s.sources == std::vector<std::pair<std::string, std::int64_t>>{{people, 0}});
  CHECK(s.exit_status == 0);
  CHECK(f.database.rows("SELECT id, typeof(id), name, score, typeof(score) FROM people_1") ==
        std::vector<std::string>{"1|integer|Ada|1.5|real", "2|integer||2.0|real"});
}

TEST_CASE("ingest: a column that --types names in another case is named once, over several files") {
  const Fixture f("types_case");
  const std::string a = f.file("a.csv", "zip,b\n007,1\n");
  const std::string b = f.file("b.csv", "zip,b\n008,2\n");
  CHECK(f.ingest({a, b, "--table", "t", "--types", "ZIP=text"}).status == 0);
  CHECK(f.database.rows("SELECT zip, typeof(zip) FROM t") ==
        std::vector<std::string>{"007|text", "008|text"});
}

TEST_CASE("ingest: hundreds of files are written in large transactions all the same") {
  const Fixture f("many");
  std::vector<std::string> arguments;
  for (int i = 0; i < 800; ++i) {
    std::string text = "id,name\n";
    for (int row = 0; row < 20; ++row) text += std::to_string(i * 20 + row) + ",n\n";
    arguments.push_back(f.file("f" + std::to_string(i) + ".csv", text));
  }
  arguments.insert(arguments.end(), {"--table", "t", "-v"});
  const Outcome outcome = f.ingest(arguments);
  CHECK(outcome.status == 0);
  CHECK(f.database.integer("SELECT count(DISTINCT id) FROM t") == 16'000);
  const std::size_t end = outcome.err.find(" transactions, ");
  REQUIRE(end != std::string::npos);
  const std::size_t begin = outcome.err.find_last_of(" \n", end - 1) + 1;
  // Batches of one row took 253. Where a sanitizer slows the readers down, the writer, which is
  // through with what has come, writes what there is: still more than a file at once.
  const int most = MAYFLY_SANITIZED != 0 ? 800 : 200;
  CHECK_MESSAGE(std::stoi(outcome.err.substr(begin, end - begin)) < most, outcome.err);
}

TEST_CASE("ingest: broken records among many end in dead letters, all others in the table") {
  const Fixture f("broken");
  std::string csv = "id,name\n";
  std::string json;
  for (int i = 0; i < 5000; ++i) {
    const std::string n = std::to_string(i);
    csv += i % 100 == 50 ? n + "\n" : n + ",n" + n + "\n";
    json += i % 100 == 50 ? "{\"id\":" + n + ",\n" : "{\"id\":" + n + ",\"name\":\"n\"}\n";
  }

  const Outcome ragged = f.ingest({f.file("a.csv", csv), "--table", "a"});
  const Outcome broken = f.ingest({f.file("b.ndjson", json), "--table", "b"});

  CHECK(ragged.status == 65);
  CHECK(parse_summary(ragged.out).rejected == 50);
  CHECK(contains(ragged.err, "50 rows rejected"));
  CHECK(contains(ragged.err, "\nThe last 3 of them:\n"));
  CHECK(contains(ragged.err, "mayfly dlq list "));
  CHECK(broken.status == 65);
  for (const std::string table : {"a", "b"}) {
    CHECK(f.database.integer("SELECT count(*) FROM " + table) == 4950);
    CHECK(f.database.integer("SELECT count(*) FROM " + table + " WHERE id % 100 = 50") == 0);
    CHECK(f.database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE target = '" + table +
                             "' AND ordinal % 100 = 50") == 50);
  }
  CHECK(f.database.rows("SELECT DISTINCT code FROM mayfly_dead_letters ORDER BY 1") ==
        std::vector<std::string>{"fields", "json"});
  CHECK(f.database.text("SELECT raw FROM mayfly_dead_letters WHERE target = 'a' LIMIT 1") == "50");
  CHECK(f.database.text("SELECT line FROM mayfly_dead_letters WHERE target = 'a' LIMIT 1") == "52");
}

TEST_CASE("ingest: a value that a numeric column would change is refused, and the message helps") {
  const Fixture f("exact");
  std::string text = "zip\n";
  for (int i = 1; i <= 1200; ++i) text += std::to_string(i) + "\n";
  const std::string zips = f.file("zips.csv", text + "007\n+5\n12345678901234567890\nabc\n");

  const Outcome sampled = f.ingest({zips, "--table", "sampled"});
  const Outcome typed = f.ingest({zips, "--table", "typed", "--types", "zip=text"});
  const Outcome all = f.ingest({zips, "--table", "everything", "--infer", "all"});
  const Outcome none = f.ingest({zips, "--table", "plain", "--infer", "none"});

  CHECK(sampled.status == 65);
  CHECK(parse_summary(sampled.out).rejected == 3);
  for (const std::string& reason : f.database.rows("SELECT reason FROM mayfly_dead_letters")) {
    CHECK(contains(reason, "--types zip=text"));
    CHECK(contains(reason, "--infer all"));
  }
  CHECK(f.database.text("SELECT zip FROM sampled WHERE typeof(zip) = 'text'") == "abc");
  for (const auto& [outcome, table] :
       {std::pair{&typed, "typed"}, std::pair{&all, "everything"}, std::pair{&none, "plain"}}) {
    CHECK(outcome->status == 0);
    CHECK(f.database.rows(std::string("SELECT zip FROM ") + table + " WHERE rowid > 1200") ==
          std::vector<std::string>{"007", "+5", "12345678901234567890", "abc"});
  }
}

TEST_CASE("ingest: a column that keeps text is never taken for numbers on the way there") {
  const Fixture f("into_text");
  f.database.run("CREATE TABLE places(zip TEXT, n INTEGER)");
  std::string text = "zip,n\n";
  for (int i = 0; i < 1200; ++i) text += "12345,1\n";

  const Outcome outcome = f.ingest({f.file("places.csv", text + "00501,2\n")});

  CHECK(outcome.status == 0);
  CHECK(f.database.text("SELECT zip FROM places WHERE n = 2") == "00501");
}

TEST_CASE("ingest: JSON values of several types keep them") {
  const Fixture f("mixed");
  const std::string file =
      f.file("m.ndjson", "{\"v\":1}\n{\"v\":\"007\"}\n{\"v\":1.5}\n{\"v\":[1,2]}\n{\"v\":null}\n");

  CHECK(f.ingest({file}).status == 0);

  CHECK(f.database.rows("SELECT v, typeof(v) FROM m") ==
        std::vector<std::string>{"1|integer", "007|text", "1.5|real", "[1,2]|text", "NULL|null"});
}

TEST_CASE("ingest: files of one table get one type for each column") {
  const Fixture f("several");
  const std::string a = f.file("a.csv", "id,v\n1,1\n2,2\n");
  const std::string b = f.file("b.csv", "id,v\n3,2.5\n4,x7\n");
  const std::string c = f.file("c.csv", "id,w\n3,2.5\n");

  const Outcome both = f.ingest({a, b});
  const Outcome others = f.ingest({a, c, "--table", "other"});

  CHECK(both.status == 0);
  CHECK(parse_summary(both.out).sources.size() == 2);
  CHECK(f.database.rows("SELECT id, v, typeof(v) FROM a") ==
        std::vector<std::string>{"1|1|text", "2|2|text", "3|2.5|text", "4|x7|text"});
  CHECK(others.status == 78);
  CHECK(contains(others.err, a));
  CHECK(contains(others.err, c));
  CHECK(contains(others.err, "id, w"));
}

TEST_CASE("ingest: files are written in the order given, so the last word is the last file's") {
  const Fixture f("order");
  std::vector<std::string> line;
  for (const char* day : {"a", "b", "c"}) {
    std::string text = "id,day\n";
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + "," + day + "\n";
    line.push_back(f.file(std::string(day) + ".csv", text));
  }
  line.insert(line.end(), {"--table", "t", "--pk", "id", "--upsert"});

  const Outcome outcome = f.ingest(line);

  CHECK(outcome.status == 0);
  const JsonSummary s = parse_summary(outcome.out);
  CHECK(s.inserted == 20'000);
  CHECK(s.updated == 40'000);
  CHECK(f.database.rows("SELECT day, count(*) FROM t GROUP BY day") ==
        std::vector<std::string>{"c|20000"});
}

TEST_CASE("ingest: NDJSON files bring the keys of all, and an unknown one later isn't lost") {
  const Fixture f("keys");
  const std::string a = f.file("a.ndjson", "{\"id\":1,\"x\":1}\n");
  std::string more = "{\"y\":\"q\",\"id\":2}\n";
  for (int i = 0; i < 1200; ++i) more += "{\"id\":3}\n";
  const std::string b = f.file("b.ndjson", more + "{\"id\":4,\"late\":1}\n");

  const Outcome outcome = f.ingest({a, b});

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT id, x, y FROM a WHERE id < 3") ==
        std::vector<std::string>{"1|1|NULL", "2|NULL|q"});
  CHECK(f.database.text("SELECT code FROM mayfly_dead_letters") == "unknown_key");
}

TEST_CASE("ingest: a known key is refused, updated, ignored or replaced, and counted so") {
  const Fixture f("modes");
  const std::string first = f.file("first.csv", "id,a,b\n1,x,1\n2,y,2\n");
  const std::string second = f.file("second.csv", "id,a\n2,z\n3,w\n");
  const auto run = [&](const std::string& table, std::vector<std::string> how) {
    CHECK(f.ingest({first, "--table", table, "--pk", "id"}).status == 0);
    how.insert(how.begin(), {second, "--table", table});
    const Outcome outcome = f.ingest(std::move(how));
    return std::pair{outcome.status, parse_summary(outcome.out)};
  };
  const auto row = [&](const std::string& table) {
    return f.database.text("SELECT a || ',' || coalesce(b, 'null') FROM " + table +
                           " WHERE id = 2");
  };

  const auto [insert_status, insert] = run("i", {});
  const auto [upsert_status, upsert] = run("u", {"--upsert"});
  const auto [ignore_status, ignore] = run("g", {"--ignore"});
  const auto [replace_status, replace] = run("r", {"--replace"});

  CHECK(insert_status == 65);
  CHECK(insert.rejected == 1);
  CHECK(insert.inserted == 1);
  CHECK(row("i") == "y,2");
  CHECK(upsert_status == 0);
  CHECK(upsert.updated == 1);
  CHECK(upsert.inserted == 1);
  CHECK(row("u") == "z,2");
  CHECK(ignore_status == 0);
  CHECK(ignore.ignored == 1);
  CHECK(ignore.inserted == 1);
  CHECK(row("g") == "y,2");
  CHECK(replace_status == 0);
  CHECK(replace.written == 2);
  CHECK(row("r") == "z,null");
}

TEST_CASE("ingest: standard input, plain and compressed by content") {
  const Fixture f("stdin");
  const std::string csv = numbered_csv(3000);
  const std::pair<const char*, std::string> inputs[] = {
      {"plain", csv}, {"gz", gzip(csv)}, {"zst", zstd(csv)}};

  for (const auto& [table, bytes] : inputs) {
    const Outcome outcome =
        f.ingest({"-", "--table", table}, {.stdin_file = f.file(std::string(table), bytes)});
    CHECK(outcome.status == 0);
    CHECK(parse_summary(outcome.out).read == 3000);
    CHECK(f.database.text(std::string("SELECT count(*), sum(id), max(name) FROM ") + table) ==
          "3000|4498500|n999");
  }
}

TEST_CASE("ingest: delimiter, quote, header and empty fields as the options say") {
  const Fixture f("dialect");
  const std::string file = f.file("x.txt", "1;'a;b';\n2;c;d\n");

  const Outcome outcome = f.ingest({file, "--format", "csv", "--delimiter", ";", "--quote", "'",
                                    "--no-header", "--columns", "n,a,b", "--empty", "null"});
  const Outcome tabs =
      f.ingest({f.file("t.csv", "a\tb\n1\t2\n"), "--delimiter", "\\t", "--table", "tabs"});

  CHECK(outcome.status == 0);
  CHECK(f.database.rows("SELECT n, a, b FROM x") ==
        std::vector<std::string>{"1|a;b|NULL", "2|c|d"});
  CHECK(tabs.status == 0);
  CHECK(f.database.text("SELECT a, b FROM tabs") == "1|2");
}

TEST_CASE("ingest: numbers keep how they are written in a column that keeps text") {
  const Fixture f("keeps_text");
  f.database.run("CREATE TABLE t(ZIP TEXT, v INT)");
  const std::string csv = f.file("t.csv", "zip,v\n1.50,1\n1e3,2\n");

  const Outcome piped = f.ingest({"-", "--table", "t"}, {.stdin_file = csv});
  const Outcome typed = f.ingest({"-", "--table", "t", "--types", "zip=text"}, {.stdin_file = csv});
  const Outcome read = f.ingest({csv, "--table", "t"});

  // What came by standard input is known too late to be read as the table wants it.
  CHECK(piped.status == 78);
  CHECK(contains(piped.err, "--types zip=text"));
  CHECK(typed.status == 0);
  CHECK(read.status == 0);
  CHECK(f.database.rows("SELECT ZIP FROM t") ==
        std::vector<std::string>{"1.50", "1e3", "1.50", "1e3"});
}

TEST_CASE("ingest: --schema makes the table once, with what types can't say") {
  const Fixture f("schema");
  const std::string sql =
      f.file("s.sql", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT CHECK(v <> 'bad'));");
  const std::string csv = f.file("t.csv", "id,v\n1,good\n2,bad\n");

  const Outcome outcome = f.ingest({csv, "--table", "t", "--schema", sql});
  const Outcome other = f.ingest({csv, "--table", "u", "--schema", sql});

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT id FROM t") == std::vector<std::string>{"1"});
  CHECK(f.database.text("SELECT code FROM mayfly_dead_letters") == "check");
  CHECK(other.status == 78);
  CHECK(f.ingest({csv, "--table", "t", "--schema", sql, "--upsert"}).status == 65);
}

TEST_CASE("ingest: --on-error fail stops at the first bad row") {
  const Fixture f("fail");
  std::string text = numbered_csv(10) + "1,2,3\n" + numbered_csv(10).substr(8);

  const Outcome outcome = f.ingest({f.file("t.csv", text), "--on-error", "fail"});

  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "error"));
  CHECK(f.database.integer("SELECT count(*) FROM t") <= 10);
  CHECK(f.database.integer(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'mayfly_dead_letters'") == 0);
}

TEST_CASE("ingest: what --on-error fail advises works, and in the command line's words") {
  const Fixture f("advised");
  const std::string csv =
      f.file("t.csv", numbered_csv(10) + "1,2,3\n" + numbered_csv(10).substr(8));

  const Outcome failed = f.ingest({csv, "--on-error", "fail"});
  const Outcome again = f.ingest({csv, "--resume", "--on-error", "dead-letter"});

  CHECK(!contains(failed.err, "on_error"));
  CHECK(contains(failed.err, "with --resume --on-error dead-letter goes on there"));
  CHECK(again.status == 65);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 20);
}

// 1,200 numbers, and one that a numeric column would change.
std::string numbers_and_a_code() {
  std::string text = "n\n";
  for (int i = 1; i <= 1200; ++i) text += std::to_string(i) + "\n";
  return text + "007\n";
}

TEST_CASE("ingest: whoever begins again as it is said loses and doubles nothing") {
  const Fixture f("again");
  const std::string csv = f.file("s.csv", numbers_and_a_code());
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--resume"}, {"--ignore"}, {"--replace"}}) {
    f.database.run(
        "DROP TABLE IF EXISTS mayfly_offsets; DROP TABLE IF EXISTS mayfly_offset_ranges;"
        "DROP TABLE IF EXISTS s; CREATE TABLE s(n INTEGER); INSERT INTO s VALUES (-1)");
    std::vector<std::string> line = {csv};
    line.insert(line.end(), options.begin(), options.end());

    const Outcome first = f.ingest(line);

    CHECK(first.status == 65);
    CHECK(contains(first.err,
                   "mayfly: warning: 1,200 rows were written to s. Before you ingest this input "
                   "again, corrected or with other options, take what was written out of it (or "
                   "drop s, if nothing else is in it: its columns keep their types) and leave "
                   "--resume out; else it is doubled, unless a unique key of s prevents it\n"));
    // Something else is in it.
    f.database.run("DELETE FROM s WHERE n > 0");
    CHECK(f.ingest({csv, "--types", "n=text", "--coerce"}).status == 0);
    CHECK(f.database.text("SELECT count(*), sum(n = -1), sum(n = 7) FROM s") == "1202|1|2");
  }
}

TEST_CASE("ingest: a table into which nothing came has its columns' types all the same") {
  const Fixture f("none_written");
  const std::string csv = f.file("s.csv", "a,b\n1,2,3\n");
  const Outcome outcome = f.ingest({csv});
  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "no row was written to s, but its columns keep their types: "));
}

TEST_CASE(
    "ingest: with a key that is updated, the same input may be ingested again as it is said") {
  const Fixture f("again_keyed");
  const std::string csv = f.file("s.csv", numbers_and_a_code());
  const Outcome first = f.ingest({csv, "--pk", "n", "--upsert", "-q"});
  CHECK(contains(first.err,
                 "1,200 rows were written to s, whose columns keep their types. To ingest this "
                 "input again, corrected or with other options, leave --resume out: known keys "
                 "aren't doubled, except NULL\n"));
  CHECK(f.ingest({csv, "--upsert", "--on-error", "dead-letter"}).status == 65);
  CHECK(f.database.integer("SELECT count(*) FROM s") == 1200);
}

TEST_CASE("ingest: --on-error fail, too, says what to do before the input is ingested again") {
  const Fixture f("fail_again");
  std::string text = "n\n";
  for (int i = 1; i <= 400'000; ++i) text += (i == 300'001 ? "007" : std::to_string(i)) + "\n";
  const std::string csv = f.file("t.csv", text);

  const Outcome failed = f.ingest({csv, "--on-error", "fail", "-q"});

  CHECK(failed.status == 65);
  CHECK(contains(failed.err, " rows were written to t. Before you ingest this input again, "));
  f.database.run("DROP TABLE t");
  CHECK(f.ingest({csv, "--types", "n=text"}).status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 400'000);
}

TEST_CASE("ingest: --alter adds columns, --coerce lets a column change values") {
  const Fixture f("alter");
  const std::string ab = f.file("ab.csv", "a,b\n1,007\n");
  f.database.run("CREATE TABLE ab(a INTEGER)");
  f.database.run("CREATE TABLE c(a INTEGER, b INTEGER)");

  CHECK(f.ingest({ab}).status == 78);
  CHECK(f.ingest({ab, "--alter"}).status == 0);
  CHECK(f.database.text("SELECT a, b FROM ab") == "1|007");
  CHECK(f.ingest({ab, "--table", "c"}).status == 65);
  CHECK(f.ingest({ab, "--table", "c", "--coerce"}).status == 0);
  CHECK(f.database.text("SELECT b FROM c") == "7");
}

TEST_CASE("ingest: environment options count, and the command line wins") {
  const Fixture f("environment");
  const std::string csv = f.file("x.csv", "a\n1\n");
  const ProgramOptions with = {.environment = {{"MAYFLY_INTO", f.database.path()},
                                               {"MAYFLY_TABLE", "from_env"},
                                               {"MAYFLY_OUTPUT", "json"}}};

  const Outcome by_environment = run_mayfly({"ingest", csv}, with);
  const Outcome by_line = run_mayfly({"ingest", csv, "--table", "from_line"}, with);

  CHECK(parse_summary(by_environment.out).table == "from_env");
  CHECK(parse_summary(by_line.out).table == "from_line");

  // Nobody typed what is wrong with these.
  const std::vector<std::string> line = {"ingest", csv, "--into", f.database.path()};
  const auto refusal = [&line](const char* variable, const char* value) {
    return run_mayfly(line, {.environment = {{variable, value}}}).err;
  };
  CHECK(contains(refusal("MAYFLY_DELIMITER", "xx"), "(from the environment variable MAYFLY_DELIM"));
  CHECK(contains(refusal("MAYFLY_TYPES", "q=int"),
                 "x.csv: --types: there is no column \"q\"; there are a (from the environment "
                 "variable MAYFLY_TYPES)"));
}

TEST_CASE(
    "ingest: results go to standard output, all else to standard error, plain when no terminal") {
  const Fixture f("streams");
  const std::string csv = f.file("x.csv", "a,b\n1,2\n1\n");
  const std::vector<std::string> line = {"ingest", csv, "--into", f.database.path()};

  const Outcome text = run_mayfly(line);
  std::vector<std::string> quiet = line, colored = line;
  quiet.push_back("-q");
  colored.insert(colored.end(), {"--color", "always"});
  const Outcome silent = run_mayfly(quiet);
  const Outcome color = run_mayfly(colored);
  std::vector<std::string> json = line;
  json.insert(json.end(), {"--log-format", "json"});
  const Outcome logs = run_mayfly(json);

  CHECK(contains(
      text.out,
      "Of 2 rows read, 1 was written to x (1 inserted, 0 updated), 0 ignored, 1 rejected, in "));
  CHECK(contains(text.err, "mayfly: warning: 1 row rejected"));
  CHECK_FALSE(contains(text.err, "\x1b["));
  CHECK(silent.out.empty());
  CHECK(contains(color.err, "\x1b["));
  CHECK(logs.err.front() == '{');
}

TEST_CASE("ingest: a pipe is read once, also into a table whose types are known") {
  const Fixture f("pipe");
  f.database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  const std::string csv = f.file("t.csv", "id,name\n1,007\n");
  const std::string tail = " --table t --into " + f.database.path();
  const auto run = [&](const std::string& arguments) {
    RunProgram program("/bin/bash", {"-c", mayfly_path() + " ingest " + arguments + tail});
    return program.wait();
  };

  CHECK(run("<(cat " + csv + ")") == 0);
  CHECK(run("<(cat " + csv + ") <(cat " + csv + ")") == 64);
  CHECK(f.database.rows("SELECT id, name FROM t") == std::vector<std::string>{"1|007"});
}
