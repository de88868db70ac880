// The window as its callers see it.
#include "mayfly/storage/persistent_window/persistent_signal_window.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"
#include "tests/support/no_threads.h"

namespace mayfly {
namespace {

using Window = std::unique_ptr<PersistentSignalWindow>;

// Flushes only when it is asked to.
PersistentWindowOptions by_hand(const Clock& clock) {
  return {.flush_interval_ns = kNever, .clock = &clock};
}

Window open(const std::string& database, const PersistentWindowOptions& options) {
  auto window = PersistentSignalWindow::open(database, options);
  if (!window.ok()) FAIL(window.error().message);
  return std::move(*window);
}

std::vector<std::string> names(const std::vector<WindowSignal>& signals) {
  std::vector<std::string> found;
  for (const WindowSignal& signal : signals) found.push_back(signal.name);
  return found;
}

using Names = std::vector<std::string>;

// C160
TEST_CASE("persistent window: what is raised is sensed, by a pattern or a predicate") {
  const ManualClock clock;
  const testing::Database database("pw_sense");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("order.completed", "order-service");
  window->raise("payment.processed");
  window->raise("order.placed");

  CHECK(names(window->sense("order.*")) == Names{"order.completed", "order.placed"});
  CHECK(window->sense([](const WindowSignal& signal) { return !signal.starts_with("window."); })
            .size() == 3);
  CHECK(window->detect("order.completed"));
  CHECK(!window->detect("order.*"));
  CHECK(window->sink().detect("payment.processed"));
}

// C161
TEST_CASE("persistent window: after a flush the newest id is known, and everything is on disk") {
  const ManualClock clock;
  const testing::Database database("pw_flush");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("order.completed", "order-service");
  CHECK(window->stats().last_flushed_id == 0);
  CHECK(window->stats().pending == 1);

  REQUIRE(window->flush().ok());

  CHECK(window->stats().last_flushed_id == 1);
  CHECK(window->stats().pending == 0);
  CHECK(database.rows("SELECT id, operation_id, signal, key, timestamp, created_at FROM signals") ==
        Names{"1|0|order.completed|order-service|2023-11-14T22:13:21.000000Z|"
              "2023-11-14 22:13:21"});
}

// C162
TEST_CASE("P20: what was flushed is there after a restart") {
  const ManualClock clock;
  const testing::Database database("pw_load");
  Window window = open(database.path(), by_hand(clock));
  window->raise("order.completed", "order-service");
  window->raise("payment.processed");
  REQUIRE(window->flush().ok());
  window.reset();

  window = open(database.path(), by_hand(clock));
  const auto loaded = window->load_from_disk();

  REQUIRE(loaded.ok());
  CHECK(*loaded == 2);
  const auto found = window->sense([](const WindowSignal& s) { return !s.starts_with("window."); });
  CHECK(names(found) == Names{"order.completed", "payment.processed"});
  CHECK(found[0].key == "order-service");
  CHECK(!found[1].key);
  CHECK(window->detect("order.completed"));
  CHECK(window->sink().detect("window.load.done:2"));
  CHECK(window->stats().restored == 2);
}

TEST_CASE("P20: what wasn't flushed is, when the window is destroyed, all of it") {
  const ManualClock clock;
  const testing::Database database("pw_dispose");
  PersistentWindowOptions options = by_hand(clock);
  options.max_signals_per_flush = 100;
  Window window = open(database.path(), options);
  // Upstream's one flush would have written 100 of them; its ids would be those of operations.
  for (int i = 0; i < 2'550; ++i) {
    window->raise(WindowSignal("step." + std::to_string(i), {}, 7));
  }
  window.reset();

  CHECK(database.integer("SELECT count(*) FROM signals") == 2'550);
  CHECK(database.integer("SELECT count(*) FROM signals WHERE signal = 'step.' || (id - 1)") ==
        2'550);
  CHECK(database.integer("SELECT count(DISTINCT operation_id) FROM signals") == 1);
}

// C163
TEST_CASE("persistent window: loading leaves out what is older than was asked for") {
  ManualClock clock;
  const testing::Database database("pw_age");
  Window window = open(database.path(), by_hand(clock));
  window->raise("old");
  REQUIRE(window->flush().ok());
  window.reset();
  clock.advance(100 * kMillisecond);

  window = open(database.path(), by_hand(clock));
  CHECK(*window->load_from_disk({.max_age_ns = kMillisecond}) == 0);
  CHECK(window->sense("old").empty());
  CHECK(*window->load_from_disk({.max_age_ns = 100 * kMillisecond}) == 1);
  CHECK(window->sense("old").size() == 1);
}

// Waits for a signal that another thread raises.
class Awaited {
 public:
  Awaited(SignalSink& sink, std::string_view patterns)
      : subscription_(sink.subscribe(patterns, [this](const SignalEvent&) {
          const std::lock_guard lock(mutex_);
          ++count_;
          wake_.notify_all();
        })) {}
  bool wait(int times = 1) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, std::chrono::seconds(60), [&] { return count_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  int count_ = 0;
  SignalSubscription subscription_;
};

// C164
TEST_CASE("persistent window: a flush in the background takes nothing out of the memory") {
  ManualClock clock;
  const testing::Database database("pw_volume");
  const Window window = open(database.path(), {.flush_interval_ns = kSecond, .clock = &clock});
  Awaited flushed(window->sink(), "window.flush.done:*");
  for (int i = 0; i < 50; ++i) window->raise("volume." + std::to_string(i));
  clock.advance(kSecond);
  REQUIRE(flushed.wait());
  for (int i = 50; i < 100; ++i) window->raise("volume." + std::to_string(i));

  CHECK(window->sense("volume.*").size() == 100);
  REQUIRE(window->flush().ok());
  CHECK(database.integer("SELECT count(*) FROM signals") == 100);
}

// C165
TEST_CASE("persistent window: a signal keeps its name, key, operation and time") {
  ManualClock clock;
  const testing::Database database("pw_properties");
  Window window = open(database.path(), by_hand(clock));
  const std::int64_t raised_ns = clock.now_ns();
  clock.advance(2 * kSecond);
  const WindowSignal given("error:Timeout:x", "host-1", 42, raised_ns);

  window->raise(given);

  const auto check = [&](const std::vector<WindowSignal>& found) {
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == "error:Timeout:x");
    CHECK(found[0].key == "host-1");
    CHECK(found[0].operation == 42);
    CHECK(found[0].at_ns == raised_ns);
  };
  check(window->sense("error:*"));
  window.reset();
  CHECK(database.text("SELECT timestamp FROM signals") == "2023-11-14T22:13:21.000000Z");
  window = open(database.path(), by_hand(clock));
  REQUIRE(window->load_from_disk().ok());
  check(window->sense("error:*"));
}

TEST_CASE("persistent window: keys are told apart where all else is equal") {
  const ManualClock clock;
  const testing::Database database("pw_keys");
  PersistentWindowOptions options = by_hand(clock);
  options.max_window_size = 4;
  const Window window = open(database.path(), options);
  window->raise("login", "ada");  // pushed out of the memory by the other four
  window->raise("login", "bob");
  window->raise("login");
  window->raise("login", "");
  window->raise("login", "eve");
  // window.raise was said once, for the first.
  std::vector<std::optional<std::string>> keys;
  for (const WindowSignal& signal : window->sense("login")) keys.push_back(signal.key);
  CHECK(keys.size() == 4);
  CHECK(std::ranges::count(keys, std::optional<std::string>("eve")) == 1);
  CHECK(std::ranges::count(keys, std::optional<std::string>("ada")) == 0);
  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT key FROM signals ORDER BY id") ==
        Names{"ada", "bob", "NULL", "", "eve"});
}

TEST_CASE("persistent window: a listener's own raise doesn't get the key of what it hears") {
  const ManualClock clock;
  const testing::Database database("pw_nested");
  const Window window = open(database.path(), by_hand(clock));
  const auto subscription = window->sink().subscribe("order", [&](const SignalEvent&) {
    window->sink().raise("echo");
    window->raise("order.copy", "inner");
  });
  window->raise("order", "outer");

  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT signal, key FROM signals ORDER BY id") ==
        Names{"order|outer", "echo|NULL", "order.copy|inner"});
}

// C166
TEST_CASE("persistent window: the interval's flush says what it does") {
  ManualClock clock;
  const testing::Database database("pw_says");
  const Window window =
      open(database.path(), {.flush_interval_ns = 100 * kMillisecond, .clock = &clock});
  Awaited heard(window->sink(), "window.flush*");
  window->raise("one");
  clock.advance(100 * kMillisecond);

  CHECK(heard.wait(2));
  CHECK(window->sink().detect("window.initialized"));
  CHECK(window->sink().detect("window.flush.start:1"));
  CHECK(window->sink().detect("window.flush.done:1"));
}

TEST_CASE("persistent window: one raise in sample_rate is said, the first among them") {
  const ManualClock clock;
  const testing::Database database("pw_sample");
  PersistentWindowOptions options = by_hand(clock);
  options.sample_rate = 3;
  const Window window = open(database.path(), options);
  window->raise("a");
  CHECK(window->sink().count("window.raise") == 1);
  for (int i = 0; i < 5; ++i) window->raise("a");
  CHECK(window->sink().count("window.raise") == 2);
  window->raise("a");
  CHECK(window->sink().count("window.raise") == 3);
}

TEST_CASE("persistent window: its own signals aren't persisted, and an idle one writes nothing") {
  ManualClock clock;
  const testing::Database database("pw_idle");
  Window window = open(database.path(), {.flush_interval_ns = kSecond, .clock = &clock});
  REQUIRE(window->flush().ok());
  window->raise("window.opened");  // somebody's own
  REQUIRE(window->flush().ok());
  const auto writer = SqliteSingleWriter::get_or_create(database.path());
  REQUIRE(writer.ok());
  const std::uint64_t transactions = (*writer)->stats().transactions;
  const std::uint64_t raised = window->sink().raised_total();
  clock.advance(10 * kSecond);
  REQUIRE(window->flush().ok());
  window.reset();

  CHECK(raised == 5);  // initialized, window.opened, raise, flush.start, flush.done
  CHECK((*writer)->stats().transactions == transactions);
  CHECK(database.rows("SELECT signal FROM signals ORDER BY id") == Names{"window.opened"});
}

TEST_CASE("persistent window: what others raise into its sink is persisted too, once") {
  const ManualClock clock;
  const testing::Database database("pw_sink");
  const Window window = open(database.path(), by_hand(clock));
  window->sink().raise("write.done:3rows", 9);
  window->sink().raise(window->sink().intern("stage"), 3, "rows", 12, "ms");
  REQUIRE(window->flush().ok());
  REQUIRE(window->flush().ok());

  CHECK(database.rows("SELECT id, operation_id, signal, key FROM signals") ==
        Names{"1|9|write.done:3rows|NULL", "2|0|stage:3rows:12ms|NULL"});
}

// SPEC 3.15 (6)
TEST_CASE("persistent window: a drain request in its sink ends nothing") {
  const ManualClock clock;
  const testing::Database database("pw_drain");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("before");
  window->sink().request_drain_all();
  window->raise("after");

  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT signal FROM signals ORDER BY id") ==
        Names{"before", "coordinator.drain.all", "after"});
}

TEST_CASE("persistent window: retracting takes out of the memory, not off the disk") {
  const ManualClock clock;
  const testing::Database database("pw_retract");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("backpressure", "k");
  window->sink().retract("backpressure");

  CHECK(window->sense("backpressure").empty());
  CHECK(!window->detect("backpressure"));
  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT signal FROM signals ORDER BY id") == Names{"backpressure"});
}

TEST_CASE("persistent window: options out of range and impossible databases are refused") {
  CHECK(PersistentSignalWindow::open("x.db", {.flush_interval_ns = 0}).error().message ==
        "PersistentSignalWindow: flush_interval_ns: expected a positive time, found 0 or less");
  CHECK(PersistentSignalWindow::open("x.db", {.sample_rate = 0}).error().kind ==
        DbError::Kind::kParameter);
  CHECK(PersistentSignalWindow::open("").error().kind == DbError::Kind::kParameter);
  CHECK(PersistentSignalWindow::open("/no/such/folder/x.db").error().kind ==
        DbError::Kind::kCannotOpen);
  const testing::Database database("pw_foreign");
  database.run("CREATE TABLE signals(a)");
  const auto refused = PersistentSignalWindow::open(database.path());
  REQUIRE(!refused.ok());
  CHECK(refused.error().kind == DbError::Kind::kSql);
  CHECK(refused.error().message.find("without the column id") != std::string::npos);
  CHECK(database.rows("SELECT name FROM sqlite_master") == Names{"signals"});
}

TEST_CASE("persistent window: once closed it takes no flush, and keeps its memory") {
  const ManualClock clock;
  const testing::Database database("pw_closed");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("a");
  REQUIRE(window->close().ok());
  REQUIRE(window->close().ok());
  window->raise("b");

  CHECK(window->flush().error().kind == DbError::Kind::kClosed);
  CHECK(window->detect("b"));
  CHECK(database.rows("SELECT signal FROM signals ORDER BY id") == Names{"a"});
}

TEST_CASE(
    "persistent window: a table that somebody drops is made anew, and what is new goes there") {
  const ManualClock clock;
  const testing::Database database("pw_dropped");
  const Window window = open(database.path(), by_hand(clock));
  window->raise("order.placed");
  REQUIRE(window->flush().ok());
  database.run("DROP TABLE signals");
  window->raise("order.completed");
  const auto failed = window->flush();
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("no such table") != std::string::npos);
  REQUIRE(window->flush().ok());
  CHECK(database.rows("SELECT id, signal FROM signals") == Names{"2|order.completed"});
  CHECK(window->stats().pending == 0);
}

TEST_CASE("persistent window: where no thread can be made for it opening says so") {
  const ManualClock clock;
  const testing::Database database("pw_no_threads");
  const auto writer = SqliteSingleWriter::get_or_create(database.path());  // has its own already
  REQUIRE(writer.ok());
  const testing::NoThreads none;
  const auto refused = PersistentSignalWindow::open(database.path(), by_hand(clock));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.starts_with("opening a window: no thread for it: "));
}

TEST_CASE("persistent window: a flush that would wait for itself is refused") {
  const ManualClock clock;
  const testing::Database database("pw_itself");
  const Window window = open(database.path(), by_hand(clock));
  std::string from_listener, from_writer;
  const auto subscription = window->sink().subscribe("window.flush.done", [&](const SignalEvent&) {
    from_listener = window->flush().error().message;
  });
  const auto later = window->sink().subscribe("window.flush.done:*", [&](const SignalEvent&) {
    from_listener = window->flush().error().message;
  });
  window->raise("a");
  REQUIRE(window->flush().ok());
  auto writer = SqliteSingleWriter::get_or_create(database.path());
  REQUIRE(writer.ok());
  REQUIRE((*writer)
              ->execute_in_transaction(
                  [&](SqlSession&) { from_writer = window->flush().error().message; })
              .ok());
  CHECK(from_listener.find("found one by a listener") != std::string::npos);
  CHECK(from_writer.find("found one from within a function") != std::string::npos);
}

TEST_CASE("persistent window: that its database's log grows is said in its own sink") {
  const testing::Database database("psw_growing");
  auto window = PersistentSignalWindow::open(database.path());
  REQUIRE(window.ok());
  auto writer = SqliteSingleWriter::get_or_create(database.path());
  REQUIRE(writer.ok());
  (*writer)->sink().raise("wal.growing:4000pages");
  (*writer)->sink().raise("write.checkpoint.error:disk is full");
  CHECK((*window)->sink().detect("write.checkpoint.error:disk is full:" + database.path()));
  CHECK((*window)->sink().detect("wal.growing:4000pages:" + database.path()));
}

}  // namespace
}  // namespace mayfly
