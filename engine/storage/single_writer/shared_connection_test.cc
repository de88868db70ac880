// Users of one connection: each has its settings, none another's, and all learn that it is lost.
#include "mayfly/storage/single_writer/shared_connection.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/database.h"

namespace mayfly {
namespace {

// Counts what it is told.
struct Recorder final : SharedConnection::User {
  void let_go() noexcept override { ++let_go_of; }
  void on_lost() noexcept override { ++lost; }
  void begin_turns(SqliteConnection&) override { ++begun; }
  void end_turns(SqliteConnection&) override { ++ended; }
  int let_go_of = 0;
  int lost = 0;
  int begun = 0;
  int ended = 0;
};

struct Fixture {
  explicit Fixture(const std::string& name) : database(name) {
    database.run("CREATE TABLE t(x)");
    open(first);
    open(second);
  }
  ~Fixture() {
    shared.leave(first);
    shared.leave(second);
  }

  void open(Recorder& user) { REQUIRE(shared.open(user, database.path(), true).ok()); }
  void take(Recorder& user, const SharedConnection::Settings& settings) {
    const SqliteError error = shared.take(user, settings);
    REQUIRE_MESSAGE(error.ok(), error.message);
  }
  std::string pragma(const std::string& name) {
    std::string value;
    CHECK(shared.connection().query_text("PRAGMA " + name, value).ok());
    return value;
  }
  // foreign_keys, synchronous, busy_timeout
  std::string settings() {
    return pragma("foreign_keys") + " " + pragma("synchronous") + " " + pragma("busy_timeout");
  }

  const testing::Database database;
  SharedConnection shared{{}};
  Recorder first, second;
};

constexpr SharedConnection::Settings kFirst{.busy_timeout_ns = 1'500'000};
constexpr SharedConnection::Settings kSecond{.foreign_keys = false,
                                             .synchronous = Synchronous::kNormal};

TEST_CASE("each user of a connection has its own settings while it has its turn") {
  Fixture f("shared_settings");
  f.take(f.first, kFirst);
  CHECK(f.settings() == "1 2 2");
  f.take(f.second, kSecond);
  CHECK(f.settings() == "0 1 0");
  f.take(f.first, kFirst);
  CHECK(f.settings() == "1 2 2");
  f.take(f.first, kSecond);
  CHECK(f.settings() == "0 1 0");
}

TEST_CASE("what is set by PRAGMA is known when it is read, and set again for its user") {
  Fixture f("shared_read");
  f.take(f.first, kFirst);
  CHECK(f.shared.connection()
            .run("PRAGMA foreign_keys = OFF; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 7")
            .ok());
  const auto read = f.shared.read_settings();
  REQUIRE(read.has_value());
  CHECK(*read == SharedConnection::Settings{.foreign_keys = false,
                                            .synchronous = Synchronous::kNormal,
                                            .busy_timeout_ns = 7 * kMillisecond});
  f.take(f.second, kFirst);
  CHECK(f.settings() == "1 2 2");
  f.take(f.first, *read);
  CHECK(f.settings() == "0 1 7");
  CHECK(f.shared.connection().run("PRAGMA synchronous = OFF").ok());
  CHECK_FALSE(f.shared.read_settings().has_value());
}

TEST_CASE("SQLite's own checkpoints are off again when another user's turns begin") {
  Fixture f("shared_hook");
  f.take(f.first, kFirst);
  CHECK(f.shared.connection().run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 5").ok());
  CHECK(f.shared.connection().run("INSERT INTO t VALUES (1)").ok());
  CHECK(f.shared.wal_pages() == 0);
  f.take(f.second, kFirst);
  CHECK(f.shared.connection().run("INSERT INTO t VALUES (2)").ok());
  CHECK(f.shared.wal_pages() > 0);
}

TEST_CASE("a log of an attached database isn't taken for the database's own") {
  Fixture f("shared_attached");
  const testing::Database other("shared_other");
  f.take(f.first, kFirst);
  CHECK(f.shared.connection()
            .run("PRAGMA journal_mode = WAL; ATTACH '" + other.path() +
                 "' AS other; PRAGMA other.journal_mode = WAL; CREATE TABLE other.t(x)")
            .ok());
  CHECK(f.shared.wal_pages() == 0);
}

TEST_CASE("a connection that one user made its own is lost to the others, until it is closed") {
  Fixture f("shared_personal");
  f.take(f.first, kFirst);
  CHECK_FALSE(f.shared.is_personal());
  f.shared.keep_for(f.first);
  CHECK(f.shared.is_personal());
  CHECK(f.second.let_go_of == 1);
  CHECK(f.second.lost == 0);
  CHECK(f.shared.is_open_for(f.first));
  CHECK(f.shared.take(f.second, kSecond).code == 21);  // SQLITE_MISUSE
  f.take(f.first, kFirst);
  f.shared.leave(f.first);
  CHECK_FALSE(f.shared.is_personal());
}

TEST_CASE("a transaction that a user left open is rolled back when its turns end, or it leaves") {
  Fixture f("shared_open_transaction");
  f.take(f.first, kFirst);
  CHECK(f.shared.connection().run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").ok());
  f.take(f.second, kSecond);
  CHECK(f.shared.connection().autocommit());
  CHECK(f.shared.connection().run("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").ok());
  f.shared.leave(f.second);
  CHECK(f.shared.connection().autocommit());
  CHECK(f.database.integer("SELECT count(*) FROM t") == 0);
}

// Whoever is told first lets another one go, as a listener that hears of it may.
TEST_CASE("users of a lost connection that are gone by then aren't told of it") {
  struct Leaver final : SharedConnection::User {
    Leaver(SharedConnection& connection, std::unique_ptr<Recorder>& recorder)
        : shared(connection), other(recorder) {}
    void let_go() noexcept override {}
    void on_lost() noexcept override {
      if (other != nullptr) shared.leave(*other);
      other.reset();
    }
    SharedConnection& shared;
    std::unique_ptr<Recorder>& other;
  };
  Fixture f("shared_told");
  auto other = std::make_unique<Recorder>();
  Leaver leaver(f.shared, other);
  REQUIRE(f.shared.open(*other, f.database.path(), true).ok());
  REQUIRE(f.shared.open(leaver, f.database.path(), true).ok());
  f.shared.discard();
  CHECK(other == nullptr);
  CHECK(f.first.lost == 1);
}

TEST_CASE("a value may be as long as who has the turn wants it") {
  Fixture f("shared_length");
  f.take(f.first, {.value_bytes_max = 100});
  CHECK_FALSE(f.shared.connection().run("INSERT INTO t VALUES (zeroblob(101))").ok());
  f.take(f.second, {});
  CHECK(f.shared.connection().run("INSERT INTO t VALUES (zeroblob(101))").ok());
}

TEST_CASE("turns begin and end with a change of the user, not with each one") {
  Fixture f("shared_turns");
  f.take(f.first, kFirst);
  f.take(f.first, kFirst);
  f.take(f.first, kSecond);
  CHECK(f.first.begun == 1);
  CHECK(f.first.ended == 0);
  f.take(f.second, kSecond);
  CHECK(f.first.ended == 1);
  CHECK(f.second.begun == 1);
  f.shared.leave(f.second);
  CHECK(f.second.ended == 1);
  f.take(f.first, kFirst);
  CHECK(f.first.begun == 2);
}

TEST_CASE("a connection's cache is as large as the largest that was asked for") {
  Fixture f("shared_cache");
  f.take(f.first, kFirst);
  CHECK(f.shared.want_cache(8 << 20).ok());
  CHECK(f.pragma("cache_size") == "-8192");
  CHECK(f.shared.want_cache(0).ok());
  CHECK(f.shared.want_cache(4 << 20).ok());
  CHECK(f.pragma("cache_size") == "-8192");
}

TEST_CASE("a connection that is discarded is lost for all, and each opens it again") {
  Fixture f("shared_discard");
  f.take(f.first, kFirst);
  f.take(f.second, kSecond);
  f.shared.discard();
  CHECK(f.first.lost == 1);
  CHECK(f.second.lost == 1);
  CHECK(f.second.ended == 1);
  CHECK_FALSE(f.shared.is_open_for(f.first));
  CHECK_FALSE(f.shared.is_open_for(f.second));
  f.open(f.second);
  CHECK_FALSE(f.shared.is_open_for(f.first));
  f.take(f.second, kSecond);
  CHECK(f.settings() == "0 1 0");
  f.open(f.first);
  f.take(f.first, kFirst);
  CHECK(f.settings() == "1 2 2");
}

TEST_CASE("a connection stays open until its last user leaves") {
  Fixture f("shared_leave");
  f.shared.leave(f.first);
  f.shared.leave(f.first);  // again: nothing
  CHECK(f.shared.connection());
  f.shared.leave(f.second);
  CHECK_FALSE(f.shared.connection());
  CHECK(f.first.lost == 0);
}

TEST_CASE("whoever opens a database that was replaced has the new file, and so have the others") {
  Fixture f("shared_moved");
  CHECK_FALSE(f.shared.is_moved());
  const std::string path = f.database.path();
  std::filesystem::rename(path, path + ".old");
  CHECK(f.shared.is_moved());
  Recorder third;
  REQUIRE(f.shared.open(third, path, true).ok());
  CHECK(f.first.lost == 1);
  CHECK_FALSE(f.shared.is_moved());
  CHECK(f.shared.take(third, {}).ok());
  CHECK_FALSE(f.shared.connection().run("SELECT * FROM t").ok());
  f.shared.leave(third);
  std::filesystem::remove(path + ".old");
}

TEST_CASE("a turn that can't be set up is no turn: the next one tries again") {
  Fixture f("shared_no_database");
  f.shared.discard();
  std::ofstream(f.database.path(), std::ios::trunc) << std::string(4096, 'x');
  f.open(f.first);
  CHECK(f.shared.take(f.first, kFirst).primary() == 26);  // SQLITE_NOTADB
  CHECK(f.first.ended == f.first.begun);
  CHECK(f.shared.take(f.first, kFirst).primary() == 26);
}

}  // namespace
}  // namespace mayfly
