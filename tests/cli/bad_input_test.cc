// Files that aren't what they seem: cut while they are read, of another system's lines, with names
// that can't be.
#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name) : database(name), folder(make_folder()) {}
  Outcome ingest(const std::string& file, const std::string& text,
                 std::vector<std::string> more = {}) const {
    write_file(folder + "/" + file, text);
    more.insert(more.begin(), {"ingest", folder + "/" + file, "--table", "t", "--into",
                               database.path(), "--output", "json"});
    return run_mayfly(std::move(more));
  }
  std::int64_t tables() const {
    return database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 't'");
  }

  Database database;
  std::string folder;
};

}  // namespace

TEST_CASE("bad input: a file that is cut while it is read ends with 66 and what changed") {
  const Fixture f("cut");
  const std::string path = f.folder + "/cut.csv";
  const std::string text = numbered_csv(400'000);
  write_file(path, text);
  RunProgram program(mayfly_path(), {"ingest", path, "--table", "t", "--into", f.database.path(),
                                     "--batch-rows", "64", "--batches", "8", "--output", "json"});
  wait_for_rows(program, f.database.path(), "t", 64);
  {
    WriteLock lock(f.database.path());  // so that the end can't be reached meanwhile
    REQUIRE(::truncate(path.c_str(), 3'000'000) == 0);
  }

  CHECK(program.wait() == 66);

  CHECK(contains(program.err(), "cut.csv: was cut while it was read: expected " +
                                    std::to_string(text.size()) + " bytes"));
  CHECK(contains(program.err(), "found 3000000"));
  // The record that the cut goes through isn't in the table.
  CHECK(f.database.integer("SELECT count(*) FROM t WHERE name <> 'n' || id") == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == parse_summary(program.out()).read);
}

TEST_CASE(
    "bad input: lines of which some end in CR alone are refused with 66 and how to convert them") {
  const Fixture f("mac");
  const Outcome outcome = f.ingest("mixed.csv", "a,b\r1,2\n3,4\n");
  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "mixed.csv: expected lines that end in LF or CRLF, found CR alone"));
  CHECK(contains(outcome.err, "tr '\\r' '\\n'"));
  CHECK(f.ingest("mac.ndjson", "{\"a\":1}\r{\"a\":2}\r").status == 66);
  CHECK(f.tables() == 0);
}

TEST_CASE("bad input: a small archive of one endless line costs that line, and names the limit") {
  const Fixture f("bomb");
  const std::string path = f.folder + "/bomb.csv.gz";
  write_file(path, gzip("a,b\n1,x\n" + std::string(80'000'000, '0') + "\n2,y\n"));
  const Outcome outcome =
      run_mayfly({"ingest", path, "--table", "t", "--into", f.database.path(), "--output", "json"});
  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT a, b FROM t") == std::vector<std::string>{"1|x", "2|y"});
  CHECK(f.database.rows("SELECT reason, length(raw) FROM mayfly_dead_letters") ==
        std::vector<std::string>{"expected a record of at most 33554432 bytes (max_row_bytes), "
                                 "found 80000001|65536"});
}

TEST_CASE("bad input: a view, and a virtual table, are refused with 78 and left as they are") {
  const Fixture f("view");
  f.database.run("CREATE TABLE base(a); CREATE VIEW t AS SELECT a FROM base");
  const Outcome view = f.ingest("view.csv", "a\n1\n");
  CHECK(view.status == 78);
  CHECK(contains(view.err, "t is a view; the writer needs an ordinary table"));
  const Fixture g("virtual");
  g.database.run("CREATE VIRTUAL TABLE t USING fts5(a)");
  CHECK(g.ingest("virtual.csv", "a\n1\n").status == 78);
}

TEST_CASE(
    "bad input: what a shell's limit of a file's size stops ends with 74, and what is in is kept") {
  const Fixture f("limit");
  const std::string path = f.folder + "/limit.csv";
  write_file(path, numbered_csv(200'000));
  const std::string command = "ulimit -f 1000; exec '" + mayfly_path() + "' ingest '" + path +
                              "' --table t --into '" + f.database.path() +
                              "' --deadline 1s --output json";
  RunProgram program("/bin/bash", {"-c", command});
  const int status = program.wait();
  CHECK_MESSAGE((status == 74 || status == 75), program.err());
  CHECK(f.database.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("bad input: a key with a NUL costs its row, wherever it is in the file") {
  const Fixture f("nul_key");

  const Outcome outcome =
      f.ingest("nul.ndjson", "{\"a\":1}\n{\"a\":2,\"x\\u0000y\":3}\n{\"a\":4}\n");

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT a FROM t") == std::vector<std::string>{"1", "4"});
  CHECK(f.database.rows("SELECT line, code FROM mayfly_dead_letters") ==
        std::vector<std::string>{"2|unknown_key"});
}

TEST_CASE("bad input: a header with a NUL is refused with 66 in words of its own") {
  const Fixture f("nul_header");

  const Outcome outcome = f.ingest("nul.csv", std::string("a,b\0c\n1,2\n", 10));

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "found a NUL in field 2 of the header"));
  CHECK(f.tables() == 0);
}

TEST_CASE("bad input: an object over several lines is blamed on its first line, with a way out") {
  const Fixture f("pretty");

  const Outcome outcome = f.ingest("pretty.ndjson", "{\n  \"a\": 1\n}\n");

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "at byte 1 of the line, found its end"));
  CHECK(contains(outcome.err, "jq -c ."));
  CHECK(f.tables() == 0);
}
