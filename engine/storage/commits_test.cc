// A COMMIT that fails: what is answered must be what is in the file.
#include "mayfly/storage/commits.h"

#include <doctest/doctest.h>

#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

using Kind = GroupResult::Kind;
using Operation = FaultVfs::Operation;

// A writer on a disk that fails when it is told to, with ten rows committed.
struct Faulty : WriterFixture {
  explicit Faulty(const char* name, Synchronous synchronous = Synchronous::kFull,
                  Journal journal = Journal::kWal)
      : vfs(name) {
    options.vfs = name;
    options.journal = journal;
    options.synchronous = synchronous;
    options.page_bytes = 4096;
    open();
    add_source();
    write(numbered(0, 10));
  }
  ~Faulty() {
    vfs.heal();
    writer.reset();  // before the VFS goes
  }
  GroupResult try_write(const std::vector<RowRef>& heads) { return writer->write(heads); }
  std::int64_t rows_in_file() { return std::stoll(query("SELECT count(*) FROM t")); }

  FaultVfs vfs;
};

TEST_CASE("an I/O error while the log is written rolls back, and trying again succeeds") {
  // Every write of the transaction in turn.
  for (int skip = 0; skip < 8; ++skip) {
    CAPTURE(skip);
    Faulty f("fault_write");
    const auto heads = f.fill(f.numbered(10, 20));
    f.vfs.fail_next(Operation::kWrite, skip, SQLITE_IOERR_WRITE, "-wal");
    const GroupResult first = f.try_write(heads);
    f.vfs.heal();
    if (first.kind == Kind::kCommitted) continue;  // it needed fewer writes
    CHECK(first.kind == Kind::kTransient);
    CHECK_FALSE(first.busy);
    CHECK(f.outcomes_of(heads) == std::string(20, '0'));
    CHECK(f.rows_in_file() == 10);
    CHECK(f.query("SELECT low FROM mayfly_offsets") == "10");
    CHECK(f.try_write(heads).kind == Kind::kCommitted);
    CHECK(f.rows_in_file() == 30);
    CHECK(f.query("SELECT low, read FROM mayfly_offsets") == "30|30");
    CHECK(f.writer->totals().rows.written == 30);
  }
}

TEST_CASE("what a failed COMMIT had recorded is taken back: marks, ranges, parents") {
  Faulty f("fault_recorded");
  const auto parents = f.fill(f.numbered(10, 1));
  const auto lost = f.fill(f.numbered(11, 5));
  const auto after = f.fill(f.numbered(16, 2));
  const auto children = f.fill(f.numbered(100, 1), kNoSource);
  f.pool.batch(children[0])->parent[0] = parents[0];
  f.pool.batch(parents[0])->children[0] = 1;
  const RowRef group[] = {lost[0], children[0]};
  f.vfs.fail_next(Operation::kWrite, 0, SQLITE_IOERR_WRITE, "-wal");
  REQUIRE(f.writer->write(group).kind == Kind::kTransient);
  CHECK(f.writer->answered_parents().empty());
  CHECK(f.outcomes_of(parents) == "0");
  CHECK(f.pool.batch(parents[0])->children[0] == 1);
  // Others are answered first.
  REQUIRE(f.try_write(after).kind == Kind::kCommitted);
  CHECK(f.query("SELECT low, read FROM mayfly_offsets WHERE source <> ''") == "10|12");
  CHECK(f.query("SELECT first, last FROM mayfly_offset_ranges") == "16|17");
  REQUIRE(f.writer->write(group).kind == Kind::kCommitted);
  CHECK(f.writer->answered_parents().size() == 1);
  CHECK(f.query("SELECT low, read, consumed FROM mayfly_offsets WHERE source <> ''") == "18|18|1");
  CHECK(f.query("SELECT count(*) FROM mayfly_offset_ranges") == "0");
}

TEST_CASE("a full disk is transient") {
  Faulty f("fault_full");
  const auto heads = f.fill(f.numbered(10, 5));
  f.vfs.fail_next(Operation::kWrite, 0, SQLITE_FULL, "-wal", true);
  CHECK(f.try_write(heads).kind == Kind::kTransient);
  CHECK(f.try_write(heads).kind == Kind::kTransient);
  f.vfs.heal();
  CHECK(f.try_write(heads).kind == Kind::kCommitted);
  CHECK(f.rows_in_file() == 15);
}

TEST_CASE("a failed fsync is never guessed at: the outcome agrees with the file") {
  Faulty f("fault_sync");
  const auto heads = f.fill(f.numbered(10, 5));
  f.vfs.fail_next(Operation::kSync, 0, SQLITE_IOERR_FSYNC, "-wal");
  const GroupResult result = f.try_write(heads);
  const std::int64_t rows = f.rows_in_file();
  if (result.kind == Kind::kUnknown) {
    CHECK(rows == 15);
    CHECK(result.status.code() == Code::kIo);
    CHECK(f.try_write(heads).kind == Kind::kFailed);  // and no further writes
  } else {
    REQUIRE(result.kind == Kind::kTransient);
    CHECK(rows == 10);
    CHECK(f.try_write(heads).kind == Kind::kCommitted);
    CHECK(f.rows_in_file() == 15);
  }
  // What was not synced once can't be called durable.
  CHECK(f.writer->finish(true).status.code() == Code::kIo);
}

TEST_CASE("whatever fails after a failed fsync, the outcome agrees with the file") {
  for (const char* suffix : {"", "-wal"}) {
    CAPTURE(suffix);
    Faulty f("fault_lasting");
    const auto heads = f.fill(f.numbered(10, 5));
    f.vfs.fail_next(Operation::kSync, 0, SQLITE_IOERR_FSYNC, suffix, true);
    const GroupResult result = f.try_write(heads);
    f.vfs.heal();
    CHECK(f.outcomes_of(heads) == "00000");
    const bool written = f.rows_in_file() == 15;
    CHECK((result.kind == Kind::kUnknown) == written);
    CHECK((result.kind == Kind::kTransient) == !written);
  }
}

TEST_CASE("a database that can't be reopened after a failed COMMIT leaves its rows unknown") {
  Faulty f("fault_reopen");
  const auto heads = f.fill(f.numbered(10, 5));
  f.vfs.fail_next(Operation::kSync, 0, SQLITE_IOERR_FSYNC, "-wal");
  f.vfs.then_fail(Operation::kOpen, SQLITE_CANTOPEN, ".db");
  const GroupResult result = f.try_write(heads);
  CHECK(result.kind == Kind::kUnknown);
  CHECK(result.status.message().find("can't be read back") != std::string::npos);
  CHECK(f.try_write(heads).kind == Kind::kFailed);
}

TEST_CASE("with a rollback journal, too, the outcome agrees with the file") {
  for (const Operation operation : {Operation::kWrite, Operation::kSync, Operation::kTruncate}) {
    for (const char* suffix : {"-journal", ".db"}) {
      for (int skip = 0; skip < 6; ++skip) {
        CAPTURE(static_cast<int>(operation));
        CAPTURE(suffix);
        CAPTURE(skip);
        Faulty f("fault_journal", Synchronous::kFull, Journal::kKeep);
        const auto heads = f.fill(f.numbered(10, 5));
        f.vfs.fail_next(operation, skip, SQLITE_IOERR, suffix);
        const GroupResult result = f.try_write(heads);
        f.vfs.heal();
        const std::int64_t rows = f.rows_in_file();
        const bool answered = result.kind == Kind::kCommitted;
        CHECK(rows == (answered || result.kind == Kind::kUnknown ? 15 : 10));
        if (result.kind != Kind::kTransient) continue;
        CHECK(f.outcomes_of(heads) == "00000");
        CHECK(f.try_write(heads).kind == Kind::kCommitted);
        CHECK(f.rows_in_file() == 15);
      }
    }
  }
}

TEST_CASE("readers of a rollback journal make a COMMIT busy, and nothing is answered") {
  WriterFixture f;
  f.options.journal = Journal::kKeep;
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  const auto heads = f.fill(f.numbered(10, 5), kNoSource);
  const GroupResult busy = f.writer->write(heads);
  CHECK(busy.kind == Kind::kTransient);
  CHECK(busy.busy);
  REQUIRE(reader.run("COMMIT").ok());
  CHECK(f.writer->write(heads).kind == Kind::kCommitted);
  CHECK(f.query("SELECT count(*) FROM t") == "15");
}

TEST_CASE("each transaction raises the writer's number by one") {
  WriterFixture f;
  f.open();
  f.write(f.numbered(0, 1), kNoSource);
  f.write(f.numbered(1, 1), kNoSource);
  CHECK(f.query("SELECT writer, seq FROM mayfly_commits") == "writer|2");
  REQUIRE(f.writer->finish(false).ok());
  f.open();
  f.write(f.numbered(2, 1), kNoSource);
  CHECK(f.query("SELECT seq FROM mayfly_commits") == "3");
}

TEST_CASE("a checkpoint that fails keeps finish from claiming durability") {
  Faulty f("fault_checkpoint", Synchronous::kNormal);
  f.vfs.fail_next(Operation::kSync, 0, SQLITE_IOERR_FSYNC, ".db", true);
  CHECK(f.writer->finish(true).status.code() == Code::kIo);
}

}  // namespace
}  // namespace mayfly
