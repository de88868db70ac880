// What must never end with status 0: values that were changed, rows that went elsewhere.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name)
      : database(name), folder(make_folder()), csv(folder + "/t.csv") {}
  std::vector<std::string> line(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", csv, "--into", database.path(), "--output", "json"});
    return more;
  }
  Outcome ingest(std::vector<std::string> more = {}) const { return run_mayfly(line(more)); }
  // A pipeline of the file through `select`.
  Outcome run(const std::string& types, const std::string& select) const {
    write_file(folder + "/p.toml", "[source.s]\nplugin = \"file\"\npath = \"" + csv + "\"\n" +
                                       types + "\n[writer]\ninput = \"s\"\n" + "database = \"" +
                                       database.path() + "\"\ntable = \"t\"\nselect = \"" + select +
                                       "\"\n");
    return run_mayfly({"run", folder + "/p.toml"});
  }

  Database database;
  std::string folder;
  std::string csv;
};

constexpr std::int64_t kRows = 400'000;
const std::vector<std::string> kSlow = {"--batch-rows", "64", "--batches", "8"};

}  // namespace

TEST_CASE("select: a value that it hands through is stored as it came, or not at all") {
  const Fixture f("select");
  write_file(f.csv, "id,zip\n1,007\n2,12345678901234567890\n3,1e400\n4,8\n");
  f.database.run("CREATE TABLE t(id INTEGER, zip INTEGER)");

  const Outcome outcome = f.run("types = [\"zip=text\"]", "SELECT id, zip FROM mayfly_batch");

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT id, zip FROM t") == std::vector<std::string>{"4|8"});
  CHECK(f.database.rows("SELECT DISTINCT code FROM mayfly_dead_letters") ==
        std::vector<std::string>{"would_change"});
}

TEST_CASE("select: numbers that were read from text aren't put into a column of text") {
  const Fixture f("select_text");
  write_file(f.csv, "id,zip\n1,1.50\n");
  f.database.run("CREATE TABLE t(id INTEGER, zip TEXT)");

  const Outcome refused = f.run("", "SELECT id, zip FROM mayfly_batch");
  const Outcome outcome = f.run("types = [\"zip=text\"]", "SELECT id, zip FROM mayfly_batch");

  CHECK(refused.status == 78);
  CHECK(contains(refused.err, "types = [\"zip=text\"]"));
  CHECK(outcome.status == 0);
  CHECK(f.database.text("SELECT zip FROM t") == "1.50");
}

TEST_CASE("select: what depends on batches is refused with 78") {
  const Fixture f("select_batches");
  write_file(f.csv, "id,name\n1,a\n");
  f.database.run("CREATE TABLE t(a, b)");
  for (const char* select : {"SELECT 1 a, 2 b", "SELECT name a, 1 b FROM sqlite_schema",
                             "SELECT column1 a, column2 b FROM (VALUES(1, 2))",
                             "SELECT id a, name b FROM mayfly_batch WHERE rowid = 5"}) {
    CAPTURE(select);
    const Outcome outcome = f.run("", select);
    CHECK(outcome.status == 78);
    CHECK(contains(outcome.err, "per_batch = true"));
  }
  CHECK(f.database.integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("resume: the table's name in another case is the same table") {
  const Fixture f("case");
  write_file(f.csv, numbered_csv(10));

  CHECK(f.ingest({"--table", "orders"}).status == 0);
  CHECK(f.ingest({"--table", "ORDERS", "--resume"}).status == 0);

  CHECK(f.database.integer("SELECT count(*) FROM orders") == 10);
}

TEST_CASE("resume: a table that is gone is refused with 78, and not made") {
  const Fixture f("gone");
  write_file(f.csv, numbered_csv(10));
  CHECK(f.ingest({"--table", "it's"}).status == 0);
  f.database.run("DROP TABLE \"it's\"");

  const Outcome refused = f.ingest({"--table", "it's", "--resume"});

  CHECK(refused.status == 78);
  CHECK(contains(refused.err, "WHERE target = 'it''s'"));
  CHECK(f.database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'it''s'") == 0);
}

TEST_CASE("a database that goes away while it is written ends with 74, and isn't called kept") {
  for (const char* how : {"removed", "renamed"}) {
    CAPTURE(how);
    const Fixture f(std::string("away_") + how);
    write_file(f.csv, numbered_csv(kRows));
    RunProgram program(mayfly_path(), f.line(kSlow));
    wait_for_rows(program, f.database.path(), "t", 64);
    if (how[2] == 'm') {
      std::filesystem::remove(f.database.path());
    } else {
      std::filesystem::rename(f.database.path(), f.folder + "/elsewhere.db");
    }

    CHECK(program.wait() == 74);

    CHECK(contains(program.err(), "removed, renamed or replaced"));
    CHECK(contains(program.err(), "isn't there any more"));
    CHECK_FALSE(contains(program.err(), "for good"));
    CHECK_FALSE(std::filesystem::exists(f.database.path()));
  }
}

TEST_CASE("a database that takes the place of the one that is written is left as it is") {
  const Fixture f("replaced");
  write_file(f.csv, numbered_csv(kRows) + "1\n");  // and one for the dead letters
  const Database other("other");
  other.run(
      "CREATE TABLE z(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      "WHERE i < 5000) INSERT INTO z SELECT i FROM n");
  const std::string before = read_file(other.path());
  std::vector<std::string> line = f.line(kSlow);
  line.insert(line.end(), {"--synchronous", "full"});
  f.database.run("PRAGMA journal_mode = WAL; CREATE TABLE seed(a)");
  RunProgram program(mayfly_path(), line);
  wait_for_rows(program, f.database.path(), "t", 64);
  std::filesystem::rename(other.path(), f.database.path());

  CHECK(program.wait() == 74);

  CHECK(read_file(f.database.path()) == before);
  CHECK_MESSAGE(contains(program.err(), "is another file now"), program.err());
  CHECK_FALSE(contains(program.err(), "for good"));
  CHECK_FALSE(contains(program.err(), "--resume goes on"));
}

TEST_CASE("a dead-letter table of another shape is refused with 78 before the first row") {
  const Fixture f("letters");
  write_file(f.csv, numbered_csv(10));
  f.database.run("CREATE TABLE mayfly_dead_letters(id, text)");

  const Outcome outcome = f.ingest();

  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "mayfly_dead_letters in "));
  CHECK(contains(outcome.err, "Rename it or drop it"));
  CHECK(f.database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == 0);
}

TEST_CASE("a table's own ON CONFLICT REPLACE is counted as updates") {
  const Fixture f("replace");
  write_file(f.csv, "id,name\n1,a\n2,b\n1,c\n");
  f.database.run("CREATE TABLE t(id INTEGER UNIQUE ON CONFLICT REPLACE, name)");

  const Outcome outcome = f.ingest();

  CHECK(outcome.status == 0);
  CHECK(parse_summary(outcome.out).inserted == 2);
  CHECK(parse_summary(outcome.out).updated == 1);
}
