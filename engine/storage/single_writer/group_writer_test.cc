// Group commit: each write has its own result, whatever the others of its group do.
#include "mayfly/storage/single_writer/group_writer.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "mayfly/storage/single_writer/statement_run.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;
using Shape = GroupedWrite::Shape;

struct Fixture {
  explicit Fixture(const std::string& name) : database(name) {
    database.run(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n NOT NULL);"
        "CREATE TABLE child(t INTEGER REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE strict_t(id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)");
    REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
    REQUIRE(connection.run("PRAGMA foreign_keys = ON").ok());
    REQUIRE(writer.prepare().ok());
  }

  struct Sql final : GroupedWrite {
    Sql(Fixture& fixture, std::string sql, Shape shape)
        : GroupedWrite(shape), f(fixture), text(std::move(sql)) {}
    DbResult<std::int64_t> perform() noexcept override {
      ++performed;
      return run_sql(f.connection, f.statements, text, {});
    }
    Fixture& f;
    const std::string text;
    int performed = 0;
  };

  Sql& add(const std::string& sql, Shape shape = Shape::kStatement) {
    writes.push_back(std::make_unique<Sql>(*this, sql, shape));
    return *writes.back();
  }
  void execute() {
    std::vector<CommitQueue::Request*> group;
    for (const auto& write : writes) group.push_back(write.get());
    writer.execute(group);
    CHECK(connection.autocommit());
  }
  // "1 1 constraint": rows changed, or the kind of the error.
  std::string results() const {
    std::string text;
    for (const auto& write : writes) {
      text += text.empty() ? "" : " ";
      if (write->result.ok()) {
        text += std::to_string(*write->result);
      } else {
        const Kind kind = write->result.error().kind;
        text += kind == Kind::kConstraint ? "constraint"
                : kind == Kind::kSql      ? "sql"
                : kind == Kind::kBusy     ? "busy"
                                          : "other";
      }
    }
    return text;
  }

  testing::Database database;
  SqliteConnection connection;
  StatementCache statements{connection, 16};
  GroupWriter writer{connection};
  std::vector<std::unique_ptr<Sql>> writes;
};

std::string insert(int id) { return "INSERT INTO t VALUES (" + std::to_string(id) + ", 1)"; }

TEST_CASE("a hundred writes are one transaction, and a bad one among them fails alone") {
  Fixture f("bad_one");
  for (int i = 0; i < 100; ++i) f.add(i == 50 ? "INSERT INTO t VALUES (50, NULL)" : insert(i));
  f.execute();
  CHECK(f.writer.transactions() == 1);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 99);
  CHECK(f.writes[50]->result.error().message ==
        "writing: NOT NULL constraint failed: t.n (SQLite error 1299)");
  for (const auto& write : f.writes) CHECK(write->performed == 1);
}

TEST_CASE("a write of several statements is wholly there or not at all") {
  Fixture f("several");
  f.add(insert(1));
  f.add(insert(2) + ";" + insert(2), Shape::kSeveral);
  f.add(insert(2) + ";" + insert(3), Shape::kSeveral);
  f.add(insert(4));
  f.execute();
  CHECK(f.results() == "1 constraint 2 1");
  CHECK(f.database.text("SELECT group_concat(id) FROM t") == "1,2,3,4");
  CHECK(f.writer.transactions() == 1);
}

TEST_CASE("a write that ends the transaction fails alone: the others are done again without it") {
  Fixture f("ends");
  f.database.run("INSERT INTO strict_t VALUES (1)");
  f.add(insert(1));
  f.add("INSERT INTO strict_t VALUES (1)");
  f.add(insert(2));
  f.add(insert(3) + "; INSERT INTO strict_t VALUES (1)", Shape::kSeveral);
  f.add(insert(1));
  f.execute();
  CHECK(f.results() == "1 constraint 1 constraint constraint");
  CHECK(f.database.text("SELECT group_concat(id) FROM t") == "1,2");
  CHECK(f.writes[0]->performed == 3);
}

TEST_CASE("a constraint that COMMIT finds is the fault of the write that broke it") {
  Fixture f("deferred");
  f.add(insert(1));
  f.add("INSERT INTO child VALUES (99)");
  f.add("INSERT INTO child VALUES (1)");
  f.execute();
  CHECK(f.results() == "1 constraint 1");
  CHECK(f.database.integer("SELECT count(*) FROM child") == 1);
}

TEST_CASE("what a transaction doesn't take runs outside of one, what wants its own has its own") {
  Fixture f("alone");
  f.add("PRAGMA journal_mode = WAL", Shape::kOutside);
  f.execute();
  CHECK(f.results() == "0");
  CHECK(f.database.text("PRAGMA journal_mode") == "wal");
  f.writes.clear();
  f.add(insert(1) + ";" + insert(1), Shape::kOwn);
  f.execute();
  CHECK(f.results() == "constraint");
  CHECK(f.database.integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("a write can't control transactions, and what it tried is undone") {
  Fixture f("controls");
  f.add(insert(1));
  f.add(insert(2) + "; COMMIT", Shape::kSeveral);
  f.add("ROLLBACK");
  f.add("SAVEPOINT mine");
  f.add("RELEASE mayfly", Shape::kSeveral);
  f.add(insert(3));
  f.execute();
  CHECK(f.results() == "1 sql sql sql sql 1");
  CHECK(f.writes[2]->result.error().message ==
        "expected SQL without what is the writer's own, found BEGIN, COMMIT, ROLLBACK or SAVEPOINT "
        "(use execute_in_transaction), PRAGMA wal_autocheckpoint (use the option "
        "checkpoint_pages), PRAGMA journal_mode (use the option write_ahead_log), or PRAGMA "
        "query_only or locking_mode (leave it out)");
  CHECK(f.database.text("SELECT group_concat(id) FROM t") == "1,3");
  CHECK(f.writes[0]->performed == 1);
  for (const Shape shape : {Shape::kOutside, Shape::kOwn, Shape::kStatement}) {
    f.writes.clear();
    f.add("BEGIN", shape);
    f.execute();
    CHECK(f.results() == "sql");
  }
  // The writer's own still run when the schema has changed.
  f.writes.clear();
  f.add("CREATE TABLE u(a)");
  f.add("INSERT INTO u VALUES (1)", Shape::kSeveral);
  f.add("ALTER TABLE u ADD COLUMN b");
  f.add("INSERT INTO u VALUES (1, 2)", Shape::kSeveral);
  f.execute();
  CHECK(f.results() == "0 1 0 1");
}

TEST_CASE("a database that is locked is everybody's error, and nothing is written") {
  Fixture f("locked");
  const testing::WriteLock lock(f.database.path());
  f.add(insert(1));
  f.add(insert(2));
  f.execute();
  CHECK(f.results() == "busy busy");
  CHECK(f.writes[0]->performed == 0);
}

// Its savepoint is gone, by whatever: neither can it be undone by that, nor ended.
struct Releasing final : GroupedWrite {
  Releasing(Fixture& fixture, bool succeeds)
      : GroupedWrite(Shape::kSeveral), f(fixture), is_good(succeeds) {}
  DbResult<std::int64_t> perform() noexcept override {
    const auto owner = f.connection.exchange_authorizer({});
    const SqliteError done = f.connection.run(insert(2) + "; RELEASE mayfly");
    f.connection.exchange_authorizer(owner);
    if (is_good && done.ok()) return 1;
    return DbError{.kind = Kind::kConstraint, .message = "refused"};
  }
  Fixture& f;
  const bool is_good;
};

TEST_CASE("a write that can't be undone, or ended, by itself takes the transaction with it") {
  for (const bool is_good : {true, false}) {
    Fixture f("savepoint_" + std::to_string(is_good));
    Releasing releasing(f, is_good);
    std::vector<CommitQueue::Request*> group = {&f.add(insert(1)), &releasing, &f.add(insert(3))};
    f.writer.execute(group);
    CHECK(f.connection.autocommit());
    CHECK(f.results() == "1 1");
    REQUIRE_FALSE(releasing.result.ok());
    CHECK(releasing.result.error().message ==
          (is_good ? "ending a write: no such savepoint: mayfly (SQLite error 1)" : "refused"));
    CHECK(f.database.text("SELECT group_concat(id) FROM t") == "1,3");
    CHECK(f.writer.transactions() == 2);
  }
}

}  // namespace
}  // namespace mayfly
