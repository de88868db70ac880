// Pages of a large transaction go to the disk before its COMMIT, and nothing else changes.
#include "mayfly/storage/writeback.h"

#include <doctest/doctest.h>

#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

using Operation = FaultVfs::Operation;
constexpr std::size_t kRows = Writeback::kRows;

// A database with an empty table, in a transaction.
struct Open {
  explicit Open(const char* name) : vfs(name), path(fresh_folder() + "/w.db") {
    REQUIRE(SqliteConnection::open(path, {.vfs = vfs.name().c_str()}, connection).ok());
    run("CREATE TABLE t(a); BEGIN IMMEDIATE");
    file = file_identity(path);
  }
  void run(const std::string& sql) {
    const SqliteError error = connection.run(sql);
    REQUIRE_MESSAGE(error.ok(), error.message);
  }
  void insert() {
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "INSERT INTO t SELECT i FROM n");
  }
  int writes_of(const std::function<void()>& act) {
    const int before = vfs.count(Operation::kWrite);
    act();
    return vfs.count(Operation::kWrite) - before;
  }
  std::string rows() {
    std::string count;
    REQUIRE(connection.query_text("SELECT count(*) FROM t", count).ok());
    return count;
  }

  FaultVfs vfs;
  std::string path;
  SqliteConnection connection;
  FileIdentity file;
  Writeback writeback;
};

TEST_CASE("pages are written once enough rows were inserted, and again after as many") {
  Open f("writeback_rows");
  f.writeback.enable(f.file);
  f.writeback.begin();
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows - 1); }) == 0);
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) > 10);
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, 2 * kRows - 1); }) == 0);
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, 2 * kRows); }) > 10);
  // Rows that were rejected meanwhile are fewer rows than before.
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) == 0);
  f.run("COMMIT; BEGIN");
  f.writeback.begin();
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows - 1); }) == 0);
  f.run("COMMIT");
  CHECK(f.rows() == "30000");
}

TEST_CASE("off, pages wait for COMMIT; a file that isn't open stays off") {
  Open f("writeback_off");
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) == 0);
  f.writeback.enable({});
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) == 0);
  f.writeback.enable({.device = f.file.device, .inode = f.file.inode + 1'000'000});
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) == 0);
  f.writeback.enable(f.file);
  f.writeback.disable();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) == 0);
  CHECK(f.writes_of([&] { f.run("COMMIT"); }) > 10);
}

TEST_CASE("a descriptor that isn't the file's any more is left alone") {
  Open f("writeback_stale");
  f.writeback.enable(f.file);
  f.run("COMMIT");
  f.connection.close();
  REQUIRE(SqliteConnection::open(fresh_folder() + "/other.db", {.vfs = f.vfs.name().c_str()},
                                 f.connection)
              .ok());
  f.run("CREATE TABLE t(a); BEGIN IMMEDIATE");
  f.insert();
  f.writeback.inserted(f.connection, kRows);  // sees it, and is off from then on
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, 2 * kRows); }) == 0);
}

TEST_CASE("what was written early goes when the transaction is rolled back") {
  Open f("writeback_rollback");
  f.writeback.enable(f.file);
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, kRows); }) > 10);
  f.run("ROLLBACK");
  CHECK(f.rows() == "0");
  std::string check;
  REQUIRE(f.connection.query_text("PRAGMA integrity_check", check).ok());
  CHECK(check == "ok");
}

TEST_CASE("a reader keeps pages back, and is not disturbed") {
  Open f("writeback_reader");
  f.writeback.enable(f.file);
  SqliteConnection reader;
  REQUIRE(SqliteConnection::open(f.path, {.create = false}, reader).ok());
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  f.insert();
  f.writeback.inserted(f.connection, kRows);
  std::string count;
  CHECK(reader.query_text("SELECT count(*) FROM t", count).ok());
  CHECK(count == "0");
  SqliteConnection late;
  REQUIRE(SqliteConnection::open(f.path, {.create = false}, late).ok());
  CHECK(classify(late.query_text("SELECT count(*) FROM t", count).code) == ErrorClass::kTransient);
  REQUIRE(reader.run("COMMIT").ok());
  f.insert();
  CHECK(f.writes_of([&] { f.writeback.inserted(f.connection, 2 * kRows); }) > 10);
  f.run("COMMIT");
  CHECK(f.rows() == "20000");
}

// Counts what was written to the database by the time a transaction asks for more.
struct CountingFeed : GroupFeed {
  CountingFeed(FaultVfs& on, std::span<const RowRef> given) : vfs(on), group(given) { begin(); }
  void begin() {
    vfs.fail_next(Operation::kNone, 0, SQLITE_OK, ".db");
    before = vfs.count(Operation::kWrite);
  }
  std::span<const RowRef> more() override {
    written = vfs.count(Operation::kWrite) - before;
    return group;  // nothing has come meanwhile
  }
  FaultVfs& vfs;
  std::span<const RowRef> group;
  int before = 0;
  int written = 0;
};

TEST_CASE("the writer begins early in a database that it made with a journal, and in no other") {
  struct Case {
    const char* prepare;
    Journal journal;
    std::size_t rows;
    bool early;
  };
  for (const Case& test :
       {Case{"", Journal::kKeep, kRows, true}, Case{"", Journal::kKeep, kRows - 1, false},
        Case{"", Journal::kWal, kRows, false},
        Case{"CREATE TABLE other(x)", Journal::kKeep, kRows, false}}) {
    CAPTURE(test.prepare);
    CAPTURE(test.rows);
    FaultVfs vfs("writeback_writer");
    WriterFixture f(WriterFixture::id_and_name(), kRows);
    if (*test.prepare != '\0') f.run(test.prepare);
    f.options.vfs = vfs.name();
    f.options.journal = test.journal;
    f.open();
    const auto heads = f.fill(f.numbered(0, static_cast<std::int64_t>(test.rows)), kNoSource);
    CountingFeed feed(vfs, heads);
    REQUIRE(f.writer->write(heads, &feed).kind == GroupResult::Kind::kCommitted);
    CHECK((feed.written > 10) == test.early);
    CHECK(f.query("SELECT count(*) FROM t") == std::to_string(test.rows));
    f.writer.reset();
  }
}

TEST_CASE("a disk that fails while pages are written early fails the transaction, not the rows") {
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    for (const char* suffix : {"-journal", ".db"}) {
      for (int skip = 0; skip < 4; ++skip) {
        CAPTURE(static_cast<int>(operation));
        CAPTURE(suffix);
        CAPTURE(skip);
        FaultVfs vfs("writeback_fault");
        WriterFixture f(WriterFixture::id_and_name(), kRows);
        f.options.vfs = vfs.name();
        f.options.journal = Journal::kKeep;
        f.open();
        f.add_source();
        const auto heads = f.fill(f.numbered(0, 2 * kRows));
        REQUIRE(heads.size() == 2);
        vfs.fail_next(operation, skip, SQLITE_FULL, suffix);
        GroupResult result = f.writer->write(heads);
        vfs.heal();
        if (result.kind == GroupResult::Kind::kTransient) result = f.writer->write(heads);
        CHECK(result.kind == GroupResult::Kind::kCommitted);
        CHECK(f.query("SELECT count(*), count(DISTINCT id) FROM t") ==
              std::to_string(2 * kRows) + "|" + std::to_string(2 * kRows));
        f.writer.reset();
      }
    }
  }
}

}  // namespace
}  // namespace mayfly
