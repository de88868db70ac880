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
