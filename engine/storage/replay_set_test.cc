#include "mayfly/storage/replay_set.h"

#include <doctest/doctest.h>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

// Letters 1 to 4 of a table t(id PRIMARY KEY, name), and the set of 2, 3 and 4.
struct Fixture : WriterFixture {
  Fixture() {
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
    run("CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, at TEXT, source TEXT, ordinal "
        "INTEGER, line INTEGER, node TEXT, code TEXT, reason TEXT, columns TEXT, raw BLOB, target "
        "TEXT, attempts INTEGER)");
    for (const char* id : {"1", "2", "3", "4"}) {
      run(std::string("INSERT INTO mayfly_dead_letters VALUES(") + id +
          ", 'then', 'orders.csv', 9, 10, 'file', 'fields', 'why', NULL, x'31', 't', 0)");
    }
  }
  void freeze() {
    SqliteConnection db = connect();
    REQUIRE(prepare_replay(db).ok());
    const ReplayPart part{
        .key = "k", .target = "t", .columns = {"id", "x\"y"}, .letters = {2, 3, 4}};
    REQUIRE(db.run("BEGIN IMMEDIATE").ok());
    const SqliteError error = freeze_replay(db, std::span(&part, 1), "{\"code\":\"fields\"}");
    REQUIRE_MESSAGE(error.ok(), error.message);
    REQUIRE(db.run("COMMIT").ok());
  }
  std::optional<ReplaySet> find() {
    SqliteConnection db = connect();
    auto set = find_replay(db);
    REQUIRE_MESSAGE(set.ok(), set.status().message());
    return std::move(*set);
  }
};

TEST_CASE("replay set: what is frozen is found as it was, and goes without a trace") {
  Fixture f;
  CHECK_FALSE(f.find());
  f.freeze();
  const auto set = f.find();
  REQUIRE(set);
  CHECK(set->request == "{\"code\":\"fields\"}");
  REQUIRE(set->parts.size() == 1);
  CHECK(set->parts[0].key == "k");
  CHECK(set->parts[0].target == "t");
  CHECK(set->parts[0].columns == std::vector<std::string>{"id", "x\"y"});
  CHECK(set->letters() == 3);
  CHECK(set->pending() == 3);
  SqliteConnection db = f.connect();
  REQUIRE(end_replay(db).ok());
  REQUIRE(end_replay(db).ok());  // without one it does nothing
  CHECK_FALSE(f.find());
  CHECK(f.query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mayfly_replay%'") == "0");
  CHECK(f.query("SELECT count(*) FROM mayfly_dead_letters") == "4");
}

TEST_CASE("replay set: what the writer answers is no letter any more, in the same transaction") {
  Fixture f;
  f.freeze();
  f.open();
  f.add_source(true, "k");
  f.write({{num(10), text("a")}, {num(11), text("b")}});
  CHECK(f.query("SELECT id FROM mayfly_dead_letters ORDER BY id") == "1\n4");
  CHECK(f.find()->pending() == 1);
  f.write({{num(12), text("c")}});
  CHECK(f.query("SELECT id FROM mayfly_dead_letters") == "1");
  CHECK(f.find()->pending() == 0);
  SqliteConnection db = f.connect();
  REQUIRE(end_replay(db).ok());
  CHECK(f.query("SELECT count(*) FROM mayfly_offsets") == "0");
}

TEST_CASE("replay set: rows that are answered out of order are no letters any more, either") {
  Fixture f;
  f.freeze();
  f.open();
  f.add_source(true, "k");
  f.next_ordinal = 1;
  f.write({{num(11), text("b")}});
  CHECK(f.query("SELECT id FROM mayfly_dead_letters ORDER BY id") == "1\n2\n4");
  f.next_ordinal = 0;
  f.write({{num(10), text("a")}});
  CHECK(f.query("SELECT id FROM mayfly_dead_letters ORDER BY id") == "1\n4");
  CHECK(f.find()->pending() == 1);
}

TEST_CASE("replay set: what is refused again stays the letter that it was, with an attempt more") {
  Fixture f;
  f.run("INSERT INTO t VALUES(11, 'there')");
  f.run(
      "UPDATE mayfly_dead_letters SET columns = '{\"id\":11}', raw = NULL, attempts = 5 "
      "WHERE id = 4");
  f.freeze();
  f.open();
  f.add_source(true, "k");
  f.write({{num(10), text("a")}, {num(11), text("b")}, {num(11), text("c")}});
  CHECK(f.query("SELECT id, source, ordinal, line, node, code, columns, raw, attempts, at <> "
                "'then' FROM mayfly_dead_letters ORDER BY id") ==
        "1|orders.csv|9|10|file|fields|NULL|1|0|0\n"
        "3|orders.csv|9|10|writer|primary_key|{\"id\":11,\"name\":\"b\"}|NULL|1|1\n"
        "4|orders.csv|9|10|writer|primary_key|{\"id\":11}|NULL|6|1");
  CHECK(f.find()->pending() == 0);
}

TEST_CASE("replay set: a letter that somebody deleted meanwhile is a new one when it is refused") {
  Fixture f;
  f.run("INSERT INTO t VALUES(10, 'there')");
  f.freeze();
  f.run("DELETE FROM mayfly_dead_letters WHERE id = 2");
  f.open();
  f.add_source(true, "k");
  f.write({{num(10), text("a")}});
  CHECK(f.query("SELECT count(*), sum(code = 'primary_key') FROM mayfly_dead_letters") == "4|1");
}

TEST_CASE("replay set: other sources' positions and letters are as without it") {
  Fixture f;
  f.run("INSERT INTO t VALUES(11, 'there')");
  f.freeze();
  f.open();
  f.add_source(false, "orders.csv");
  f.write({{num(10), text("a")}, {num(11), text("b")}});
  CHECK(f.query("SELECT count(*) FROM mayfly_dead_letters") == "5");
  SqliteConnection db = f.connect();
  REQUIRE(end_replay(db).ok());
  CHECK(f.query("SELECT source, low FROM mayfly_offsets") == "orders.csv|2");
}

}  // namespace
}  // namespace mayfly
