// Parameters by position and by name, from structs and maps; statements that are kept.
#include "mayfly/storage/single_writer/statement_run.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/database.h"

namespace mayfly {
namespace {

using Kind = DbError::Kind;

struct Fixture {
  Fixture() {
    REQUIRE(SqliteConnection::open(":memory:", {}, connection).ok());
    REQUIRE(connection.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, score)").ok());
  }
  DbResult<std::int64_t> run(std::string_view sql, const SqlParams& params = {}) {
    return run_sql(connection, statements, sql, params);
  }
  std::string refusal(std::string_view sql, const SqlParams& params) {
    const auto result = run(sql, params);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Kind::kParameter);
    return result.error().message;
  }
  std::string query(const std::string& sql) {
    std::string text;
    REQUIRE(connection.query_text(sql, text).ok());
    return text;
  }

  SqliteConnection connection;
  StatementCache statements{connection, 4};
};

struct User {
  std::int64_t id;
  std::string name;
  std::optional<double> score;
};
void sql_params(const User& user, SqlParams& params) {
  params.add("id", user.id).add("name", user.name).add("score", user.score);
}

constexpr const char* kInsert = "INSERT INTO t VALUES (:id, :name, :score)";
constexpr const char* kAll = "SELECT group_concat(id || name || quote(score), ' ') FROM t";

TEST_CASE("C188: parameters are bound by position, by name, from a map and from a struct") {
  Fixture f;
  CHECK(*f.run("INSERT INTO t VALUES (?, ?, ?)", {1, "a", 1.5}) == 1);
  CHECK(*f.run(kInsert, SqlParams::named({{"score", nullptr}, {"name", "b"}, {"id", 2}})) == 1);
  const std::map<std::string, Value> map = {{"id", 3}, {"name", "c"}, {"score", 7}};
  CHECK(*f.run("INSERT INTO t VALUES (@id, $name, :score)", SqlParams::of(map)) == 1);
  CHECK(*f.run(kInsert, SqlParams::of(User{4, "d", std::nullopt})) == 1);
  CHECK(f.query(kAll) == "1a1.5 2bNULL 3c7 4dNULL");
}

TEST_CASE("every kind of value arrives as it is: text with a NUL, empty text, empty blobs") {
  Fixture f;
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
  const auto stored = [&](const Value& value) {
    REQUIRE(f.run("INSERT OR REPLACE INTO t VALUES (1, NULL, ?)", {value}).ok());
    return f.query("SELECT typeof(score) || ' ' || hex(score) FROM t");
  };
  CHECK(stored(std::string_view("a\0b", 3)) == "text 610062");
  CHECK(stored("") == "text ");
  CHECK(stored(std::span(bytes)) == "blob 00FF");
  CHECK(stored(std::span<const std::byte>()) == "blob ");
  CHECK(stored(true) == "integer 31");
  CHECK(stored(INT64_MIN) == "integer 2D39323233333732303336383534373735383038");
  CHECK(stored(HUGE_VAL) == "real 496E66");
}

TEST_CASE("parameters that don't fit are refused with what was expected, and nothing is written") {
  Fixture f;
  CHECK(f.refusal("INSERT INTO t VALUES (?, ?, ?)", {1, "a"}) == "expected 3 parameters, found 2");
  CHECK(f.refusal("INSERT INTO t VALUES (?, ?, 0)", {1, "a", 3}) ==
        "expected 2 parameters, found 3");
  CHECK(f.refusal(kInsert, {}) == "expected 3 parameters, found 0");
  CHECK(f.refusal(kInsert, SqlParams::named({{"id", 1}, {"name", "a"}})) ==
        "parameter :score isn't given");
  CHECK(f.refusal("INSERT INTO t(id) VALUES (:id)", SqlParams::named({{"id", 1}, {"nmae", "a"}})) ==
        "the statement has no parameter :nmae");
  CHECK(f.refusal(kInsert, SqlParams::named({{"id", 1}, {"id", 2}})) ==
        "parameter id is given twice");
  CHECK(f.refusal("INSERT INTO t(id, name) VALUES (?, :name)",
                  SqlParams::named({{"id", 1}, {"name", "a"}})) ==
        "expected a parameter by position for ?, found names; name it in the statement (:name)");
  SqlParams both = {1};
  both.add("name", "a");
  CHECK(f.refusal("INSERT INTO t(id, name) VALUES (?, :name)", both) ==
        "expected parameters all by name or all by position, found both");
  CHECK(f.refusal("INSERT INTO t(score) VALUES (?)", {std::nan("")}) ==
        "expected a number for parameter 1, found NaN, which SQLite would store as NULL; give NULL "
        "if that is meant");
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

TEST_CASE("several statements share the parameters: by position in order, by name everywhere") {
  Fixture f;
  CHECK(*f.run("INSERT INTO t(id, name) VALUES (?, ?); UPDATE t SET score = ? WHERE id = ?; -- end",
               {1, "a", 2.5, 1}) == 2);
  CHECK(*f.run("INSERT INTO t(id) VALUES (:id); UPDATE t SET name = :name WHERE id = :id;",
               SqlParams::named({{"id", 2}, {"name", "b"}})) == 2);
  CHECK(f.query(kAll) == "1a2.5 2bNULL");
  // The second isn't known before the first has run.
  CHECK(*f.run("CREATE TABLE u(a); INSERT INTO u VALUES (1), (2)") == 2);
  CHECK(*f.run("-- nothing") == 0);
  CHECK(*f.run("") == 0);
}

TEST_CASE(
    "what a statement changed is counted without triggers, and not for those that only read") {
  Fixture f;
  REQUIRE(f.run("CREATE TABLE log(a); CREATE TRIGGER l AFTER INSERT ON t BEGIN "
                "INSERT INTO log VALUES (1); INSERT INTO log VALUES (2); END")
              .ok());
  CHECK(*f.run("INSERT INTO t(id) VALUES (1), (2)") == 2);
  CHECK(*f.run("SELECT * FROM t") == 0);
  CHECK(*f.run("CREATE TABLE v(a)") == 0);
  CHECK(*f.run("DELETE FROM t WHERE id > 100") == 0);
  CHECK(*f.run("DELETE FROM t") == 2);
}

TEST_CASE("errors have their kind, and a statement that failed can be run again") {
  Fixture f;
  CHECK(f.run("SELEC 1").error().kind == Kind::kSql);
  CHECK(f.run("INSERT INTO nobody VALUES (1)").error().message ==
        "preparing: no such table: nobody (SQLite error 1)");
  REQUIRE(f.run(kInsert, SqlParams::of(User{1, "a", 0})).ok());
  const auto again = f.run(kInsert, SqlParams::of(User{1, "a", 0}));
  CHECK(again.error().kind == Kind::kConstraint);
  CHECK(again.error().message == "writing: UNIQUE constraint failed: t.id (SQLite error 1555)");
  CHECK(f.run(kInsert, SqlParams::of(User{2, "b", 0})).ok());
}

TEST_CASE("statements are kept up to the capacity; those not used for longest leave") {
  Fixture f;
  const auto insert = [&](int i) {
    return f.run("INSERT INTO t(name) VALUES ('" + std::to_string(i) + "')").ok();
  };
  for (int i = 0; i < 4; ++i) CHECK(insert(i));
  CHECK(f.statements.size() == 4);
  CHECK(insert(0));
  CHECK(insert(4));
  CHECK(f.statements.size() == 4);
  SqliteError error;
  std::string_view rest;
  const SqliteStatement* kept = f.statements.find("INSERT INTO t(name) VALUES ('0')", error, rest);
  CHECK(kept == f.statements.find("INSERT INTO t(name) VALUES ('0')", error, rest));
  // A text of several isn't kept.
  CHECK(f.run("SELECT 1; SELECT 2").ok());
  CHECK(f.statements.size() == 4);
  f.statements.clear();
  CHECK(f.statements.size() == 0);
}

TEST_CASE("a change of the schema under a kept statement is met by preparing it anew") {
  Fixture f;
  const char* sql = "INSERT INTO t VALUES (?, ?, ?)";
  REQUIRE(f.run(sql, {1, "a", 1}).ok());
  REQUIRE(f.run("ALTER TABLE t ADD COLUMN more").ok());
  const auto missing = f.run(sql, {2, "b", 1});
  CHECK(missing.error().kind == Kind::kSql);
  REQUIRE(f.run("ALTER TABLE t DROP COLUMN more").ok());
  CHECK(f.run(sql, {2, "b", 1}).ok());
}

TEST_CASE("a table name that is SQL itself is harmless once it is quoted") {
  Fixture f;
  const std::string name = "x\"; DROP TABLE t; --";
  REQUIRE(f.run("CREATE TABLE " + quote_identifier(name) + "(a)").ok());
  CHECK(*f.run("INSERT INTO " + quote_identifier(name) + " VALUES (?)", {name}) == 1);
  CHECK(f.query("SELECT count(*) FROM t") == "0");
  CHECK(f.query("SELECT a FROM " + quote_identifier(name)) == name);
}

// SQLite reads to the NUL, and would be asked for ever for the statement that stands there.
TEST_CASE("a text with a NUL in it is refused with its place, and nothing of it runs") {
  Fixture f;
  const std::string text("INSERT INTO t(id) VALUES (1);\0 DELETE FROM t", 44);
  const auto refused = f.run(text);
  CHECK(refused.error().kind == Kind::kSql);
  CHECK(refused.error().message ==
        "expected SQL without a NUL, found one at byte 29; give such a value as a parameter");
  const auto any = [](const SqlRow&) { return true; };
  const auto queried = query_sql(f.statements, std::string_view("SELECT 1\0", 9), {}, any);
  CHECK(queried.error().message ==
        "expected SQL without a NUL, found one at byte 8; give such a value as a parameter");
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

// A database in a file, whose schema another connection changes.
struct Changed {
  explicit Changed(const std::string& name) : database(name) {
    database.run("CREATE TABLE t(id, n); CREATE UNIQUE INDEX u ON t(id)");
    REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
  }
  DbResult<std::int64_t> upsert() {
    return run_sql(connection, statements,
                   "INSERT INTO t VALUES (?, 1) ON CONFLICT(id) DO UPDATE SET n = n + 1", {7});
  }

  testing::Database database;
  SqliteConnection connection;
  StatementCache statements{connection, 4};
};

TEST_CASE("a kept statement that the schema refused is accepted as soon as the schema allows it") {
  Changed c("schema_write");
  CHECK(c.upsert().ok());
  for (int round = 0; round < 3; ++round) {
    c.database.run("DROP INDEX u");
    CHECK(c.upsert().error().message.find("ON CONFLICT") != std::string::npos);
    CHECK_FALSE(c.upsert().ok());
    c.database.run("CREATE UNIQUE INDEX u ON t(id)");
    CHECK(c.upsert().ok());
  }
  CHECK(c.database.text("SELECT id || ' ' || n FROM t") == "7 4");
}

TEST_CASE("so is one whose table has other columns for a while, and a query") {
  Changed c("schema_query");
  const auto insert = [&] {
    return run_sql(c.connection, c.statements, "INSERT INTO t VALUES (1, 2)", {});
  };
  const auto query = [&] {
    return query_sql(c.statements, "SELECT n FROM t", {}, [](const SqlRow&) { return true; });
  };
  CHECK(insert().ok());
  CHECK(*query() == 1);
  c.database.run("DROP TABLE t; CREATE TABLE t(a)");
  CHECK_FALSE(insert().ok());
  CHECK_FALSE(query().ok());
  c.database.run("DROP TABLE t; CREATE TABLE t(id, n)");
  CHECK(*query() == 0);
  CHECK(insert().ok());
  CHECK(*query() == 1);
}

TEST_CASE("a statement that fails as it runs has no effect, also as it is tried once more") {
  Fixture f;
  CHECK(f.run("INSERT INTO t VALUES (1, '{', NULL)").ok());
  const char* kFails = "UPDATE t SET score = json_extract(name, '$.a')";
  for (int i = 0; i < 2; ++i)
    CHECK(f.run(kFails).error().message.find("JSON") != std::string::npos);
  CHECK(f.query(kAll) == "1{NULL");
}

}  // namespace
}  // namespace mayfly
