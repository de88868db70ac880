// Disks that take writes to the log and none to the database.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "engine/storage/single_writer/single_writer_fixture.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/fault_vfs.h"

namespace mayfly::testing {
namespace {

// With NORMAL it is this one that makes what was acknowledged durable.
TEST_CASE("single writer: a last checkpoint that fails is told of, and nothing is lost") {
  FaultVfs disk("sw_last_checkpoint");
  const DefaultVfs is_default(disk);
  const SystemClock clock;
  SignalSink sink(clock);
  Fixture f("sw_last_checkpoint", {.synchronous = Synchronous::kNormal, .signals = &sink});
  for (int i = 0; i < 50; ++i) {
    REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (?)", {i}).ok());
  }
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, "", true);
  f.writer.reset();
  CHECK(sink.count("write.checkpoint.error:*") == 1);
  disk.heal();
  CHECK(f.count() == 50);
}

TEST_CASE("single writer: what the thread failed with is told though the connection is lost") {
  FaultVfs disk("sw_lost_behind_thread");
  const DefaultVfs is_default(disk);
  const SystemClock clock;
  SignalSink sink(clock);
  Fixture f("sw_lost_behind_thread", {.checkpoint_pages = 20, .signals = &sink});
  disk.fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, ".db");
  disk.then_fail(FaultVfs::Operation::kWrite, SQLITE_IOERR_WRITE, "-wal");
  // With so long a log the writer waits for the thread.
  bool lost = false;
  for (int i = 0; i < 200 && !lost; ++i) {
    lost = !f.writer->write("INSERT INTO items(value) VALUES (randomblob(8000))").ok();
  }
  CHECK(lost);
  CHECK(sink.count("connection.lost") == 1);
  CHECK(sink.count("write.checkpoint.error:*") == 1);
  disk.heal();
}

// The listener is within the last turn: nobody would execute what it posts.
TEST_CASE("single writer: a listener to its end may read, and can't post any more") {
  FaultVfs disk("sw_end_listener");
  const DefaultVfs is_default(disk);
  const SystemClock clock;
  SignalSink sink(clock);
  Fixture f("sw_end_listener", {.synchronous = Synchronous::kNormal, .signals = &sink});
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  SqliteSingleWriter* const ending = f.writer.get();
  int heard = 0;
  const SignalSubscription subscription =
      sink.subscribe("write.checkpoint.error:*", [&](const SignalEvent&) {
        ++heard;
        CHECK(ending->query([](SqlSession& session) { return count_items(session); }).ok());
        CHECK_FALSE(ending->write("DELETE FROM items").ok());
        CHECK_FALSE(ending->write_async("DELETE FROM items", {}, nullptr).ok());
        CHECK(ending->write_async("DELETE FROM items").get().error().kind ==
              DbError::Kind::kClosed);
      });
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, "", true);
  f.writer.reset();
  CHECK(heard == 1);
  disk.heal();
  CHECK(f.count() == 1);
}

}  // namespace
}  // namespace mayfly::testing
