// Sessions: rows as types, statements within statements; and what can be told of SQL without a
// database.
#include "mayfly/storage/single_writer/sql_session.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/sql_command.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;

struct Fixture {
  explicit Fixture(const std::string& name) : database(name) {
    database.run(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n, s, b);"
        "INSERT INTO t VALUES (1, 1.5, 'one', x'00ff'), (2, NULL, NULL, NULL), (3, 3, '3x', x'')");
    REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
  }

  testing::Database database;
  SqliteConnection connection;
  StatementCache statements{connection, 4};
  SqlSession session{connection, statements};
};

TEST_CASE("sql session: a row's columns come as the types that are asked for") {
  Fixture f("ss_types");
  std::vector<std::string> seen;
  const auto shown =
      f.session.for_each("SELECT id, n, s, b AS bytes FROM t", {}, [&](const SqlRow& row) {
        CHECK(row.size() == 4);
        CHECK(row.name(3) == "bytes");
        CHECK(row.is_null(4));
        CHECK(row.as<bool>(0));
        const auto n = row.as<std::optional<double>>(1);
        const auto bytes = row.as<std::vector<std::byte>>(3);
        seen.push_back(std::to_string(row.as<int>(0)) + " " +
                       (n ? std::to_string(std::lround(2 * *n)) : "-") + " " +
                       row.as<std::optional<std::string>>(2).value_or("-") + " " +
                       std::to_string(bytes.size()));
        return true;
      });
  CHECK(*shown == 3);
  CHECK(seen == std::vector<std::string>{"1 3 one 2", "2 - - 0", "3 6 3x 0"});
}

TEST_CASE("sql session: what has no row is nothing, or an error where there has to be one") {
  Fixture f("ss_none");
  CHECK_FALSE(f.session.first<int>("SELECT n FROM t WHERE id = ?", {9})->has_value());
  CHECK(f.session.scalar<int>("SELECT n FROM t WHERE id = ?", {9}).error().message ==
        "expected a row, found none");
  CHECK(f.session.column<int>("SELECT id FROM t WHERE id > ?", {9})->empty());
}

TEST_CASE("sql session: a query may run within itself, and others beyond what is kept prepared") {
  Fixture f("ss_nested");
  std::vector<int> seen;
  const std::string ids = "SELECT id FROM t WHERE id >= ? ORDER BY id";
  CHECK(f.session
            .for_each(ids, {1},
                      [&](const SqlRow& outer) {
                        const int from = outer.as<int>(0);
                        for (int i = 0; i < 6; ++i) {
                          CHECK(f.session.scalar<int>("SELECT " + std::to_string(i)).ok());
                        }
                        const auto inner = f.session.column<int>(ids, {from});
                        seen.push_back(static_cast<int>(inner->size()));
                        return true;
                      })
            .ok());
  CHECK(seen == std::vector{3, 2, 1});
  CHECK(f.statements.size() == 4);
}

TEST_CASE("sql session: a visitor that stops or throws leaves a statement that can be used again") {
  Fixture f("ss_throw");
  const std::string ids = "SELECT id FROM t ORDER BY id";
  CHECK(*f.session.for_each(ids, {}, [](const SqlRow&) { return false; }) == 1);
  const auto throwing = [](const SqlRow&) -> bool { throw std::runtime_error("no"); };
  CHECK_THROWS_AS(static_cast<void>(f.session.for_each(ids, {}, throwing)), std::runtime_error);
  CHECK(f.session.column<int>(ids)->size() == 3);
  CHECK(f.session.execute("DELETE FROM t").ok());  // nothing reads any more
}

TEST_CASE("sql session: a query is one statement, whose parameters fit") {
  Fixture f("ss_refused");
  CHECK(f.session.scalar<int>("SELECT 1; SELECT 2").error().kind == Kind::kSql);
  CHECK(f.session.scalar<int>("-- nothing").error().kind == Kind::kSql);
  CHECK(f.session.scalar<int>("SELECT ?").error().kind == Kind::kParameter);
  CHECK(f.session.scalar<int>("SELECT 1", {1}).error().kind == Kind::kParameter);
  CHECK(f.session.scalar<int>("SELECT 1;  ").ok());
}

TEST_CASE("sql session: what it prepares knows of tables that another process has made") {
  Fixture f("ss_prepared");
  CHECK(f.session.execute("UPDATE t SET n = 1 WHERE id = 1").ok());
  f.database.run("CREATE TABLE later(x)");
  auto statement = f.session.prepare("INSERT INTO later VALUES (1)", "writing");
  REQUIRE_MESSAGE(statement.ok(), statement.error().message);
  CHECK(statement->run().ok());
  CHECK(f.session.prepare("INSERT INTO nowhere VALUES (1)", "writing").error().message ==
        "writing: no such table: nowhere (SQLite error 1)");
}

TEST_CASE("sql command: several statements, and those that no transaction takes, are told apart") {
  using Shape = GroupedWrite::Shape;
  CHECK(shape_of("INSERT INTO t VALUES (1)") == Shape::kStatement);
  CHECK(shape_of("INSERT INTO t VALUES (1) ; ") == Shape::kStatement);
  CHECK(shape_of("") == Shape::kStatement);
  CHECK(shape_of("-- a comment") == Shape::kStatement);
  CHECK(shape_of("INSERT INTO t VALUES (1); DELETE FROM t") == Shape::kSeveral);
  CHECK(shape_of("/* why */ -- and\n ;pragma user_version = 1") == Shape::kOutside);
  CHECK(shape_of("VACUUM") == Shape::kOutside);
  CHECK(shape_of("vacuum;") == Shape::kOutside);
  CHECK(shape_of("pragma_table") == Shape::kStatement);
  CHECK(shape_of("/* never closed") == Shape::kStatement);
}

TEST_CASE("database name: a path is a path, a connection string is taken apart") {
  using Mode = DatabaseName::Mode;
  CHECK(DatabaseName::parse("/a=b.db")->path == "/a=b.db");
  CHECK(DatabaseName::parse(" x.db ")->mode == Mode::kReadWriteCreate);
  const auto name = DatabaseName::parse("Cache=Shared;DataSource=/x y.db; mode = readonly");
  CHECK(name->path == "/x y.db");
  CHECK(name->mode == Mode::kReadOnly);
  // For good: the process may go to another folder.
  const std::filesystem::path here = std::filesystem::current_path();
  CHECK(DatabaseName::parse("x y.db")->path == (here / "x y.db").string());
  CHECK(DatabaseName::parse(":memory:")->path == "/:memory:");
  CHECK(DatabaseName::parse(":memory:")->key() == "memory:/:memory:");
  CHECK(DatabaseName::parse("./x.db")->key() == DatabaseName::parse("x.db")->key());
  CHECK(DatabaseName::parse("Mode=Memory").error().kind == Kind::kParameter);
  CHECK_FALSE(DatabaseName::parse(std::string_view("a\0b", 3)).ok());
}

}  // namespace
}  // namespace mayfly
