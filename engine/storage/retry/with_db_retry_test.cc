// The retry strategy: locks are waited for, everything else is the caller's at once.
#include "mayfly/storage/retry/with_db_retry.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/child_exit.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;
using testing::WriteLock;

DbError locked(int code = SQLITE_BUSY) {
  return to_db_error(SqliteError{.code = code, .message = "database is locked"}, "writing");
}

// Time that passes by being waited for.
class StrideClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_ns_; }
  std::int64_t wall_us() const override { return now_ns_ / kMicrosecond; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&,
                  std::int64_t deadline_ns) const override {
    now_ns_ = deadline_ns;
  }

 private:
  mutable std::int64_t now_ns_ = kSecond;
};

// Made before any static of a function, and so destroyed after all of them.
struct EndOfProgram {
  bool is_child = false;
  ~EndOfProgram() {
    if (!is_child) return;
    int calls = 0;
    const auto done = execute_with_retry(
        [&]() -> DbResult<int> { return ++calls < 3 ? DbResult<int>(locked()) : calls; },
        {.retry = {.initial_delay_ns = 1}});
    std::_Exit(done.ok() && process_lock_metrics().get().total_lock_errors == 2 ? 0 : 1);
  }
} end_of_program;

struct Fixture {
  StrideClock clock;
  DatabaseLockMetrics metrics{clock};
  DbRetryOptions options{.clock = &clock, .metrics = &metrics, .seed = 7};
};

TEST_CASE("C213: a call that gives up after four locks counts four errors, three retries") {
  Fixture f;
  int calls = 0;
  const DbResult<int> result = execute_with_retry(
      [&]() -> DbResult<int> {
        ++calls;
        return locked();
      },
      f.options);
  CHECK(calls == 4);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().is_lock());
  CHECK(result.error().attempts == 4);
  // 100, 200 and 400 ms, each with a quarter to both sides.
  CHECK(result.error().waited_ns >= 525 * kMillisecond);
  CHECK(result.error().waited_ns <= 875 * kMillisecond);
  CHECK(result.error().message.starts_with("the database is still locked after 4 attempts and "));
  CHECK(result.error().message.ends_with(
      "; the last said: writing: database is locked (SQLite error 5)"));
  const LockMetrics metrics = f.metrics.get();
  CHECK(metrics.total_lock_errors == 4);
  CHECK(metrics.total_retries == 3);
  CHECK(metrics.total_failures == 1);
  CHECK(metrics.total_successes_after_retry == 0);
  f.metrics.reset();
  CHECK(f.metrics.get().total_lock_errors == 0);
}

TEST_CASE(
    "a call that succeeds after two locks gives its value; one that meets none counts nothing") {
  Fixture f;
  int calls = 0;
  const auto third_time = [&]() -> DbResult<std::string> {
    if (++calls % 3 != 0) return locked(SQLITE_BUSY_SNAPSHOT);
    return std::string("stored");
  };
  const DbResult<std::string> result = execute_with_retry(third_time, f.options);
  REQUIRE(result.ok());
  CHECK(*result == "stored");
  CHECK(f.metrics.get().total_lock_errors == 2);
  CHECK(f.metrics.get().total_retries == 2);
  CHECK(f.metrics.get().total_successes_after_retry == 1);
  CHECK(execute_with_retry([] { return DbResult<void>(); }, f.options).ok());
  CHECK(f.metrics.get().total_successes_after_retry == 1);
  CHECK(f.metrics.get().total_failures == 0);
}

TEST_CASE("what isn't a lock, and what is thrown, goes to the caller at once") {
  Fixture f;
  int calls = 0;
  const DbResult<void> result = execute_with_retry(
      [&]() -> DbResult<void> {
        ++calls;
        // The words of a lock, but not its code.
        return to_db_error(SqliteError{.code = SQLITE_ERROR, .message = "database is locked"}, "x");
      },
      f.options);
  CHECK(calls == 1);
  CHECK(result.error().kind == DbError::Kind::kSql);
  CHECK(result.error().message == "x: database is locked (SQLite error 1)");
  const auto throws = [&]() -> DbResult<void> {
    ++calls;
    throw std::runtime_error("the caller's own");
  };
  CHECK_THROWS_WITH(static_cast<void>(execute_with_retry(throws, f.options)), "the caller's own");
  CHECK(calls == 2);
  CHECK(f.metrics.get().total_lock_errors == 0);
}

struct Users {
  int locks;
  int saved = 0;
  DbResult<int> save(const std::string& name, int) {
    if (locks-- > 0) return locked();
    saved += static_cast<int>(name.size());
    return saved;
  }
};
DbResult<int> add(std::unique_ptr<int>& left, int right) {
  if (++*left < 3) return locked();
  return *left + right;
}

TEST_CASE("functions, lambdas and members are wrapped, with the same arguments at each attempt") {
  Fixture f;
  Users users{.locks = 2};
  const auto save = with_db_retry(&Users::save, f.options);
  CHECK(*save(users, std::string("Alice"), 1) == 5);
  CHECK(*save(users, "Bob", 1) == 8);
  const auto sum = with_db_retry(add, f.options);
  auto left = std::make_unique<int>(0);
  CHECK(*sum(left, 4) == 7);
  // An argument that was moved away by the first attempt would be missing at the second.
  const auto takes = with_db_retry(
      [calls = std::make_shared<int>(0)](std::string& text) -> DbResult<std::string> {
        if (++*calls < 3) return locked();
        return text;
      },
      f.options);
  CHECK(*takes(std::string("a text beyond any small buffer of a string")) ==
        "a text beyond any small buffer of a string");
}

TEST_CASE("the deadline ends it, at the latest with an attempt when it is reached") {
  Fixture f;
  f.options.retry = {.max_retries = RetryOptions::kUnlimited, .deadline_ns = 5 * kSecond};
  const std::int64_t began_ns = f.clock.now_ns();
  std::int64_t last_ns = 0;
  const DbResult<void> result = execute_with_retry(
      [&]() -> DbResult<void> {
        last_ns = f.clock.now_ns();
        return locked();
      },
      f.options);
  CHECK(result.error().waited_ns == 5 * kSecond);
  CHECK(last_ns == began_ns + 5 * kSecond);
}

TEST_CASE("options that mean nothing are refused where the callable is wrapped") {
  const auto body = [] { return DbResult<void>(); };
  CHECK_THROWS_AS(with_db_retry(body, {.retry = {.multiplier = 0}}), std::invalid_argument);
}

// Interleaving: the stop is requested while the call waits for a time that doesn't come.
TEST_CASE("a stop ends the wait, and the caller has the last error") {
  ManualClock clock;
  DatabaseLockMetrics metrics(clock);
  std::stop_source stop;
  int calls = 0;
  std::jthread stopper;
  const DbResult<void> result = execute_with_retry(
      [&]() -> DbResult<void> {
        if (++calls == 1) stopper = std::jthread([&stop] { stop.request_stop(); });
        return locked();
      },
      {.stop = stop.get_token(), .clock = &clock, .metrics = &metrics});
  CHECK(calls == 1);
  CHECK(result.error().attempts == 1);
  CHECK(metrics.get().total_retries == 0);
  CHECK(metrics.get().total_failures == 1);
}

TEST_CASE("a database that another connection locks is written once that lets go") {
  const Database database("retry");
  database.run("CREATE TABLE t(a)");
  Fixture f;
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(database.path().c_str(), &db) == SQLITE_OK);
  WriteLock lock(database.path());
  int calls = 0;
  const auto insert = with_db_retry(
      [&]() -> DbResult<void> {
        if (++calls == 3) lock.release();
        return to_db_result(
            db, sqlite3_exec(db, "INSERT INTO t VALUES (1)", nullptr, nullptr, nullptr));
      },
      f.options);
  CHECK(insert().ok());
  CHECK(calls == 3);
  CHECK(database.integer("SELECT count(*) FROM t") == 1);
  sqlite3_close(db);
}

TEST_CASE("retry: a global may call again at the end of the program") {
  CHECK(testing::status_of_child([] { end_of_program.is_child = true; }) == 0);
}

}  // namespace
}  // namespace mayfly
