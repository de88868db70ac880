// `mayfly run`, `validate`, `graph` and `plugins`, from outside.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name) : database(name), folder(make_folder()) {
    csv = folder + "/in.csv";
    toml = folder + "/p.toml";
    write_file(csv, numbered_csv(3000));
    write_file(toml, pipeline(csv));
  }
  std::string pipeline(const std::string& path) const {
    return "[pipeline]\nname = \"orders\"\n\n[source.orders]\nplugin = \"file\"\npath = \"" + path +
           "\"\nformat = \"csv\"\n\n[node.groups]\nplugin = \"batch\"\ninput = \"orders\"\n\n"
           "[writer]\ninput = \"groups\"\ndatabase = \"" +
           database.path() + "\"\ntable = \"t\"\n";
  }

  Database database;
  std::string folder, csv, toml;
};

}  // namespace

TEST_CASE("run: a pipeline runs to its end, and a second run goes on there") {
  const Fixture f("run");

  const Outcome first = run_mayfly({"run", f.toml, "--output", "json"});
  const Outcome second = run_mayfly({"run", f.toml, "--output", "json"});

  CHECK(first.status == 0);
  CHECK(parse_summary(first.out).written == 3000);
  CHECK(second.status == 0);
  CHECK(parse_summary(second.out).sources[0].second > 0);
  CHECK(f.database.text("SELECT count(*), sum(id) FROM t") == "3000|4498500");
}

TEST_CASE("run: a log that a reader keeps from shrinking is told of") {
  const Fixture f("run_growing");
  f.database.run("PRAGMA journal_mode = WAL; CREATE TABLE seen(x)");
  // For as long as it takes a reader to be an old one: 30 MB in a second.
  write_file(f.toml,
             "[source.rows]\nplugin = \"generate\"\nrows = 30000\nrate = 30000\n"
             "columns = [\"id:sequence\", \"text:text:1000\"]\n[writer]\ninput = \"rows\"\n"
             "database = \"" +
                 f.database.path() + "\"\ntable = \"t\"\n");
  const Snapshot reader(f.database.path());

  const Outcome outcome = run_mayfly({"run", f.toml});

  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err, "the write-ahead log of the database has grown to "));
  CHECK(contains(outcome.err, " pages, since readers keep old snapshots"));
}

TEST_CASE("run: of a file that grew, the command that is told makes it be read anew") {
  const Fixture f("run_grew");
  REQUIRE(run_mayfly({"run", f.toml}).status == 0);
  write_file(f.csv, numbered_csv(3001));

  const Outcome refused = run_mayfly({"run", f.toml});

  CHECK(refused.status == 66);
  CHECK(contains(refused.err, "changed since the mark"));
  CHECK_FALSE(contains(refused.err, "--resume"));
  const std::size_t command = refused.err.find("sqlite3 ");
  REQUIRE(command != std::string::npos);
  const std::string line = refused.err.substr(command, refused.err.find('\n', command) - command);
  f.database.run("DELETE FROM t");
  REQUIRE(std::system(line.c_str()) == 0);
  CHECK(run_mayfly({"run", f.toml}).status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 3001);
}

TEST_CASE("run: rows that are rejected end with 65") {
  const Fixture f("run65");
  write_file(f.csv, numbered_csv(10) + "broken\n");

  const Outcome outcome = run_mayfly({"run", f.toml});

  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "1 row rejected"));
  CHECK(contains(
      outcome.out,
      "Of 11 rows read, 10 were written to t (10 inserted, 0 updated), 0 ignored, 1 rejected"));

  // Corrected, and read anew as it is said.
  write_file(f.csv, numbered_csv(11));
  const std::size_t command =
      outcome.err.find("sqlite3 ", outcome.err.find("what was read isn't read again"));
  REQUIRE(command != std::string::npos);
  const std::string line = outcome.err.substr(command, outcome.err.find('\n', command) - command);
  f.database.run("DELETE FROM t");
  REQUIRE(std::system(line.c_str()) == 0);
  CHECK(run_mayfly({"run", f.toml}).status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 11);
}

TEST_CASE("run: a stream with rejected rows is told apart, and quiet runs are told, too") {
  const Fixture f("run65_stream");
  write_file(f.csv, numbered_csv(10) + "broken\n");
  write_file(f.toml, f.pipeline("-"));

  const Outcome outcome = run_mayfly({"run", f.toml, "-q"}, {.stdin_file = f.csv});

  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "a stream isn't read again: feed the corrected rows alone"));
}

TEST_CASE("run: what the database refuses of a pipeline file is told with the file") {
  const Fixture f("refused");
  write_file(f.toml, f.pipeline(f.csv) + "select = \"SELECT nobody FROM mayfly_batch\"\n");

  const Outcome outcome = run_mayfly({"run", f.toml});

  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, f.toml + ": select: no such column: nobody"));
}

TEST_CASE("run: columns that can't keep their names are said to have others") {
  const Fixture f("renamed");
  write_file(f.csv, "a,b,A,\n1,2,3,4\n");

  const Outcome outcome = run_mayfly({"run", f.toml});

  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err,
                 "names that are taken or empty got others: \"A\" (column 3) is "
                 "\"A_2\", \"\" (column 4) is \"column_4\"\n"));
  CHECK(f.database.text("SELECT a, b, A_2, column_4 FROM t") == "1|2|3|4");
  const Database other("unnamed");
  const Outcome unnamed =
      run_mayfly({"ingest", f.csv, "--no-header", "--into", other.path(), "--table", "t"});
  CHECK(unnamed.status == 0);
  CHECK(!contains(unnamed.err, "got others"));
}

TEST_CASE("run: [writer] alter adds columns, coerce lets a column change values") {
  const Fixture f("alter");
  write_file(f.csv, "id,name\n1,007\n");
  f.database.run("CREATE TABLE t(id INTEGER)");
  const std::string plain = f.pipeline(f.csv);

  const Outcome without = run_mayfly({"run", f.toml});
  write_file(f.toml, plain + "alter = true\n");
  const Outcome altered = run_mayfly({"run", f.toml});
  CHECK(f.database.text("SELECT id, name FROM t") == "1|007");
  f.database.run(
      "DROP TABLE t; CREATE TABLE t(id INTEGER, name INTEGER); "
      "DELETE FROM mayfly_offsets; DELETE FROM mayfly_offset_ranges");
  write_file(f.toml, plain + "coerce = true\n");
  const Outcome coerced = run_mayfly({"run", f.toml});

  CHECK(without.status == 78);
  CHECK(contains(without.err, "--alter (or alter in a pipeline) adds what is missing"));
  CHECK(altered.status == 0);
  CHECK(coerced.status == 0);
  CHECK(f.database.text("SELECT id, name FROM t") == "1|7");
}

TEST_CASE("run: a signal drains it and ends with 0") {
  const Fixture f("drained");
  int feed[2];
  REQUIRE(::pipe2(feed, O_CLOEXEC) == 0);
  write_file(f.toml, f.pipeline("-"));
  RunProgram program(mayfly_path(), {"run", f.toml, "--output", "json"}, {.stdin_fd = feed[0]});
  REQUIRE(::write(feed[1], "id,name\n1,a\n2,b\n", 16) == 16);
  // The group waits a second for more rows; the drain lets it go. A row shows that it is running.
  wait_for_rows(program, f.database.path(), "t", 1);

  program.signal(SIGTERM);
  const int status = program.wait();
  ::close(feed[0]);
  ::close(feed[1]);

  CHECK(status == 0);
  CHECK(parse_summary(program.out()).interrupted);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("run: a file that isn't there is 66, one with mistakes 78 with their places") {
  const Fixture f("run78");
  write_file(f.toml, "[writer]\ninput = \"nobody\"\ndatabas = \"x.db\"\ntable = \"t\"\n");

  const Outcome missing = run_mayfly({"run", f.folder + "/no.toml"});
  const Outcome wrong = run_mayfly({"run", f.toml});

  CHECK(missing.status == 66);
  CHECK(wrong.status == 78);
  CHECK(contains(wrong.err, "p.toml:3:1: "));
  CHECK(contains(wrong.err, "did you mean \"database\"?"));
}

TEST_CASE("validate: checks all files, runs none, and tells every mistake") {
  const Fixture f("validate");
  const std::string bad = f.folder + "/bad.toml";
  write_file(bad, "[source.a]\nplugin = \"fil\"\n\n[writer]\ninput = \"a\"\ntable = 7\n");

  const Outcome good = run_mayfly({"validate", f.toml});
  const Outcome both = run_mayfly({"validate", f.toml, bad});
  const Outcome json = run_mayfly({"validate", f.toml, bad, "--output", "json"});

  CHECK(good.status == 0);
  CHECK(contains(good.out, "p.toml: valid; 1 source(s), 1 node(s), about "));
  CHECK(rows_so_far(f.database.path(), "t") == 0);
  CHECK(both.status == 78);
  CHECK(contains(both.out, "bad.toml:2:10: "));
  CHECK(contains(both.out, "did you mean \"file\"?"));
  CHECK(json.status == 78);
  CHECK(json.out.starts_with("[{\"file\":"));
  CHECK(contains(json.out, "\"valid\":true"));
  CHECK(contains(json.out, "\"line\":2,\"column\":10"));
  CHECK(run_mayfly({"validate", f.folder + "/no.toml"}).status == 66);
}

TEST_CASE("graph: the picture's text in both languages") {
  const Fixture f("graph");

  const Outcome dot = run_mayfly({"graph", f.toml});
  const Outcome mermaid = run_mayfly({"graph", f.toml, "--as", "mermaid"});

  CHECK(dot.status == 0);
  CHECK(contains(dot.out, "digraph"));
  CHECK(contains(dot.out, "\"orders\" -> \"groups\""));
  CHECK(mermaid.out.starts_with("flowchart"));
  CHECK(run_mayfly({"graph", f.csv}).status == 78);
}

TEST_CASE("plugins: listed, shown, checked") {
  const Outcome list = run_mayfly({"plugins"});
  const Outcome json = run_mayfly({"plugins", "list", "--output", "json"});
  const Outcome show = run_mayfly({"plugins", "show", "batch"});
  const Outcome shown = run_mayfly({"plugins", "show", "batch", "--output", "json"});
  const Outcome unknown = run_mayfly({"plugins", "show", "bach"});

  CHECK(contains(list.out, "batch"));
  CHECK(contains(list.out, "source  Reads a CSV, TSV, NDJSON or JSON file"));
  // Others are beside it when more of the tree is built.
  CHECK(json.out.starts_with("[{\"name\":\""));
  CHECK(contains(json.out, "{\"name\":\"batch\""));
  CHECK(contains(show.out, "Rows of a full group."));
  CHECK(shown.out.starts_with("{"));
  CHECK(unknown.status == 69);
  CHECK(contains(unknown.err, "did you mean \"batch\"?"));
}

TEST_CASE("plugins schema: a plugin that is refused is left out, by name") {
  const std::string folder = make_folder();
  write_file(folder + "/libmine.so", "no library");
  // A copy, that has this test's runfiles alone: beside the program itself, a build that is still
  // going on may be writing libraries.
  const std::string copy = make_folder() + "/mayfly";
  std::filesystem::copy_file(std::filesystem::canonical(mayfly_path()), copy);
  const auto run_copy = [&](std::vector<std::string> arguments) {
    RunProgram program(copy, std::move(arguments));
    const int status = program.wait();
    return Outcome{status, program.out(), program.err()};
  };
  const Outcome whole = run_copy({"plugins", "schema"});
  const Outcome part = run_copy({"plugins", "schema", "--plugin-dir", folder});

  CHECK(whole.status == 0);
  CHECK_MESSAGE(whole.err.empty(), whole.err);
  CHECK(contains(whole.out, "\"node.batch\":{"));
  CHECK(part.status == 0);
  CHECK(part.out == whole.out);
  CHECK(contains(part.err, "left out: "));
  CHECK(contains(part.err, "/libmine.so"));
}

TEST_CASE("plugins check: the suite's verdict is the exit status") {
  const std::string folder = mayfly_path() + ".runfiles";
  const Outcome list = run_mayfly({"plugins", "list", "--output", "json"});
  const std::size_t at = list.out.find("/libpass.so");
  REQUIRE(at != std::string::npos);
  const std::size_t begin = list.out.rfind('"', at) + 1;
  const std::string pass = list.out.substr(begin, at - begin) + "/libpass.so";
  const std::string text = make_folder() + "/libtext.so";
  write_file(text, "no library");

  const Outcome good = run_mayfly({"plugins", "check", pass});
  const Outcome bad = run_mayfly({"plugins", "check", text, "--output", "json"});

  CHECK(good.status == 0);
  CHECK(contains(good.out, "passed  one_symbol"));
  CHECK(bad.status == 78);
  CHECK(contains(bad.out, "\"passed\":false"));
  CHECK(run_mayfly({"plugins", "check", text + ".none"}).status == 66);
}
