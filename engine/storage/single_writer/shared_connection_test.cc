// Users of one connection: each has its settings, none another's, and all learn that it is lost.
#include "mayfly/storage/single_writer/shared_connection.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/database.h"

namespace mayfly {
namespace {

// Counts what it is told.
struct Recorder final : SharedConnection::User {
  void let_go() noexcept override { ++lost; }
  void begin_turns(SqliteConnection&) override { ++begun; }
  void end_turns(SqliteConnection&) override { ++ended; }
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

TEST_CASE("what a caller sets by PRAGMA is its own, and ends when another has its turn") {
  Fixture f("shared_pragma");
  f.take(f.first, kFirst);
  CHECK(
      f.shared.connection()
          .run("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 5;"
               "PRAGMA journal_mode = WAL")
          .ok());
  f.shared.forget_settings();
  f.take(f.first, kFirst);
  CHECK(f.settings() == "0 0 2");
  CHECK(f.shared.connection().run("INSERT INTO t VALUES (1)").ok());
  CHECK(f.shared.wal_pages() == 0);  // its own autocheckpoint instead of ours
  f.take(f.second, kFirst);
  CHECK(f.settings() == "1 2 2");
  CHECK(f.shared.connection().run("INSERT INTO t VALUES (2)").ok());
  CHECK(f.shared.wal_pages() > 0);
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
