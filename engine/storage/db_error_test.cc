#include "mayfly/storage/db_error.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace mayfly {
namespace {

using Kind = DbError::Kind;

SqliteConnection memory() {
  SqliteConnection connection;
  REQUIRE(SqliteConnection::open(":memory:", {}, connection).ok());
  return connection;
}

TEST_CASE("what SQLite refuses has a kind by its code") {
  SqliteConnection connection = memory();
  REQUIRE(connection.run("CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL) STRICT").ok());
  const auto kind = [&](const std::string& sql) {
    const SqliteError error = connection.run(sql);
    REQUIRE_FALSE(error.ok());
    return to_db_error(error, "testing").kind;
  };
  CHECK(kind("SELEC 1") == Kind::kSql);
  CHECK(kind("SELECT 1 FROM nobody") == Kind::kSql);
  CHECK(kind("INSERT INTO t VALUES (1, NULL)") == Kind::kConstraint);
  CHECK(kind("INSERT INTO t VALUES ('x', 'a')") == Kind::kConstraint);
  CHECK(kind("SELECT zeroblob(2147483647)") == Kind::kTooBig);
  for (const auto& [code, expected] :
       {std::pair{SQLITE_BUSY_SNAPSHOT, Kind::kBusy}, std::pair{SQLITE_LOCKED, Kind::kBusy},
        std::pair{SQLITE_READONLY_DBMOVED, Kind::kReadOnly}, std::pair{SQLITE_FULL, Kind::kFull},
        std::pair{SQLITE_CANTOPEN_ISDIR, Kind::kCannotOpen},
        std::pair{SQLITE_NOTADB, Kind::kCorrupt}, std::pair{SQLITE_IOERR_FSYNC, Kind::kIo},
        std::pair{SQLITE_NOMEM, Kind::kNoMemory}, std::pair{SQLITE_INTERRUPT, Kind::kInterrupted},
        std::pair{SQLITE_RANGE, Kind::kParameter}, std::pair{SQLITE_MISUSE, Kind::kOther}}) {
    CAPTURE(code);
    CHECK(to_db_error(SqliteError{.code = code}, "testing").kind == expected);
  }
  CHECK(to_db_error(SqliteError{.code = SQLITE_BUSY}, "testing").is_lock());
}

TEST_CASE("a lock is told by its code, whatever the text says") {
  // The seed's template looked for these words.
  const SqliteError named{.code = SQLITE_ERROR, .message = "no such table: database is locked"};
  CHECK_FALSE(to_db_error(named, "testing").is_lock());
  // Nor is the programmer's mistake that it took for one.
  SqliteConnection connection = memory();
  REQUIRE(connection.run("BEGIN").ok());
  CHECK_FALSE(to_db_error(connection.run("BEGIN"), "testing").is_lock());
}

TEST_CASE("an error of SQLite's C API has the connection's words and extended code") {
  SqliteConnection connection = memory();
  REQUIRE(connection.run("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)").ok());
  sqlite3* db = connection.get();
  const int code = sqlite3_exec(db, "INSERT INTO t VALUES (1)", nullptr, nullptr, nullptr);
  const DbResult<void> result = to_db_result(db, code);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == Kind::kConstraint);
  CHECK(result.error().code == SQLITE_CONSTRAINT_UNIQUE);
  CHECK(result.error().message == "UNIQUE constraint failed: t.a (SQLite error 2067)");
  // The connection says nothing of a code that isn't its own.
  CHECK(to_db_error(db, SQLITE_FULL).message == "database or disk is full (SQLite error 13)");
  CHECK(to_db_error(nullptr, SQLITE_NOMEM).message == "out of memory (SQLite error 7)");
  for (const int fine : {SQLITE_OK, SQLITE_ROW, SQLITE_DONE}) CHECK(to_db_result(db, fine).ok());
}

TEST_CASE("a success has an error that says nothing") {
  CHECK(DbResult<void>().error().message.empty());
  CHECK(DbResult<int>(7).error().message.empty());
  CHECK(DbResult<int>(7).error().kind == Kind::kOther);
}

TEST_CASE("each kind leads to an exit status") {
  const auto code = [](Kind kind) {
    return to_status(DbError{.kind = kind, .message = "m"}).code();
  };
  CHECK(code(Kind::kSql) == Code::kConfig);
  CHECK(code(Kind::kParameter) == Code::kUsage);
  CHECK(code(Kind::kConstraint) == Code::kBadData);
  CHECK(code(Kind::kBusy) == Code::kTryAgain);
  CHECK(code(Kind::kReadOnly) == Code::kCannotCreate);
  CHECK(code(Kind::kFull) == Code::kIo);
  CHECK(code(Kind::kOther) == Code::kInternal);
  CHECK(to_status(DbError{.kind = Kind::kIo, .message = "the disk"}).message() == "the disk");
}

}  // namespace
}  // namespace mayfly
