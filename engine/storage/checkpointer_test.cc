// The write-ahead log: how large it gets, and what is on disk when the writer is done.
#include "mayfly/storage/checkpointer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/single_writer/shared_database.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

TEST_CASE("finish empties the log and lets go of the lock") {
  WriterFixture f;
  f.open();
  f.write(f.numbered(0, 100), kNoSource);
  CHECK(std::filesystem::file_size(f.options.database + "-wal") > 0);
  REQUIRE(f.writer->finish(true).ok());
  CHECK_FALSE(std::filesystem::exists(f.options.database + "-wal"));
  WriterFixture g;
  g.options.database = f.options.database;
  CHECK(g.try_open().ok());
}

TEST_CASE("finish is durable although somebody reads the log") {
  WriterFixture f;
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  f.write(f.numbered(10, 10), kNoSource);
  CHECK(f.writer->finish(true).ok());
  CHECK(f.query("SELECT count(*) FROM t") == "20");
}

// Whoever writes from there by a single writer would wait for the turn that its own thread has: it
// is refused by this.
TEST_CASE("a listener to the writer's checkpoints is within the turn of the database") {
  WriterFixture f;
  f.options.checkpoint_pages = 1;
  f.options.checkpoint_thread = false;
  int within = 0;
  const auto subscription = f.signals.subscribe("write.checkpoint*", [&](const SignalEvent&) {
    within += shared_database_of({.path = f.options.database})->queue().is_within() ? 1 : 0;
  });
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  CHECK(within == 1);
  CHECK_FALSE(shared_database_of({.path = f.options.database})->queue().is_within());
}

TEST_CASE("the log stays small while rows keep coming and gets smaller when they don't") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.checkpoint_pages = 50;
  f.options.checkpoint_idle_pages = 10;
  f.options.checkpoint_thread = false;
  f.open();
  std::uint64_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    f.write(f.numbered(i * 1024, 1024), kNoSource);
    largest = std::max(largest, f.writer->totals().wal_pages);
  }
  CHECK(largest >= 50);
  CHECK(largest < 65);
  CHECK(f.writer->totals().checkpoints > 5);
  const std::uint64_t before = f.writer->totals().checkpoints;
  for (int i = 0; i < 5; ++i) f.write(f.numbered(200'000 + i * 1024, 1024), kNoSource);
  f.writer->on_idle();
  CHECK(f.writer->totals().checkpoints == before + 1);
  f.writer->on_idle();  // nothing new
  CHECK(f.writer->totals().checkpoints == before + 1);
  f.write(f.numbered(300'000, 1), kNoSource);
  CHECK(f.writer->totals().wal_pages < 10);
  CHECK(f.signals.count("write.checkpoint:*") == f.writer->totals().checkpoints);
}

TEST_CASE("a reader that keeps the log from shrinking is told of, and again at each doubling") {
  WriterFixture f;
  f.options.checkpoint_pages = 20;
  f.options.checkpoint_thread = false;
  f.options.wal_warning_pages = 40;
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  std::uint64_t pages = 0;
  std::uint64_t warnings = 0;
  for (int i = 1; i < 200; ++i) {
    f.clock.advance(WalGrowth::kOldNs);
    f.write(f.numbered(i * 10, 10), kNoSource);
    if (f.signals.count("wal.growing:*pages") == warnings) continue;
    ++warnings;
    CHECK(f.writer->totals().wal_pages >= std::max<std::uint64_t>(40, 2 * pages));
    pages = f.writer->totals().wal_pages;
  }
  CHECK(warnings >= 2);
  REQUIRE(reader.run("COMMIT").ok());
}

TEST_CASE("readers that come and go while the log grows are told of later than one that stays") {
  WriterFixture f;
  f.options.checkpoint_pages = 20;
  f.options.checkpoint_thread = false;
  f.options.wal_warning_pages = 40;
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  // Two by turns: one of them reads always.
  SqliteConnection readers[] = {f.connect(), f.connect()};
  REQUIRE(readers[0].run("BEGIN; SELECT * FROM t").ok());
  for (int i = 1; f.signals.count("wal.growing:*") == 0 && i < 200; ++i) {
    f.clock.advance(WalGrowth::kOldNs);
    REQUIRE(readers[i % 2].run("BEGIN; SELECT * FROM t").ok());
    REQUIRE(readers[1 - i % 2].run("COMMIT").ok());
    f.write(f.numbered(i * 10, 10), kNoSource);
  }
  CHECK(f.writer->totals().wal_pages >= WalGrowth::kMany * 40);
  CHECK(f.signals.count("wal.growing:*") == 1);
}

// The log's file is as long as it ever was, until it begins anew.
TEST_CASE("a log that a reader had let grow is cut when it begins anew") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.checkpoint_pages = 20;
  f.options.checkpoint_thread = false;
  f.open();
  const auto length = [&f] { return std::filesystem::file_size(f.options.database + "-wal"); };
  f.write(f.numbered(0, 10), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  SqliteConnection other = f.connect();
  REQUIRE(other.run("CREATE TABLE large(x); INSERT INTO large VALUES (zeroblob(10000000))").ok());
  const auto before = length();
  CHECK(before > 10'000'000);
  REQUIRE(reader.run("COMMIT").ok());
  for (int i = 1; i < 10; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
  CHECK(length() < before);
  // Twice checkpoint_pages, of 4 KiB each, and a transaction's.
  CHECK(length() < std::uintmax_t{3} * 20 * std::stoul(f.query("PRAGMA page_size")));
}

TEST_CASE("a disk that takes no checkpoint is told of, tried seldom, and so is the log's growth") {
  FaultVfs disk("full_checkpoints");
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.vfs = disk.name();
  f.options.checkpoint_pages = 20;
  f.options.wal_warning_pages = 40;
  for (const bool thread : {false, true}) {
    f.options.checkpoint_thread = thread;
    f.options.database += thread ? "2.db" : "1.db";
    f.open();
    f.write(f.numbered(0, 10), kNoSource);
    const auto errors = f.signals.count("write.checkpoint.error:*");
    const auto told = f.signals.count("wal.growing:*");
    const auto done = f.signals.count("write.checkpoint:*");
    disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, ".db", true);
    for (int i = 1; i < 100; ++i) {
      f.clock.advance(WalGrowth::kOldNs);
      f.write(f.numbered(i * 1024, 1024), kNoSource);
    }
    CHECK(f.signals.count("write.checkpoint.error:*") > errors);
    CHECK(f.signals.count("write.checkpoint.error:*") < errors + 50);
    CHECK(f.signals.count("write.checkpoint:*") == done);
    CHECK(f.signals.count("wal.growing:*") > told);

    disk.heal();
    for (int i = 100; i < 200; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
    CHECK(f.query("SELECT count(*) FROM t") == std::to_string(10 + 199 * 1024));
    // The last one does what had failed, so nothing has.
    const GroupResult finished = f.writer->finish(true);
    CHECK_MESSAGE(finished.ok(), finished.status.message());
  }
}

TEST_CASE("a disk that was full ends nothing with 74 although somebody reads the log") {
  FaultVfs disk("full_beside_reader");
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.vfs = disk.name();
  f.options.checkpoint_pages = 20;
  f.options.checkpoint_thread = false;
  f.open();
  disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, ".db");
  for (int i = 0; i < 200 && f.signals.count("write.checkpoint.error:*") == 0; ++i) {
    f.write(f.numbered(i * 1024, 1024), kNoSource);
  }
  REQUIRE(f.signals.count("write.checkpoint.error:*") == 1);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  const GroupResult finished = f.writer->finish(true);
  CHECK_MESSAGE(finished.ok(), finished.status.message());
}

TEST_CASE("a sync that failed stays said, whatever fails behind it") {
  FaultVfs disk("sync_then_write");
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.vfs = disk.name();
  f.options.checkpoint_pages = 20;
  f.options.checkpoint_thread = false;
  f.open();
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, ".db");
  disk.then_fail(FaultVfs::Operation::kWrite, SQLITE_FULL, ".db");
  for (int i = 0; i < 200 && f.signals.count("write.checkpoint.error:*") < 2; ++i) {
    f.write(f.numbered(i * 1024, 1024), kNoSource);
  }
  REQUIRE(f.signals.count("write.checkpoint.error:*") == 2);
  disk.heal();
  CHECK(f.writer->finish(true).status.code() == Code::kIo);
}

TEST_CASE("a sync that failed is a failure in the end, whatever later ones say") {
  FaultVfs disk("lost_by_sync");
  for (const bool thread : {false, true}) {
    CAPTURE(thread);
    WriterFixture f(WriterFixture::id_and_name(), 1024);
    f.options.vfs = disk.name();
    f.options.checkpoint_pages = 20;
    f.options.checkpoint_thread = thread;
    f.open();
    f.write(f.numbered(0, 10), kNoSource);
    const auto errors = f.signals.count("write.checkpoint.error:*");
    disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, ".db", true);
    for (int i = 1; i < 100 && f.signals.count("write.checkpoint.error:*") == errors; ++i) {
      f.write(f.numbered(i * 1024, 1024), kNoSource);
    }
    REQUIRE(f.signals.count("write.checkpoint.error:*") > errors);
    disk.heal();
    const GroupResult finished = f.writer->finish(true);
    REQUIRE_FALSE(finished.ok());
    CHECK(finished.status.code() == Code::kIo);
    CHECK(finished.status.message().find("checkpointing ") == 0);
  }
}

// As soon as with a reader that stays: not only when it has become many times as long.
TEST_CASE("a log that a failing disk lets grow is told of when it is as long as asked for") {
  FaultVfs disk("growing_by_failure");
  for (const bool thread : {false, true}) {
    CAPTURE(thread);
    WriterFixture f(WriterFixture::id_and_name(), 1024);
    f.options.vfs = disk.name();
    f.options.checkpoint_pages = 20;
    f.options.wal_warning_pages = 100;
    f.options.checkpoint_thread = thread;
    f.open();
    f.write(f.numbered(0, 10), kNoSource);
    disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_IOERR_WRITE, ".db", true);
    for (int i = 1; i < 400 && f.signals.count("wal.growing:*") == 0; ++i) {
      f.clock.advance(WalGrowth::kOldNs);
      f.write(f.numbered(i * 1024, 1024), kNoSource);
    }
    CHECK(f.writer->totals().wal_pages >= 100);
    CHECK(f.writer->totals().wal_pages < 130);  // later if a thread's failure didn't count
    disk.heal();
  }
}

// As with no descriptor left, or privileges that were dropped.
TEST_CASE("a thread without a connection leaves it to the writer to see who hinders the log") {
  FaultVfs disk("blind_thread");
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.vfs = disk.name();
  f.options.checkpoint_pages = 20;
  f.options.wal_warning_pages = 40;
  f.open();
  f.write(f.numbered(0, 10), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  disk.fail_next(FaultVfs::Operation::kOpen, 0, SQLITE_CANTOPEN, ".db", true);
  for (int i = 1; i < 400 && f.signals.count("wal.growing:*") == 0; ++i) {
    f.clock.advance(WalGrowth::kOldNs);
    f.write(f.numbered(i * 1024, 1024), kNoSource);
  }
  CHECK(f.writer->totals().wal_pages >= 40);
  CHECK(f.writer->totals().wal_pages < 60);  // later if it were left to the thread
  CHECK(f.signals.count("write.checkpoint.error:*") == 0);
  disk.heal();
}

TEST_CASE("a checkpoint that fails while nothing is written is told then") {
  FaultVfs disk("failing_when_idle");
  for (const bool thread : {false, true}) {
    CAPTURE(thread);
    WriterFixture f(WriterFixture::id_and_name(), 1024);
    f.options.vfs = disk.name();
    f.options.checkpoint_idle_pages = 5;
    f.options.checkpoint_thread = thread;
    f.open();
    for (int i = 0; i < 20; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
    disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, ".db", true);
    // The thread takes its time, and is tried more than once before the writer does it.
    for (int i = 0; i < 100'000 && f.signals.count("write.checkpoint.error:*") == 0; ++i) {
      f.clock.advance(kSecond);
      f.writer->on_idle();
      std::this_thread::yield();
    }
    CHECK(f.signals.count("write.checkpoint.error:*") == 1);
    CHECK(f.signals.count("write.checkpoint:*") == 0);
    disk.heal();
  }
}

TEST_CASE("what the thread failed with is told though nobody has looked before the end") {
  FaultVfs disk("untold_thread");
  for (const bool finishes : {true, false}) {
    CAPTURE(finishes);
    WriterFixture f(WriterFixture::id_and_name(), 1024);
    f.open();
    for (int i = 0; i < 20; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
    SqliteConnection connection = f.connect();
    Checkpointer checkpointer({.pages_busy = 20}, f.options.database, disk.name());
    checkpointer.expect(file_identity(f.options.database));
    disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_IOERR_WRITE, ".db", true);
    REQUIRE_FALSE(checkpointer.is_due(25, 0));
    REQUIRE(checkpointer.is_due(1'000, 0));  // with so many pages the thread is waited for
    disk.heal();
    finishes ? checkpointer.finish(connection, 0) : checkpointer.forget();
    CHECK(checkpointer.take_failure().code == SQLITE_IOERR_WRITE);
    checkpointer.forget();
    CHECK(checkpointer.take_failure().ok());
  }
}

TEST_CASE("the thread moves the log's frames by a connection of its own") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.open();
  for (int i = 0; i < 20; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
  CheckpointThread thread(f.options.database, "");
  thread.expect(file_identity(f.options.database));
  thread.request();
  while (thread.running()) std::this_thread::yield();
  CHECK(thread.moved() == f.writer->totals().wal_pages);
  CHECK(thread.failure() == 0);
  // All of it was moved, so the log starts anew.
  f.write(f.numbered(0, 1), kNoSource);
  CHECK(f.writer->totals().wal_pages < 10);
  thread.stop();
  thread.request();  // begins again
  while (thread.running()) std::this_thread::yield();
  CHECK(thread.moved() > 0);
}

// Else the writer's checkpoint of the last frames waits for the disk with all of them.
TEST_CASE("the thread has the disk take what it moved, though frames are left") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.open();
  f.write(f.numbered(0, 1024), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  f.write(f.numbered(1024, 1024), kNoSource);
  FaultVfs disk("thread_syncs");
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, ".db");
  CheckpointThread thread(f.options.database, disk.name());
  thread.expect(file_identity(f.options.database));
  thread.request();
  while (thread.running()) std::this_thread::yield();
  CHECK(thread.moved() > 0);
  CHECK(thread.moved() < thread.logged());
  CHECK(thread.failure() == SQLITE_IOERR_FSYNC);
  thread.stop();
  REQUIRE(reader.run("COMMIT").ok());
}

TEST_CASE("a thread that can't open the database moves nothing") {
  CheckpointThread thread("/nonexistent/folder/x.db", "");
  thread.expect(file_identity("/nonexistent/folder/x.db"));
  thread.request();
  while (thread.running()) std::this_thread::yield();
  CHECK(thread.moved() == 0);
}

// Interleaving aimed at: commits beside the thread's checkpoint, and the log's new start after it.
TEST_CASE("beside a checkpointing thread the log stays small and starts anew") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.checkpoint_idle_pages = 10;
  f.open();
  int starts = 0;
  std::uint64_t before = 0;
  for (int i = 0; i < 400 && starts < 3; ++i) {
    f.write(f.numbered(i * 1024, 1024), kNoSource);
    f.writer->on_idle();
    const std::uint64_t pages = f.writer->totals().wal_pages;
    if (pages < before) ++starts;
    before = pages;
    std::this_thread::yield();
  }
  CHECK(starts >= 3);
  REQUIRE(f.writer->finish(true).ok());
  CHECK_FALSE(std::filesystem::exists(f.options.database + "-wal"));
}

// Interleaving aimed at: a writer that never falls idle and outruns the thread.
TEST_CASE("while rows keep coming the thread moves the log, which stays bounded and starts anew") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.checkpoint_pages = 20;
  f.open();
  int starts = 0;
  std::uint64_t before = 0;
  std::uint64_t largest = 0;
  for (int i = 0; i < 400; ++i) {
    f.write(f.numbered(i * 1024, 1024), kNoSource);
    const std::uint64_t pages = f.writer->totals().wal_pages;
    if (pages < before) ++starts;
    before = pages;
    largest = std::max(largest, pages);
  }
  CHECK(starts >= 3);
  CHECK(largest < 5 * 20);  // kGrowthMax times checkpoint_pages, and a group
  REQUIRE(f.writer->finish(true).ok());
  CHECK(f.query("SELECT count(*) FROM t") == "409600");
}

TEST_CASE("a reader that keeps the log from being emptied doesn't make every commit checkpoint") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.options.checkpoint_pages = 20;
  f.open();
  f.write(f.numbered(0, 1), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  for (int i = 0; i < 100; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
  CHECK(f.writer->totals().checkpoints < 25);
  REQUIRE(reader.run("COMMIT").ok());
  for (int i = 0; i < 60; ++i) f.write(f.numbered(i * 1024, 1024), kNoSource);
  // It starts anew, how soon depends on the thread: it stays within what the writer lets it grow
  // to.
  CHECK(f.writer->totals().wal_pages < 5 * 20);
}

}  // namespace
}  // namespace mayfly
