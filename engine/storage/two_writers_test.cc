// The pipeline's writer and callers of a SqliteSingleWriter by one connection: what each does to it
// stays with it, and what one finds broken is told by both.
#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/writer_fixture.h"
#include "tests/support/descriptors.h"
#include "tests/support/working_folder.h"

namespace mayfly {
namespace {

using Kind = GroupResult::Kind;
using testing::descriptors_of;

struct Both : WriterFixture {
  explicit Both(const std::string& sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, name)",
                SingleWriterOptions given = {}) {
    run(sql);
    given.clock = &caller_clock;
    given.busy_timeout_ns = 0;
    auto opened = SqliteSingleWriter::get_or_create(options.database, given);
    if (!opened.ok()) FAIL(opened.error().message);
    callers = *opened;
  }
  std::int64_t call(const std::string& sql) {
    const auto written = callers->write(sql);
    REQUIRE_MESSAGE(written.ok(), written.error().message);
    return *written;
  }
  // The callers' connection is found lost: the file isn't at its place for a moment.
  void lose() {
    const std::string& path = options.database;
    std::filesystem::rename(path, path + ".away");
    caller_clock.advance(2 * kSecond);
    CHECK(callers->write("INSERT INTO t(name) VALUES ('nowhere')").error().kind ==
          DbError::Kind::kIo);
    std::filesystem::rename(path + ".away", path);
  }
  int connections() { return descriptors_of(options.database); }

  ManualClock caller_clock;
  std::shared_ptr<SqliteSingleWriter> callers;
};

TEST_CASE("two writers: they have one connection, in whatever order they come and go") {
  Both f;
  f.open();
  CHECK(f.write(f.numbered(0, 3), kNoSource) == "111");
  CHECK(f.call("INSERT INTO t VALUES (10, 'a caller''s')") == 1);
  CHECK(f.connections() == 1);
  f.writer.reset();
  CHECK(f.call("INSERT INTO t VALUES (11, 'a caller''s')") == 1);
  f.open();
  f.callers.reset();
  CHECK(f.write(f.numbered(20, 3), kNoSource) == "111");
  CHECK(f.connections() == 1);
  CHECK(f.writer->finish(true).ok());
  CHECK(f.connections() == 0);
  CHECK(f.query("SELECT count(*) FROM t") == "8");
}

TEST_CASE("two writers: a pipeline that can't be opened leaves no transaction to the callers") {
  Both f("CREATE TABLE t(id INTEGER PRIMARY KEY, name)", {.write_ahead_log = false});
  f.call("INSERT INTO t VALUES (1, 'before')");
  f.options.journal = Journal::kKeep;
  {
    SqliteConnection reader = f.connect();
    REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
    CHECK_FALSE(f.try_open().ok());
    REQUIRE(reader.run("COMMIT").ok());
  }
  CHECK(f.call("INSERT INTO t VALUES (2, 'acknowledged')") == 1);
  CHECK(f.query("SELECT count(*) FROM t") == "2");
}

TEST_CASE("two writers: a source is added although the connection was lost before") {
  Both f;
  f.open();
  f.lose();
  f.add_source();
  CHECK(f.call("INSERT INTO t VALUES (10, 'a caller''s')") == 1);
  CHECK(f.write(f.numbered(0, 3)) == "111");
  f.writer.reset();
  CHECK(f.call("INSERT INTO t VALUES (11, 'a caller''s')") == 1);
}

TEST_CASE("two writers: a database that a caller found gone is told at the pipeline's end, too") {
  for (const bool durable : {false, true}) {
    Both f;
    f.open();
    f.write(f.numbered(0, 3), kNoSource);
    std::filesystem::remove(f.options.database);
    f.caller_clock.advance(2 * kSecond);
    CHECK_FALSE(f.callers->write("INSERT INTO t(name) VALUES ('nowhere')").ok());
    const GroupResult end = f.writer->finish(durable);
    CHECK(end.kind == Kind::kFailed);
    CHECK(end.status.message().find("was removed, renamed or replaced") != std::string::npos);
  }
}

TEST_CASE("two writers: a pipeline doesn't try for ever to write to a database that is gone") {
  Both f;
  f.open();
  std::filesystem::remove(f.options.database);
  f.caller_clock.advance(2 * kSecond);
  CHECK_FALSE(f.callers->write("INSERT INTO t(name) VALUES ('nowhere')").ok());
  const auto heads = f.fill(f.numbered(0, 1), kNoSource);
  const GroupResult result = f.writer->write(heads);
  CHECK(result.kind == Kind::kFailed);
  CHECK(result.status.code() == Code::kIo);
  f.writer->give_up(heads, MAYFLY_LEFT);
  f.settle(heads);
}

// A removed file's number is given to the next one, once nobody has it open.
TEST_CASE("two writers: a new database in the place of the old one isn't taken for it") {
  Both f;
  f.open();
  f.write(f.numbered(0, 3), kNoSource);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(f.options.database + suffix);
  }
  f.caller_clock.advance(2 * kSecond);
  CHECK_FALSE(f.callers->write("INSERT INTO t(name) VALUES ('nowhere')").ok());
  // Nor do callers make one: what was there is gone.
  const auto refused = f.callers->write("CREATE TABLE t(id INTEGER PRIMARY KEY, name)");
  CHECK(refused.error().kind == DbError::Kind::kCannotOpen);
  f.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name)");
  CHECK(f.call("INSERT INTO t(name) VALUES ('in the new one')") == 1);
  const GroupResult end = f.writer->finish(true);
  CHECK(end.kind == Kind::kFailed);
  CHECK(end.status.message().find("was removed, renamed or replaced") != std::string::npos);
}

TEST_CASE("two writers: a lock that a reopening meets changes nothing of what was written before") {
  Both f;
  f.open();
  const auto written = f.fill(f.numbered(0, 3), kNoSource);
  REQUIRE(f.writer->write(written).ok());
  CHECK(f.outcomes_of(written) == "111");
  f.lose();
  SqliteConnection lock = f.connect();
  REQUIRE(lock.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").ok());
  const auto next = f.fill(f.numbered(10, 3), kNoSource);
  CHECK(f.writer->write(next).kind == Kind::kTransient);
  CHECK(f.outcomes_of(written) == "111");
  lock.close();
  CHECK(f.writer->write(next).ok());
  CHECK(f.outcomes_of(next) == "111");
  f.settle(written);
  f.settle(next);
}

TEST_CASE("two writers: a table that a caller dropped is no reason to try for ever") {
  Both f;
  f.open();
  f.call("CREATE TEMP TABLE own(x)");  // so that the pipeline opens another connection
  f.call("DROP TABLE main.t");
  const auto heads = f.fill(f.numbered(0, 1), kNoSource);
  CHECK(f.writer->write(heads).kind == Kind::kFailed);
  f.writer->give_up(heads, MAYFLY_LEFT);
  f.settle(heads);
}

TEST_CASE("two writers: an end is durable although the connection was lost before") {
  // Both use it.
  FaultVfs disk("two_writers");
  sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
  sqlite3_vfs_register(sqlite3_vfs_find(disk.name().c_str()), 1);
  int syncs[2] = {};
  for (const bool lost : {false, true}) {
    Both f;  // at NORMAL
    f.open();
    // The end can't move the log, which would sync it.
    SqliteConnection reader = f.connect();
    REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
    f.write(f.numbered(0, 3), kNoSource);
    if (lost) f.lose();
    const int before = disk.count(FaultVfs::Operation::kSync);
    CHECK(f.writer->finish(true).ok());
    syncs[lost] = disk.count(FaultVfs::Operation::kSync) - before;
    CHECK(f.query("SELECT count(*) FROM t") == "3");
  }
  CHECK(syncs[true] == syncs[false]);
  sqlite3_vfs_register(usual, 1);
}

TEST_CASE(
    "two writers: a caller's statement that read a batch reads none when the writer is gone") {
  Both f;
  f.call("CREATE TABLE copies(id)");
  f.open();
  f.write(f.numbered(0, 3), kNoSource);
  const char* const copy = "INSERT INTO copies SELECT id FROM mayfly_batch";
  CHECK(f.call(copy) == 0);
  CHECK(f.writer->finish(false).ok());
  f.writer.reset();
  const auto again = f.callers->write(copy);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().message.find("no such table: mayfly_batch") != std::string::npos);
}

TEST_CASE("two writers: what a caller sets for itself holds for it, and for nobody else") {
  Both f(
      "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);"
      "CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE); INSERT INTO c VALUES (1);"
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name REFERENCES p(id))");
  f.open();
  f.call("PRAGMA foreign_keys = OFF");
  CHECK(f.write({{num(5), text("no parent")}}, kNoSource) == "3");
  // As SQLite's documentation has a table altered: nothing is to be deleted by it.
  f.call(
      "CREATE TABLE p2(id INTEGER PRIMARY KEY, more); INSERT INTO p2 SELECT id, 0 FROM p;"
      "DROP TABLE p; ALTER TABLE p2 RENAME TO p");
  CHECK(f.connections() == 1);
  CHECK(f.query("SELECT count(*) FROM c") == "1");
}

// By whatever text: SQLite skips a byte order mark.
TEST_CASE(
    "two writers: a caller's connection is its own once it can't be set back with each turn") {
  const char* const kTable = "CREATE TABLE t(id INTEGER PRIMARY KEY, name CHECK (name <> 'bad'))";
  for (const char* sql :
       {"PRAGMA ignore_check_constraints = ON", "\xEF\xBB\xBFPRAGMA ignore_check_constraints = ON",
        "SELECT 1; PRAGMA ignore_check_constraints = ON", "PRAGMA max_page_count = 1",
        "CREATE TEMP TABLE t(id, name)", "CREATE TEMP VIEW mayfly_commits AS SELECT 1",
        "PRAGMA synchronous = OFF", "ATTACH ':memory:' AS other",
        "CREATE TRIGGER temp.gone AFTER INSERT ON main.t BEGIN DELETE FROM t WHERE id = new.id AND "
        "id < 4; END"}) {
    CAPTURE(sql);
    Both f(kTable);
    f.open();
    CHECK(f.write({{num(1), text("good")}}, kNoSource) == "1");
    CHECK(f.connections() == 1);
    f.call(sql);
    CHECK(f.write({{num(2), text("good")}, {num(3), text("bad")}}, kNoSource) == "13");
    CHECK(f.connections() == 2);
    CHECK(f.callers->write("INSERT OR IGNORE INTO main.t VALUES (4, 'good')").ok());
    CHECK(f.writer->finish(true).ok());
    CHECK(f.query("SELECT count(*) FROM t WHERE id < 4") == "2");
    CHECK(f.query("SELECT count(*) FROM t WHERE name = 'bad'") == "0");
    CHECK(f.callers->stats().reopened == 0);
  }
}

TEST_CASE("two writers: SQLite's handle makes a caller's connection its own, too") {
  Both f;
  f.open();
  REQUIRE(f.callers->execute_in_transaction([](SqlSession& session) { (void)session.get(); }).ok());
  CHECK(f.write(f.numbered(0, 3), kNoSource) == "111");
  CHECK(f.connections() == 2);
}

TEST_CASE("two writers: a handle that is borrowed for statements leaves the connection shared") {
  Both f;
  f.open();
  REQUIRE(
      f.callers
          ->execute_in_transaction([](SqlSession& session) { CHECK(session.borrow() != nullptr); })
          .ok());
  CHECK(f.write(f.numbered(0, 3), kNoSource) == "111");
  CHECK(f.connections() == 1);
}

TEST_CASE("two writers: what is in the file, or is asked for, makes no connection one's own") {
  Both f;
  f.open();
  CHECK_FALSE(f.callers->write("PRAGMA query_only = ON").ok());
  CHECK_FALSE(f.callers->write("PRAGMA locking_mode = EXCLUSIVE").ok());
  for (const char* sql :
       {"VACUUM", "PRAGMA user_version = 7", "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA integrity_check(3)", "PRAGMA cache_size", "PRAGMA table_info(t)"}) {
    f.call(sql);
  }
  CHECK(f.write(f.numbered(0, 3), kNoSource) == "111");
  CHECK(f.connections() == 1);
}

TEST_CASE("two writers: the pipeline's finds its database again, wherever the process went") {
  Both f;
  const std::filesystem::path path = f.options.database;
  {
    const testing::WorkingFolder folder(path.parent_path());
    f.options.database = path.filename().string();
    f.open();
  }
  f.options.database = path.string();
  CHECK(f.write(f.numbered(0, 3), kNoSource) == "111");
  f.lose();
  CHECK(f.write(f.numbered(3, 3), kNoSource) == "111");
  const GroupResult end = f.writer->finish(true);
  CHECK_MESSAGE(end.ok(), end.status.message());
  CHECK(f.query("SELECT count(*) FROM t") == "6");
}

}  // namespace
}  // namespace mayfly
