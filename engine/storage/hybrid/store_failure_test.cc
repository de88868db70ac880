// Stores whose disk fails at their end: nobody is left to ask, but for who listens to their sink.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/log_database/log_database.h"
#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

TEST_CASE("log database: its last checkpoint's failure is heard in the sink that it was given") {
  FaultVfs disk("log_end");
  const DefaultVfs is_default(disk);
  const testing::Database database("log_end");
  const SystemClock clock;
  SignalSink sink(clock);
  auto logs = LogDatabase::open({.db_path = database.path(), .signals = &sink});
  REQUIRE(logs.ok());
  for (int i = 0; i < 50; ++i) (*logs)->log(LogLevel::kError, "a", "message");
  REQUIRE((*logs)->flush().ok());
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, "", true);
  CHECK((*logs)->stop().ok());
  *logs = nullptr;
  CHECK(sink.count("write.checkpoint.error:*" + database.path()) == 1);
  disk.heal();
}

TEST_CASE("persistent window: its last checkpoint's failure is heard in the sink it was given") {
  FaultVfs disk("window_end");
  const DefaultVfs is_default(disk);
  const testing::Database database("window_end");
  const SystemClock clock;
  SignalSink sink(clock);
  PersistentWindowOptions options;
  options.signals = &sink;
  options.writer.synchronous = Synchronous::kNormal;
  auto window = PersistentSignalWindow::open(database.path(), options);
  REQUIRE(window.ok());
  for (int i = 0; i < 50; ++i) (*window)->raise("a.b:" + std::to_string(i));
  REQUIRE((*window)->flush().ok());
  disk.fail_next(FaultVfs::Operation::kSync, 0, SQLITE_IOERR_FSYNC, "", true);
  CHECK((*window)->close().ok());
  *window = nullptr;
  CHECK(sink.count("write.checkpoint.error:*" + database.path()) == 1);
  disk.heal();
}

}  // namespace
}  // namespace mayfly
