// Each exit status that `mayfly ingest` can end with, from outside.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name)
      : database(name), folder(make_folder()), csv(folder + "/t.csv") {
    write_file(csv, "id,name\n1,a\n2,b\n");
  }
  Outcome ingest(std::vector<std::string> arguments, const ProgramOptions& options = {}) const {
    arguments.insert(arguments.begin(), {"ingest", csv, "--into", database.path()});
    return run_mayfly(std::move(arguments), options);
  }

  std::string csv_with(const std::string& text) const {
    write_file(folder + "/other.csv", text);
    return folder + "/other.csv";
  }

  Database database;
  std::string folder;
  std::string csv;
};

}  // namespace

TEST_CASE("exit 0: every row is durable") { CHECK(Fixture("ok").ingest({}).status == 0); }

TEST_CASE("exit 64: a mistake on the command line, with where to look") {
  const Fixture f("usage");

  const Outcome outcome = f.ingest({"--upsrt"});

  CHECK(outcome.status == 64);
  CHECK(contains(outcome.err, "did you mean \"--upsert\"?"));
  CHECK(outcome.out.empty());
  CHECK(f.ingest({"--types", "id"}).status == 64);
  CHECK(f.ingest({"--types", "id=foo"}).status == 64);
  CHECK(f.ingest({"--types", "q=text"}).status == 64);
  CHECK(f.ingest({f.csv_with("id,name\n3,c\n"), "--types", "q=text", "--table", "t"}).status == 64);
  CHECK(f.ingest({"--delimiter", "ab"}).status == 64);
  CHECK(run_mayfly({"ingest", "-", "--into", f.database.path()}).status == 64);
  CHECK(run_mayfly({}).status == 64);
}

TEST_CASE("exit 64: the same file twice, whatever it is called") {
  const Fixture f("twice");

  const Outcome dotted = f.ingest({f.folder + "/./t.csv", "--table", "t"});

  CHECK(dotted.status == 64);
  CHECK(contains(dotted.err, f.csv + " and " + f.folder + "/./t.csv are the same file"));
  CHECK(f.ingest({f.csv, "--table", "t"}).status == 64);
}

TEST_CASE("exit 65: some rows are dead letters") {
  const Fixture f("rejected");
  write_file(f.csv, "id,name\n1,a\n2\n");

  const Outcome outcome = f.ingest({});

  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "1 row rejected; see them with: mayfly dlq list "));
  CHECK(contains(outcome.err, "expected 2 fields, found 1"));
}

TEST_CASE("exit 66: an input that isn't there, and the JSON says so too") {
  const Fixture f("missing");

  const Outcome outcome =
      run_mayfly({"ingest", f.folder + "/no.csv", "--into", f.database.path(), "--output", "json"});

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "no.csv"));
  CHECK(parse_summary(outcome.out).exit_status == 66);
}

TEST_CASE("exit 66: a directory, wherever a file is expected") {
  const Fixture f("directory");

  CHECK(run_mayfly({"ingest", f.folder, "--into", f.database.path(), "--table", "t"}).status == 66);
  CHECK(run_mayfly({"run", f.folder}).status == 66);
  CHECK(run_mayfly({"validate", f.folder}).status == 66);
  CHECK(run_mayfly({"graph", f.folder}).status == 66);
  CHECK(f.ingest({"--table", "t", "--schema", f.folder}).status == 66);
}

TEST_CASE("exit 69: the file plugin isn't where plugins are looked for") {
  const Fixture f("unavailable");
  const std::string copy = f.folder + "/mayfly";
  std::filesystem::copy_file(mayfly_path(), copy);

  RunProgram program(copy, {"ingest", f.csv, "--into", f.database.path()},
                     {.without = {"TEST_SRCDIR", "RUNFILES_DIR"}});

  CHECK(program.wait() == 69);
  CHECK(contains(program.err(), "plugin \"file\" was not found"));
  CHECK(contains(program.err(), "--plugin-dir"));
}

TEST_CASE("exit 73: the database can't be created") {
  const Fixture f("create");
  const std::string folder = f.folder + "/locked";
  std::filesystem::create_directory(folder);
  ::chmod(folder.c_str(), 0555);
  const bool root = ::geteuid() == 0;  // permissions don't stop root

  CHECK(run_mayfly({"ingest", f.csv, "--into", f.folder + "/none/x.db"}).status == 73);
  CHECK(run_mayfly({"ingest", f.csv, "--into", "/proc/mayfly.db"}).status == 73);
  if (!root) CHECK(run_mayfly({"ingest", f.csv, "--into", folder + "/x.db"}).status == 73);
}

TEST_CASE("exit 74: not a database, and an archive that is cut off") {
  const Fixture f("io");
  const std::string text(5000, 'x');
  write_file(f.folder + "/not.db", text);
  const std::string archive = gzip(numbered_csv(50'000));
  write_file(f.folder + "/cut.csv.gz", archive.substr(0, archive.size() / 2));

  const Outcome not_a_database = run_mayfly({"ingest", f.csv, "--into", f.folder + "/not.db"});
  const Outcome cut = run_mayfly({"ingest", f.folder + "/cut.csv.gz", "--into", f.database.path()});

  CHECK(not_a_database.status == 74);
  CHECK(contains(not_a_database.err, "not.db: expected a SQLite database"));
  CHECK(contains(not_a_database.err, "Name another file"));
  CHECK(!std::filesystem::exists(f.folder + "/not.db-mayfly.lock"));
  CHECK(read_file(f.folder + "/not.db") == text);
  CHECK(cut.status == 74);
  CHECK(f.database.integer("SELECT count(*) FROM cut") > 0);
}

TEST_CASE("exit 74: the result can't be written, though rows were rejected too") {
  const Fixture f("full");
  write_file(f.csv, "id,name\n1,a\n2\n");
  const auto run = [](const std::string& arguments) {
    RunProgram program("/bin/sh",
                       {"-c", "exec " + mayfly_path() + " " + arguments + " >/dev/full"});
    const int status = program.wait();
    return std::pair(status, program.err());
  };

  const auto [status, err] = run("ingest " + f.csv + " --into " + f.database.path());

  CHECK(status == 74);
  CHECK(contains(err, "couldn't be written to standard output"));
  CHECK(f.database.integer("SELECT count(*) FROM t") == 1);
  CHECK(run("ingest /no.csv --output json --into " + f.database.path()).first == 66);
  CHECK(run("--version").first == 74);
}

TEST_CASE("exit 75: locked for longer than the deadline; nothing is half done") {
  const Fixture f("locked");
  CHECK(f.ingest({}).status == 0);
  WriteLock lock(f.database.path());

  const Outcome outcome = f.ingest({"--deadline", "300ms"});
  lock.release();

  CHECK(outcome.status == 75);
  CHECK(contains(outcome.err, "locked"));
  CHECK(f.database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("exit 0: a lock that goes away within the deadline is waited for") {
  const Fixture f("released");
  CHECK(f.ingest({}).status == 0);
  WriteLock lock(f.database.path());

  RunProgram program(mayfly_path(),
                     {"ingest", f.csv, "--into", f.database.path(), "--deadline", "60s"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const bool waited = program.running();
  lock.release();

  CHECK(program.wait() == 0);
  CHECK(waited);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 4);
}

TEST_CASE("exit 0: rows that come while the database is locked for ten seconds are all written") {
  const Fixture f("ten_seconds");
  int feed[2];
  REQUIRE(::pipe2(feed, O_CLOEXEC) == 0);
  RunProgram program(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                     {.stdin_fd = feed[0]});
  REQUIRE(::write(feed[1], "id,name\n0,n\n", 12) == 12);
  wait_for_rows(program, f.database.path(), "t", 1);
  WriteLock lock(f.database.path());

  std::string rows;
  for (int i = 1; i < 5000; ++i) rows += std::to_string(i) + ",n\n";
  REQUIRE(::write(feed[1], rows.data(), rows.size()) == static_cast<ssize_t>(rows.size()));
  // How long it lasts is what this is about.
  std::this_thread::sleep_for(std::chrono::seconds(10));
  const bool waited = program.running();
  const std::int64_t before = rows_so_far(f.database.path(), "t");
  lock.release();
  ::close(feed[0]);
  ::close(feed[1]);

  CHECK(program.wait() == 0);
  CHECK(waited);
  CHECK(before < 5000);
  CHECK(contains(program.err(), "waiting for the database for 1"));
  CHECK(contains(program.err(), "the wait for the database is over, after "));
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id), sum(id) FROM t") ==
        "5000|5000|12497500");
}

TEST_CASE("exit 75: a lock that outlasts the deadline at the end is told, and never called over") {
  const Fixture f("closing");
  int feed[2];
  REQUIRE(::pipe2(feed, O_CLOEXEC) == 0);
  RunProgram program(
      mayfly_path(),
      {"ingest", "-", "--table", "t", "--into", f.database.path(), "--deadline", "2s"},
      {.stdin_fd = feed[0]});
  REQUIRE(::write(feed[1], "id,name\n0,n\n", 12) == 12);
  wait_for_rows(program, f.database.path(), "t", 1);
  WriteLock lock(f.database.path());

  ::close(feed[0]);
  ::close(feed[1]);

  CHECK(program.wait() == 75);
  CHECK(contains(program.err(), "waiting for the database for 1"));
  CHECK(contains(program.err(), "another connection has it locked"));
  CHECK(contains(program.err(), "gave up after 2"));
  CHECK(!contains(program.err(), "is over"));
}

TEST_CASE("waiting for a lock while opening names its process and until when, but not with -q") {
  const Fixture f("visible");
  CHECK(f.ingest({}).status == 0);
  write_file(f.folder + "/t.sql", "CREATE TABLE other(id INTEGER, name TEXT)");
  WriteLock lock(f.database.path());

  const Outcome told = f.ingest({"--deadline", "2s"});
  const Outcome quiet = f.ingest({"--deadline", "2s", "-q"});
  const Outcome schema =
      f.ingest({"--deadline", "2s", "--table", "other", "--schema", f.folder + "/t.sql"});

  CHECK(told.status == 75);
  CHECK(contains(told.err, "waiting for process " + std::to_string(::getpid()) + " ("));
  CHECK(contains(told.err, " UTC (2s) at the latest"));
  CHECK(quiet.status == 75);
  CHECK(!contains(quiet.err, "waiting"));
  CHECK(schema.status == 75);
  CHECK(contains(schema.err, "waiting for process " + std::to_string(::getpid()) + " ("));
}

TEST_CASE("exit 75: another mayfly writes the database, and its process is named") {
  const Fixture f("second");
  int feed[2];
  REQUIRE(::pipe2(feed, O_CLOEXEC) == 0);
  RunProgram first(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                   {.stdin_fd = feed[0]});
  REQUIRE(::write(feed[1], "id,name\n7,x\n", 12) == 12);
  wait_for_rows(first, f.database.path(), "t", 1);

  const Outcome second = f.ingest({"--deadline", "1s"});
  ::close(feed[0]);
  ::close(feed[1]);

  CHECK(second.status == 75);
  CHECK(contains(second.err, std::to_string(first.pid())));
  CHECK(first.wait() == 0);
  CHECK(f.database.rows("SELECT id FROM t") == std::vector<std::string>{"7"});
}

TEST_CASE("exit 78: a table with other columns, with --alter as a hint") {
  const Fixture f("columns");
  f.database.run("CREATE TABLE t(id INTEGER)");

  const Outcome outcome = f.ingest({});

  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "--alter"));
  CHECK(contains(outcome.err, "name"));
}

TEST_CASE("exit 78: upsert by columns that are no key, with the keys that the table has") {
  const Fixture f("upsert");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");

  const Outcome outcome = f.ingest({"--upsert", "--pk", "name"});

  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "the table has (id). Name one of them (--pk"));
  CHECK(!contains(outcome.err, "ON CONFLICT"));
}
