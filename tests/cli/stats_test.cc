// `mayfly stats`, from outside.
#include <doctest/doctest.h>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

TEST_CASE("stats: what an ingest stored is shown with its age and its process, as text and JSON") {
  const Database database("stats");
  const std::string csv = make_folder() + "/in.csv";
  write_file(csv, numbered_csv(3000));
  REQUIRE(run_mayfly({"ingest", csv, "--into", database.path(), "--table", "t"}).status == 0);

  const Outcome text = run_mayfly({"stats", database.path()});
  const Outcome json = run_mayfly({"stats", database.path(), "--output", "json"});

  CHECK(text.status == 0);
  CHECK(contains(text.out, "(it has ended), stored "));
  CHECK(contains(text.out, "rows_written"));
  CHECK(contains(text.out, "3000\n"));
  CHECK(json.status == 0);
  database.run("CREATE TABLE shown(json)");
  database.run("INSERT INTO shown VALUES('" + json.out + "')");
  CHECK(database.text("SELECT json -> '$.version', json -> '$.writers[0].stats.rows_written', "
                      "json -> '$.writers[0].running', json ->> '$.database' FROM shown") ==
        "1|3000|false|" + database.path());
}

TEST_CASE(
    "stats: one writer's can be asked for, and one that isn't there is told with the others") {
  const Database database("stats_writer");
  const std::string csv = make_folder() + "/in.csv";
  write_file(csv, numbered_csv(10));
  REQUIRE(run_mayfly({"ingest", csv, "--into", database.path(), "--table", "t"}).status == 0);
  const std::string writer = database.text("SELECT writer FROM mayfly_stats");

  CHECK(run_mayfly({"stats", database.path(), "--writer", writer}).status == 0);
  const Outcome other = run_mayfly({"stats", database.path(), "--writer", "nobody"});

  CHECK(other.status == 66);
  CHECK(contains(other.err, "expected stats of a writer \"nobody\", found those of " + writer));
}

TEST_CASE("stats: names from the database steer no terminal") {
  const Database database("stats_escapes");
  const std::string csv = make_folder() + "/in.csv";
  write_file(csv, numbered_csv(10));
  REQUIRE(run_mayfly({"ingest", csv, "--into", database.path(), "--table", "t"}).status == 0);
  database.run(
      "UPDATE mayfly_stats SET writer = 'w' || char(27) || '[2J', json = json_object('k' || "
      "char(10), 'v' || char(27))");

  const Outcome shown = run_mayfly({"stats", database.path()});
  const Outcome other = run_mayfly({"stats", database.path(), "--writer", "nobody"});

  CHECK(shown.status == 0);
  CHECK(shown.out.starts_with("w\\u001b[2J: process "));
  CHECK(contains(shown.out, "v\\u001b\n"));
  CHECK(!contains(shown.out + other.err, "\x1b"));
}

TEST_CASE("stats: a missing file, a database without stats and another file have their statuses") {
  const Database database("stats_none");
  database.run("CREATE TABLE t(x)");
  CHECK(run_mayfly({"stats", database.path()}).status == 66);
  CHECK(run_mayfly({"stats", database.path() + ".none"}).status == 66);
  const std::string csv = make_folder() + "/in.csv";
  write_file(csv, numbered_csv(1000));
  CHECK(run_mayfly({"stats", csv}).status == 74);
}
