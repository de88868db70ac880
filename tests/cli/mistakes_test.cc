// Mistakes in a pipeline file that plugins find: validate tells what can be known without the
// input, run the rest, both with file:line:column.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name)
      : database(name), folder(make_folder()), toml(folder + "/p.toml") {
    write_file(folder + "/in.csv", numbered_csv(10));
  }
  // The file's first line is 1, the node's table stands in line 5.
  void write(const std::string& node, const std::string& last = "n",
             const std::string& table = "t") const {
    write_file(toml, "[source.rows]\nplugin = \"file\"\npath = \"" + folder +
                         "/in.csv\"\n\n[node.n]\ninput = \"rows\"\n" + node +
                         "\n[writer]\ninput = \"" + last + "\"\ntable = \"" + table +
                         "\"\ndatabase = \"" + database.path() + "\"\n");
  }
  // What is told, behind the file's name.
  std::string told(const char* command) const {
    const Outcome outcome = run_mayfly({command, toml});
    CHECK(outcome.status == 78);
    const std::string text = outcome.out + outcome.err;
    const std::size_t at = text.find(toml + ":");
    REQUIRE_MESSAGE(at != std::string::npos, text);
    const std::size_t begin = at + toml.size() + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  // All that is, one a line.
  std::string all_told(const char* command) const {
    const Outcome outcome = run_mayfly({command, toml});
    CHECK(outcome.status == 78);
    const std::string text = outcome.out + outcome.err;
    std::string lines;
    for (std::size_t at = 0; (at = text.find(toml + ":", at)) != std::string::npos;) {
      at += toml.size() + 1;
      lines += text.substr(at, text.find('\n', at) - at) + '\n';
    }
    return lines;
  }

  Database database;
  std::string folder, toml;
};

}  // namespace

TEST_CASE("validate: an expression that can't be one is told at its option") {
  const Fixture f("expressions");
  f.write("plugin = \"filter\"\nwhere = \"id >\"\n");
  CHECK(
      f.told("validate").starts_with("8:9: n.where: the expression \"id >\": near \")\": syntax"));
  f.write("plugin = \"map\"\ncolumns = [\"id\", \"n = abs((SELECT 1))\"]\n");
  CHECK(
      f.told("validate").starts_with("8:18: n.columns: the expression \"abs((SELECT 1))\": a sub"));
}

TEST_CASE("validate: an expression is one by itself, whatever stands around it") {
  const Fixture f("parentheses");
  const auto expect = [&f](const std::string& expression) {
    f.write("plugin = \"filter\"\nwhere = \"" + expression + "\"\n");
    CHECK(f.told("validate") == "8:9: n.where: the expression \"" + expression +
                                    "\": expected one expression by itself, found parentheses "
                                    "that close what it doesn't open");
  };
  expect("1) OR (1");
  expect("1) LIMIT (1");
}

TEST_CASE("validate: a signal that nobody raises is told at the option that names it") {
  const Fixture f("signals");
  f.write("plugin = \"anomaly_detector\"\nsignals = [\"write.*\", \"nosuch.thing\"]\n");
  CHECK(f.told("validate") ==
        "8:23: node \"n\" listens to the signal \"nosuch.thing\", which nobody in this pipeline "
        "raises");
  f.write("plugin = \"anomaly_detector\"\nsignals = \"write.*,nosuch.thing\"\n");
  CHECK(f.told("validate").starts_with("8:11: node \"n\" listens to the signal"));
}

TEST_CASE("validate: an option of another type is one mistake") {
  const Fixture f("types");
  f.write("plugin = \"filter\"\nwhere = 1979-05-27\n");
  CHECK(f.all_told("validate") == "8:9: n.where: expected text in quotes, found a date or time\n");
  f.write("plugin = \"dedupe\"\nkeys = [[\"id\"]]\n");
  CHECK(f.all_told("validate") ==
        "8:8: n.keys: expected a list of texts, found a list with a list in it\n");
  f.write("plugin = \"sample\"\nratio = {}\n");
  CHECK(f.all_told("validate") == "8:9: n.ratio: expected a number, found a table\n");
  f.write("plugin = \"sample\"\nevery = \"often\"\n");
  CHECK(f.all_told("validate").starts_with("8:9: n.every: expected an integer"));
}

TEST_CASE("validate: every column of map that is wrong is told, where it stands") {
  const Fixture f("map_columns");
  f.write(
      "plugin = \"map\"\ncolumns = [\"id:nokind\", \"id\", \"b = abs((SELECT 1))\",\n"
      "  \"c = id >\", \"ID = 2\"]\n");
  const std::string told = f.all_told("validate");
  CAPTURE(told);
  CHECK(told.find("8:12: n.columns: expected NAME = EXPRESSION, NAME:TYPE = EXPRESSION or NAME, "
                  "found \"id:nokind\"") == 0);
  CHECK(told.find("\n8:31: n.columns: the expression \"abs((SELECT 1))\": a subquery") !=
        std::string::npos);
  CHECK(told.find("\n9:3: n.columns: the expression \"id >\": near") != std::string::npos);
  CHECK(told.find("\n9:15: n.columns: expected names that differ in more than case, found \"id\" "
                  "and \"ID = 2\"\n") != std::string::npos);
}

TEST_CASE("validate: where a mistake is of two entries, the latter is told") {
  const Fixture f("two_entries");
  f.write("plugin = \"map\"\ncolumns = [\"NAME = 2 + 3\", \"name\"]\n");
  CHECK(f.told("validate").starts_with("8:28: n.columns: expected names that differ"));
  f.write("plugin = \"map\"\ncolumns = [\"name\", \"NAME\"]\n");
  CHECK(f.told("validate").starts_with("8:20: n.columns: expected names that differ"));
}

TEST_CASE("validate: a mistake in one option doesn't hide what is wrong with another") {
  const Fixture f("beside");
  f.write("plugin = \"anomaly_detector\"\nthreshold = 0\nsignals = [\"anomaly.*\"]\n");
  const std::string told = f.all_told("validate");
  CAPTURE(told);
  CHECK(told.starts_with("8:13: n.threshold: 0 is under the minimum 1\n"));
  CHECK(told.find("\n9:") != std::string::npos);
}

TEST_CASE("validate: every column of generate that is wrong is told, where it stands") {
  const Fixture f("generate_columns");
  write_file(f.toml,
             "[source.s]\nplugin = \"generate\"\ncolumns = [\"a:flot\", \"b:int\", "
             "\"c\"]\n[writer]\ninput = \"s\"\ntable = \"t\"\ndatabase = \"" +
                 f.database.path() + "\"\n");
  const std::string told = f.all_told("validate");
  CAPTURE(told);
  CHECK(told.find("3:12: s.columns: ") == 0);
  CHECK(told.find("\n3:31: s.columns: ") != std::string::npos);
}

TEST_CASE("validate: two nodes that keep signals in a database beside the writer's are refused") {
  const Fixture f("two_windows");
  const std::string window = "plugin = \"persistent_window\"\ndatabase = \"beside.db\"\n";
  write_file(f.toml, "[source.s]\nplugin = \"generate\"\n[node.a]\ninput = \"s\"\n" + window +
                         "[node.b]\ninput = \"a\"\n" + window +
                         "[writer]\ninput = \"b\"\ntable = \"t\"\ndatabase = \"" +
                         f.database.path() + "\"\n");
  CHECK(
      f.all_told("validate") ==
      "10:12: b.database: expected one node that keeps the pipeline's signals in beside.db, found "
      "\"a\" before it; each signal would be there twice: take one of the two out, or name "
      "another database\n");
}

TEST_CASE("validate: every option of file that is wrong is told, where it stands") {
  const Fixture f("file_options");
  write_file(f.toml,
             "[source.s]\nplugin = \"file\"\npath = \"-\"\ninfer = \"all\"\ndelimiter = \"ab\"\n"
             "quote = \"xy\"\ntypes = [\"id=foo\", \"a=int64\", \"name=bar\",\n  \"b\", "
             "\"A=text\", \"\"]\n[writer]\ninput = \"s\"\ntable = \"t\"\ndatabase = \"" +
                 f.database.path() + "\"\n");
  const std::string types =
      "s.types: expected int64, float64, text, blob, bool, timestamp, json or any after the =, "
      "found ";
  CHECK(f.all_told("validate") ==
        "4:9: s.infer: \"all\" reads the input twice, and standard input can't be; use \"sample\", "
        "or give types\n"
        "5:13: s.delimiter: expected one byte that isn't a newline, tab, or auto, found \"ab\"\n"
        "6:9: s.quote: expected one byte that isn't a newline, or none, found \"xy\"\n"
        "7:10: " +
            types +
            "\"id=foo\"\n"
            "7:31: " +
            types +
            "\"name=bar\"\n"
            "8:3: s.types: expected column=type, found \"b\"\n"
            "8:8: s.types: expected each column once (upper and lower case are the same), found "
            "\"A=text\"\n"
            "8:18: s.types: expected column=type, found \"\"\n");
}

TEST_CASE("validate: every glob of a list that can't be one is told, where it stands") {
  const Fixture f("globs");
  const auto told = [](const std::string& option) {
    const std::string expected =
        ": n." + option + ": expected globs of signals without blanks, found ";
    const std::size_t column = option.size() + 5;
    const std::string second = "8:" + std::to_string(column + 14);
    return "8:" + std::to_string(column) + expected + "\"a b\"\n" + second + expected +
           "\"\"\n9:2" + expected + "\"c d\"\n";
  };
  const auto expect = [&](const std::string& plugin, const std::string& option,
                          const std::string& required = "") {
    CAPTURE(option);
    f.write("plugin = \"" + plugin + "\"\n" + option + " = [\"a b\", \"x:*\", \"\",\n \"c d\"]\n" +
            required);
    CHECK(f.all_told("validate") == told(option));
  };
  expect("circuit_breaker", "failure_signals");
  expect("keyed_priority_fanout", "refuse_priority_on", "key = \"id\"\n");
  expect("telemetry", "signals");
  expect("sample", "cancel_on", "every = 2\n");
  expect("sample", "defer_on", "every = 2\n");
}

TEST_CASE("validate: a wrong glob in defer_on hides neither those of resume_on nor of cancel_on") {
  const Fixture f("controls");
  f.write(
      "plugin = \"sample\"\ndefer_on = \"a b\"\nresume_on = [\"c d\"]\n"
      "cancel_on = [\"nosuch.thing\"]\nevery = 2\n");
  const std::string expected = "expected globs of signals without blanks, found ";
  CHECK(f.all_told("validate") ==
        "8:12: n.defer_on: " + expected + "\"a b\"\n9:14: n.resume_on: " + expected +
            "\"c d\"\n10:14: node \"n\" listens to the signal \"nosuch.thing\", which nobody in "
            "this pipeline raises\n");
  f.write("plugin = \"sample\"\ndefer_on = \"a b\"\nresume_on = [\"write.*\"]\nevery = 2\n");
  CHECK(f.all_told("validate") == "8:12: n.defer_on: " + expected + "\"a b\"\n");
}

TEST_CASE(
    "validate: every header that is wrong is told where it stands, and none of their values") {
  const Fixture f("headers");
  f.write(
      "plugin = \"signaling_http\"\nurl = \"ftp://localhost/\"\n"
      "headers = [\"X-Key: a\", \"Authorization Bearer secret\", \"Basic secret\",\n"
      "  \"Expect: x\", \"X Key: secret\"]\nconnect_timeout = \"1m\"\n");
  const std::string none = ": expected a header as \"Name: value\", found no colon in it\n";
  CHECK(
      f.all_told("validate") ==
      "8:7: n.url: expected a URL such as http://host:8080/path, found \"ftp://localhost/\": "
      "only http and https are spoken\n"
      "9:24: n.headers: entry 2" +
          none + "9:55: n.headers: entry 3" + none +
          "10:3: n.headers: entry 4: expected none of the fields that each request sets itself, "
          "found Expect; leave it out\n"
          "10:16: n.headers: entry 5: expected a header's name of letters, digits and -, found "
          "\"X Key\"\n"
          "11:19: n.connect_timeout: expected at most timeout (30s), found 1m; lower it, or raise "
          "timeout\n");
  f.write(
      "plugin = \"telemetry\"\nendpoint = \"localhost\"\nservice_name = \" \"\n"
      "headers = \"X-Key,Basic secret\"\nresource = [\"a=b\", \"x\", \"=y\"]\n");
  const std::string told = f.all_told("validate");
  CAPTURE(told);
  CHECK(told.starts_with("8:12: n.endpoint: expected"));
  CHECK(told.substr(told.find('\n')) ==
        "\n9:16: n.service_name: expected a name, found none\n10:11: n.headers: entry 1" + none +
            "10:11: n.headers: entry 2" + none +
            "11:20: n.resource: expected name=value, found \"x\"\n"
            "11:25: n.resource: expected name=value, found \"=y\"\n");
}

TEST_CASE("validate: control characters are told as they are written in TOML") {
  const Fixture f("control");
  f.write("plugin = \"filter\"\nwhere = \"id >\\u0000\\n1\"\n");
  CHECK(f.told("validate") ==
        "8:9: n.where: the expression \"id >\\u0000\\n1\": expected text without NUL bytes");
}

TEST_CASE("validate: two nodes that keep signals in one database, and rows among them") {
  const Fixture f("kept");
  f.write(
      "plugin = \"persistent_window\"\n[node.m]\ninput = \"n\"\nplugin = "
      "\"persistent_window\"\ndatabase = \"" +
          f.database.path() + "\"\n",
      "m");
  CHECK(f.all_told("validate") ==
        "11:12: m.database: expected one node that keeps the pipeline's signals in " +
            f.database.path() +
            ", found \"n\" before it; each signal would be there twice: take one of the two out, "
            "or name another database\n");
  f.write("plugin = \"persistent_window\"\n", "n", "Signals");
  CHECK(f.all_told("validate") ==
        "11:9: writer.table: node \"n\" keeps signals in the table signals of " +
            f.database.path() + "; name another table here, or another database there\n");
}

TEST_CASE("validate: a quote that is the delimiter, too, is told") {
  const Fixture f("quote");
  write_file(f.toml,
             "[source.s]\nplugin = \"file\"\npath = \"in.csv\"\ndelimiter = \"|\"\nquote = "
             "\"|\"\n[writer]\ninput = \"s\"\ntable = \"t\"\ndatabase = \"" +
                 f.database.path() + "\"\n");
  CHECK(f.all_told("validate") ==
        "5:9: s.quote: expected another character than the delimiter, found \"|\"\n");
}

TEST_CASE("run: of stores of signals that can't be written, each is told of with its file") {
  const Fixture f("stores");
  const Database stores[] = {Database("store_first"), Database("store_second")};
  const std::string node = "plugin = \"persistent_window\"\ndatabase = \"";
  const std::string nodes =
      node + stores[0].path() + "\"\n[node.m]\ninput = \"n\"\n" + node + stores[1].path() + "\"\n";
  f.write(nodes, "m");
  REQUIRE(run_mayfly({"run", f.toml}).status == 0);
  for (const Database& store : stores) {
    store.run(
        "CREATE TRIGGER full BEFORE INSERT ON signals BEGIN SELECT RAISE(ABORT, 'full'); END");
  }
  f.write(nodes, "m", "another");
  const Outcome outcome = run_mayfly({"run", f.toml});
  for (const Database& store : stores) {
    CHECK(contains(outcome.err, "signals can't be stored in " + store.path() + ": "));
  }
}

TEST_CASE("run: a column that there isn't is told at the option that names it") {
  const Fixture f("columns");
  f.write("plugin = \"filter\"\nwhere = \"amount > 1\"\n");
  CHECK(run_mayfly({"validate", f.toml}).status == 0);
  CHECK(f.told("run") == "8:9: n.where: the expression \"amount > 1\": no such column: amount");
  f.write("plugin = \"dedupe\"\nkeys = [\"id\", \"amount\"]\n");
  CHECK(run_mayfly({"validate", f.toml}).status == 0);
  CHECK(f.told("run") ==
        "8:15: n.keys: expected a column that comes in (id, name), found \"amount\"; name one of "
        "them");
  CHECK_FALSE(std::filesystem::exists(f.database.path()));
}

TEST_CASE("run: a column that is misspelt comes with the one that was probably meant") {
  const Fixture f("misspelt");
  f.write("plugin = \"filter\"\nwhere = \"nane > 1\"\n");
  CHECK(f.told("run") ==
        "8:9: n.where: the expression \"nane > 1\": no such column: nane; did you mean \"name\"?");
  f.write("plugin = \"dedupe\"\nkeys = [\"name\", \"nane\"]\n");
  CHECK(f.told("run") ==
        "8:17: n.keys: expected a column that comes in (id, name), found \"nane\"; did you mean "
        "\"name\"?");
}

TEST_CASE("run: the place of a row in its batch is no column") {
  const Fixture f("rowid");
  for (const std::string name : {"rowid", "oid", "_rowid_", "mayfly_batch.rowid"}) {
    f.write("plugin = \"filter\"\nwhere = \"" + name + " % 2 = 0\"\n");
    CHECK(f.told("run") == "8:9: n.where: the expression \"" + name +
                               " % 2 = 0\": expected columns that come in, found rowid, _rowid_ or "
                               "oid, which depends on which rows come together");
  }
}

TEST_CASE("run: inputs with different columns are told where they meet, with what each has") {
  const Fixture f("different_inputs");
  const auto write = [&f](const std::string& columns, const std::string& input) {
    write_file(f.toml,
               "[source.a]\nplugin = \"generate\"\nrows = 1\ncolumns = [\"x:int\", "
               "\"y:float\"]\n[source.b]\nplugin = \"generate\"\nrows = 1\ncolumns = " +
                   columns + "\n" + input + "\ntable = \"t\"\ndatabase = \"" + f.database.path() +
                   "\"\n");
  };
  write("[\"x:int\"]", "[writer]\ninput = [\"a\", \"b\"]");
  CHECK(
      f.told("run") ==
      "9:2: writer: expected inputs with one set of columns, found different ones: a has (x int64, "
      "y float64), b has (x int64); give them the same by a map in front");
  write("[\"y:float\", \"x:int\"]",
        "[node.n]\nplugin = \"pass\"\ninput = [\"a\", \"b\"]\n[writer]\ninput = \"n\"");
  CHECK(f.told("run") ==
        "9:7: n: expected inputs with one set of columns, found the same columns, but not in the "
        "same order: a has (x int64, y float64), b has (y float64, x int64); give them the same by "
        "a map "
        "in front");
}
