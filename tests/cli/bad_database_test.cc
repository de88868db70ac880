// Databases that can't be written to: of another kind, damaged, full, a table that isn't one. Each
// with its message, its status, and everything that was there.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  Outcome ingest(const std::string& csv, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", csv, "--table", "t", "--into", database.path()});
    return run_mayfly(std::move(more));
  }
  // Through a shell that says something before.
  Outcome ingest_after(const std::string& commands, const std::string& csv) const {
    RunProgram program("/bin/bash", {"-c", commands + "; exec '" + mayfly_path() + "' ingest '" +
                                               csv + "' --table t --into '" + database.path() +
                                               "' --deadline 1s --output json"});
    const int status = program.wait();
    return {status, program.out(), program.err()};
  }
};

// Bytes that mean nothing, the same ones in every run.
std::string noise(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < size)
    text += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

}  // namespace

TEST_CASE("bad database: what is no database, or an encrypted one, is left as it is") {
  const Fixture f("kinds");
  const std::string csv = f.file("t.csv", "id\n1\n");
  for (const std::string& bytes : {noise(4096), noise(65536), std::string("id,name\n1,a\n"),
                                   std::string("hi"), std::string(8192, '\0')}) {
    write_file(f.database.path(), bytes);
    const Outcome outcome = f.ingest(csv);
    CHECK(outcome.status == 74);
    CHECK(contains(outcome.err, f.database.path() +
                                    ": expected a SQLite database, found a file of another kind "
                                    "(or an encrypted one); it is left as it is"));
    CHECK(read_file(f.database.path()) == bytes);
    CHECK_FALSE(std::filesystem::exists(f.database.path() + "-mayfly.lock"));
  }
  // A file without a byte is a database without a table.
  write_file(f.database.path(), "");
  CHECK(f.ingest(csv).status == 0);
}

TEST_CASE("bad database: a damaged one is told with how to save what is in it") {
  const Fixture f("damaged");
  const std::string csv = f.file("t.csv", "id,name\n-1,a\n");
  f.database.run(
      "CREATE TABLE t(id, name); CREATE TABLE other(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, 'x' || i FROM n");
  const std::string whole = read_file(f.database.path());
  std::string noisy = whole;
  noisy.replace(1 * 4096, 40 * 4096, noise(40 * 4096));
  for (const std::string& bytes : {whole.substr(0, whole.size() / 3), noisy}) {
    write_file(f.database.path(), bytes);
    const Outcome outcome = f.ingest(csv);
    CHECK(outcome.status == 74);
    CHECK_MESSAGE(contains(outcome.err, "database disk image is malformed (SQLite error 11"),
                  outcome.err);
    CHECK(contains(outcome.err, "sqlite3 DATABASE .recover | sqlite3 ANOTHER"));
    CHECK(contains(outcome.err, f.database.path()));
    CHECK(read_file(f.database.path()).size() >= bytes.size());
  }
}

TEST_CASE("bad database: a view, and a virtual table, are refused with 78 and left as they are") {
  const Fixture f("view");
  const std::string csv = f.file("t.csv", "a\n1\n");
  f.database.run("CREATE TABLE base(a); CREATE VIEW t AS SELECT a FROM base");
  const Outcome view = f.ingest(csv);
  CHECK(view.status == 78);
  CHECK(contains(view.err, "t is a view; the writer needs an ordinary table"));
  CHECK(f.database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mayfly%'") == 0);

  const Fixture g("virtual");
  g.database.run("CREATE VIRTUAL TABLE t USING fts5(a)");
  const Outcome made = g.ingest(csv);
  CHECK(made.status == 78);
  CHECK(contains(made.err, "t is a virtual table; the writer needs an ordinary table"));
  CHECK(g.database.integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("bad database: a table with other columns is refused with 78, with each, and a way out") {
  const Fixture f("columns");
  f.database.run("CREATE TABLE t(id INTEGER, town TEXT); INSERT INTO t VALUES (1, 'Rome')");
  const Outcome outcome = f.ingest(f.file("t.csv", "id,name\n2,a\n"));
  CHECK(outcome.status == 78);
  CHECK_MESSAGE(contains(outcome.err, "table t has no column name (it has id, town); --alter "),
                outcome.err);
  CHECK(f.database.rows("SELECT * FROM t") == std::vector<std::string>{"1|Rome"});
  // With fewer columns than the table has, the others have their defaults.
  CHECK(f.ingest(f.file("less.csv", "id\n2\n")).status == 0);
  CHECK(f.database.rows("SELECT * FROM t") == std::vector<std::string>{"1|Rome", "2|NULL"});
}

TEST_CASE("bad database: a size that a process's files may have ends with 74, and the way out") {
  const Fixture f("limit");
  const std::string csv = f.file("limit.csv", numbered_csv(200'000));

  const Outcome stopped = f.ingest_after("ulimit -f 1000", csv);

  CHECK_MESSAGE(stopped.status == 74, stopped.err);
  CHECK_MESSAGE(contains(stopped.err, "gave up after "), stopped.err);
  CHECK_MESSAGE(
      contains(stopped.err,
               "disk I/O error (SQLite error 778); files of this process may have 1024000 bytes at "
               "most: raise that if it is too few (ulimit -f; LimitFSIZE= of a service)"),
      stopped.err);
  CHECK(contains(stopped.err, "The same command with --resume goes on there"));
  const std::int64_t kept = parse_summary(stopped.out).written;
  CHECK(f.database.text("PRAGMA integrity_check") == "ok");
  CHECK(f.database.integer("SELECT count(*) FROM t") == kept);
  // As it says.
  CHECK(f.ingest(csv, {"--resume"}).status == 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM t") == "200000|200000");
}

TEST_CASE("bad database: a full disk ends with 74, keeps what is in, and --resume goes on") {
  const Fixture f("full");
  const std::string csv = f.file("full.csv", numbered_csv(200'000));
  // A disk of two megabytes that nobody else sees, which then grows.
  const std::string mount = f.folder + "/disk";
  std::filesystem::create_directory(mount);
  const std::string ingest = "'" + mayfly_path() + "' ingest '" + csv + "' --table t --into '" +
                             mount + "/d.db' --deadline 1s --output json --resume";
  RunProgram program("/usr/bin/unshare",
                     {"--map-root-user", "--mount", "/bin/bash", "-c",
                      "mount -t tmpfs -o size=2m none '" + mount + "' || exit 99\n" + ingest +
                          "\necho status $?\ncp '" + mount + "/d.db' '" + f.database.path() +
                          "'\nmount -o remount,size=64m '" + mount + "'\n" + ingest +
                          "\necho status $?\ncp '" + mount + "/d.db' '" + f.folder + "/whole.db'"});
  const int status = program.wait();
  if (status == 99 || contains(program.err(), "unshare: ")) {
    MESSAGE("not tested: nothing can be mounted here: ", program.err());
    return;
  }

  const std::string out = program.out();
  CHECK_MESSAGE(contains(out, "status 74"), out, program.err());
  CHECK(contains(program.err(), "database or disk is full (SQLite error 13); free some space"));
  CHECK(contains(program.err(), "The same command goes on there"));
  CHECK(contains(out, "status 0"));
  CHECK(f.database.text("PRAGMA integrity_check") == "ok");
  CHECK(f.database.integer("SELECT count(*) FROM t") ==
        parse_summary(out.substr(0, out.find('\n'))).written);
  std::filesystem::rename(f.folder + "/whole.db", f.database.path());
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM t") == "200000|200000");
}
