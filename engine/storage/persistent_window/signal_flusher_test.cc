// What becomes of signals when writing them fails, when there are too many, and when they are old.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/fault_vfs.h"
#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;
using Window = std::unique_ptr<PersistentSignalWindow>;

PersistentWindowOptions by_hand(const Clock& clock) {
  PersistentWindowOptions options{.flush_interval_ns = kNever, .clock = &clock};
  options.writer.busy_timeout_ns = kMillisecond;
  return options;
}

Window open(const std::string& database, const PersistentWindowOptions& options) {
  auto window = PersistentSignalWindow::open(database, options);
  if (!window.ok()) FAIL(window.error().message);
  return std::move(*window);
}

void raise(PersistentSignalWindow& window, int from, int to) {
  for (int i = from; i < to; ++i) window.raise("s" + std::to_string(i));
}

// Signals s0, s1, ... of a table, each once and in order.
void check_rows(const testing::Database& database, int count) {
  CHECK(database.integer("SELECT count(*) FROM signals") == count);
  CHECK(database.integer("SELECT count(*) FROM signals WHERE signal = 's' || (id - 1)") == count);
}

TEST_CASE("a flush that meets a lock loses nothing, and writes nothing twice") {
  const ManualClock clock;
  const testing::Database database("pwf_lock");
  const Window window = open(database.path(), by_hand(clock));
  raise(*window, 0, 10);
  REQUIRE(window->flush().ok());
  auto lock = std::make_unique<testing::WriteLock>(database.path());
  raise(*window, 10, 20);

  const auto failed = window->flush();

  REQUIRE(!failed.ok());
  CHECK(failed.error().kind == DbError::Kind::kBusy);
  CHECK(window->stats().pending == 10);
  CHECK(window->stats().last_flushed_id == 10);
  CHECK(window->stats().flush_failures == 1);
  CHECK(window->sink().detect_matching("window.flush.error:*"));
  raise(*window, 20, 30);
  lock.reset();
  REQUIRE(window->flush().ok());
  CHECK(window->stats().pending == 0);
  check_rows(database, 30);
}

// The disk of the default VFS for as long as this lives: a single writer opens by no other.
class FaultyDisk {
 public:
  explicit FaultyDisk(const char* name) : vfs_(name), before_(sqlite3_vfs_find(nullptr)) {
    sqlite3_vfs_register(sqlite3_vfs_find(name), 1);
  }
  ~FaultyDisk() { sqlite3_vfs_register(before_, 1); }
  FaultVfs* operator->() { return &vfs_; }

 private:
  FaultVfs vfs_;
  sqlite3_vfs* const before_;
};

TEST_CASE("whatever write or sync of a flush fails, each signal is there once in the end") {
  const ManualClock clock;
  int failures = 0;
  for (const auto operation : {FaultVfs::Operation::kWrite, FaultVfs::Operation::kSync}) {
    for (int skip = 0; skip < 12; ++skip) {
      FaultyDisk disk("pwf_faulty");
      const testing::Database database("pwf_fault");
      PersistentWindowOptions options = by_hand(clock);
      options.max_signals_per_flush = 7;
      Window window = open(database.path(), options);
      raise(*window, 0, 10);
      REQUIRE(window->flush().ok());
      raise(*window, 10, 30);
      disk->fail_next(operation, skip, SQLITE_IOERR, "-wal");
      const auto failed = window->flush();
      CHECK(window->stats().pending == (failed.ok() ? 0 : 30 - window->stats().total_flushed));
      failures += !failed.ok();
      disk->heal();
      raise(*window, 30, 40);
      REQUIRE(window->flush().ok());
      window.reset();
      CAPTURE(skip);
      check_rows(database, 40);
    }
  }
  CHECK(failures >= 10);
}

TEST_CASE("a full disk is told, and what waited for it is written when there is room") {
  const ManualClock clock;
  FaultyDisk disk("pwf_full_vfs");
  const testing::Database database("pwf_full");
  Window window = open(database.path(), by_hand(clock));
  raise(*window, 0, 10);
  disk->fail_next(FaultVfs::Operation::kWrite, 0, SQLITE_FULL, "", true);
  CHECK(window->flush().error().kind == DbError::Kind::kFull);
  disk->heal();
  REQUIRE(window->close().ok());
  check_rows(database, 10);
}

TEST_CASE("what can't be written at the end is told, stays, and is written by another end") {
  const ManualClock clock;
  const testing::Database database("pwf_end");
  PersistentWindowOptions options = by_hand(clock);
  options.stop_timeout_ns = 0;
  const Window window = open(database.path(), options);
  raise(*window, 0, 3);
  auto lock = std::make_unique<testing::WriteLock>(database.path());
  for (std::uint64_t failures = 1; failures <= 2; ++failures) {
    const auto closed = window->close();
    REQUIRE(!closed.ok());
    CHECK(closed.error().kind == DbError::Kind::kBusy);
    CHECK(window->stats().pending == 3);
    CHECK(window->stats().flush_failures == failures);
  }
  CHECK(window->flush().error().kind == DbError::Kind::kClosed);
  lock.reset();
  CHECK(window->close().ok());
  CHECK(window->close().ok());
  check_rows(database, 3);
}

// Interleaving: the lock goes while the end waits for its next try.
TEST_CASE("an end waits for a lock that goes, as long as it may") {
  ManualClock clock;
  const testing::Database database("pwf_end_waits");
  Window window = open(database.path(), by_hand(clock));
  raise(*window, 0, 3);
  auto lock = std::make_unique<testing::WriteLock>(database.path());
  std::thread closing([&] { CHECK(window->close().ok()); });
  while (window->stats().flush_failures < 2) clock.advance(100 * kMillisecond);
  lock.reset();
  while (window->stats().pending > 0) clock.advance(100 * kMillisecond);
  closing.join();
  check_rows(database, 3);
}

TEST_CASE("a failed flush is tried again after a second, without being asked") {
  ManualClock clock;
  const testing::Database database("pwf_again");
  PersistentWindowOptions options = by_hand(clock);
  options.flush_interval_ns = 30 * kSecond;
  const Window window = open(database.path(), options);
  auto lock = std::make_unique<testing::WriteLock>(database.path());
  raise(*window, 0, 3);
  REQUIRE(!window->flush().ok());
  lock.reset();
  clock.advance(kSecond);
  while (window->stats().pending > 0) std::this_thread::yield();
  check_rows(database, 3);
}

TEST_CASE("one that a trigger refuses is left out alone, and counted") {
  const ManualClock clock;
  const testing::Database database("pwf_refused");
  const Window window = open(database.path(), by_hand(clock));
  database.run(
      "CREATE TRIGGER no BEFORE INSERT ON signals WHEN new.signal LIKE 'bad%' "
      "BEGIN SELECT RAISE(ABORT, 'not here'); END");
  window->raise("bad.0");
  window->raise("good.1");
  window->raise("bad.2");
  window->raise("good.3");
  REQUIRE(window->flush().ok());

  CHECK(database.rows("SELECT id, signal FROM signals ORDER BY id") ==
        Names{"1|good.1", "2|good.3"});
  CHECK(window->stats().dropped == 2);
  CHECK(window->stats().pending == 0);
  CHECK(window->sink().detect_matching("window.flush.error:*: not here*"));
}

TEST_CASE("what the disk is too slow for is bounded, counted, and told by the next flush") {
  const ManualClock clock;
  const testing::Database database("pwf_bound");
  PersistentWindowOptions options = by_hand(clock);
  options.max_pending_signals = 100;
  const Window window = open(database.path(), options);
  auto lock = std::make_unique<testing::WriteLock>(database.path());
  raise(*window, 0, 150);

  CHECK(window->stats().pending == 100);
  CHECK(window->stats().dropped == 50);
  CHECK(window->stats().total_raised == 150);
  CHECK(window->sense("s149").size() == 1);
  lock.reset();
  const auto flushed = window->flush();
  REQUIRE(!flushed.ok());
  CHECK(flushed.error().message.find("50 signals since the last flush") != std::string::npos);
  // By its thread, which begins when half of the room is taken, or by the flush.
  int told = 0;
  for (const Signal& signal : window->sink().sense("window.dropped:*")) {
    told += std::stoi(std::string(signal.argument()));
  }
  CHECK(told == 50);
  check_rows(database, 100);
  raise(*window, 100, 110);
  CHECK(window->flush().ok());
  check_rows(database, 110);
}

TEST_CASE("half of the room, in signals or bytes, is written before the interval is over") {
  const ManualClock clock;
  for (const bool by_bytes : {false, true}) {
    const testing::Database database("pwf_half");
    PersistentWindowOptions options = by_hand(clock);
    options.max_pending_signals = by_bytes ? 1'000'000 : 100;
    if (by_bytes) options.max_pending_bytes = 100 * 30;
    const Window window = open(database.path(), options);
    raise(*window, 0, 90);
    while (window->stats().total_flushed < 50) std::this_thread::yield();
    CHECK(window->stats().dropped == 0);
  }
}

TEST_CASE("a window that is as small as can be writes all that went through it") {
  const ManualClock clock;
  const testing::Database database("pwf_small");
  PersistentWindowOptions options = by_hand(clock);
  options.max_window_size = 1;
  options.max_signals_per_flush = 1;
  Window window = open(database.path(), options);
  raise(*window, 0, 500);
  window.reset();
  check_rows(database, 500);
}

TEST_CASE("rows beyond the count are deleted, the oldest first, and the file stays as large") {
  const ManualClock clock;
  const testing::Database database("pwf_count");
  PersistentWindowOptions options = by_hand(clock);
  options.max_stored_signals = 2'000;
  const Window window = open(database.path(), options);
  raise(*window, 0, 4'000);
  REQUIRE(window->flush().ok());
  REQUIRE(window->flush().ok());  // the first one's deleting is over
  const std::int64_t pages = database.integer("PRAGMA page_count");
  for (int i = 2; i < 12; ++i) {
    raise(*window, i * 2'000, (i + 1) * 2'000);
    REQUIRE(window->flush().ok());
  }
  REQUIRE(window->flush().ok());

  CHECK(database.integer("SELECT count(*) FROM signals") == 2'000);
  CHECK(database.integer("SELECT min(id) FROM signals") == 22'001);
  CHECK(database.integer("SELECT max(id) FROM signals") == 24'000);
  CHECK(window->stats().stored == 2'000);
  CHECK(window->stats().pruned == 22'000);
  CHECK(database.integer("PRAGMA page_count") <= pages * 11 / 10);
}

TEST_CASE("rows beyond the age are deleted, but the newest, so that ids never begin anew") {
  ManualClock clock;
  const testing::Database database("pwf_age");
  PersistentWindowOptions options = by_hand(clock);
  options.max_stored_age_ns = 60 * kSecond;
  Window window = open(database.path(), options);
  raise(*window, 0, 2'500);
  REQUIRE(window->flush().ok());
  clock.advance(61 * kSecond);
  REQUIRE(window->flush().ok());
  REQUIRE(window->flush().ok());
  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT id FROM signals") == Names{"2500"});
  CHECK(window->sink().detect_matching("window.pruned:*"));
  window.reset();
  window = open(database.path(), options);
  raise(*window, 2'500, 2'501);
  REQUIRE(window->flush().ok());
  CHECK(window->stats().last_flushed_id == 2'501);
}

TEST_CASE("ids go on behind what another process wrote, and limits count it") {
  const ManualClock clock;
  const testing::Database database("pwf_other");
  PersistentWindowOptions options = by_hand(clock);
  options.max_stored_signals = 4;
  const Window window = open(database.path(), options);
  raise(*window, 0, 2);
  REQUIRE(window->flush().ok());
  database.run(
      "INSERT INTO signals(id, operation_id, signal, timestamp) VALUES"
      "(7, 0, 'theirs', '2023-11-14T22:13:21.000000Z'),"
      "(8, 0, 'theirs', '2023-11-14T22:13:21.000000Z')");
  raise(*window, 2, 4);
  REQUIRE(window->flush().ok());
  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT id, signal FROM signals ORDER BY id") ==
        Names{"7|theirs", "8|theirs", "9|s2", "10|s3"});
}

TEST_CASE("loading is limited to the newest, in order of time, and brings each back once") {
  ManualClock clock;
  const testing::Database database("pwf_load");
  PersistentWindowOptions options = by_hand(clock);
  options.max_window_size = 50;
  Window window = open(database.path(), options);
  for (int i = 0; i < 100; ++i) {
    clock.advance(kSecond);
    raise(*window, i, i + 1);
  }
  window.reset();
  clock.advance(3600 * kSecond);

  window = open(database.path(), options);
  int heard = 0;
  const auto subscription = window->sink().subscribe("s*", [&](const SignalEvent&) { ++heard; });
  CHECK(*window->load_from_disk({.limit = 5}) == 5);
  CHECK(*window->load_from_disk({.limit = 5}) == 0);
  REQUIRE(window->sense("s*").size() == 5);
  CHECK(window->sense("s*").front().name == "s95");
  CHECK(window->sense("s*").back().name == "s99");
  CHECK(*window->load_from_disk({.pattern = "s80, s9?"}) == 6);
  CHECK(*window->load_from_disk() == 39);
  raise(*window, 100, 101);
  REQUIRE(window->flush().ok());
  CHECK(*window->load_from_disk() == 0);  // its own isn't loaded
  const auto all = window->sense("s*");
  CHECK(all.size() == 51);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].name == "s" + std::to_string(50 + i));
  CHECK(heard == 1);
  CHECK(database.integer("SELECT count(*) FROM signals") == 101);  // not persisted again
}

TEST_CASE("loading into the sink lets listeners hear, at the times and with the keys of then") {
  ManualClock clock;
  const testing::Database database("pwf_into");
  PersistentWindowOptions options = by_hand(clock);
  options.window_max_age_ns = 60 * kSecond;
  Window window = open(database.path(), options);
  raise(*window, 0, 1);
  clock.advance(60 * kSecond);
  window->raise("s1", "key");
  const std::int64_t raised_ns = clock.now_ns();
  window.reset();
  clock.advance(30 * kSecond);

  window = open(database.path(), options);
  int heard = 0;
  const auto subscription = window->sink().subscribe("s*", [&](const SignalEvent&) { ++heard; });
  CHECK(*window->load_from_disk({.raise_into_sink = true}) == 2);
  CHECK(*window->load_from_disk({.raise_into_sink = true}) == 0);
  CHECK(heard == 1);  // the other is older than the sink's signals may be
  CHECK(window->sink().detect("s1"));
  const auto found = window->sense("s*");
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "s0");
  CHECK(found[1].key == "key");
  CHECK(found[1].at_ns == raised_ns);
  REQUIRE(window->flush().ok());
  CHECK(database.integer("SELECT count(*) FROM signals") == 2);
}

}  // namespace
}  // namespace mayfly
