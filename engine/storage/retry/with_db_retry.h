// with_db_retry, execute_with_retry: call again what met another connection's lock.
//
//   const auto save = with_db_retry(&Users::save, {.retry = RetryTimes{.max_delay = 5s}});
//   DbResult<int> saved = save(users, user);
//
//   DbResult<void> done = execute_with_retry([&] { return to_db_result(db, sqlite3_exec(...)); });
//
// The callable returns a DbResult<T> and does a whole transaction: what it began before it met the
// lock it has rolled back itself. Only locks are tried again, told by SQLite's code; every other
// error goes to the caller at once. After the last attempt the error is of Kind::kBusy and says how
// many there were and how long they waited. What the callable throws passes through.
//
// THREADS    What with_db_retry returns may be called by any, if the callable may.
// OWNERSHIP  It holds a copy of the callable; clock, metrics and the callable's own references
//            outlive it. Arguments are passed as lvalues, since they may be needed again.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/policy/retry_times.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/machine_clock.h"
#include "mayfly/storage/retry/lock_metrics.h"
#include "mayfly/storage/retry/retry_loop.h"

namespace mayfly {

// Besides the policy, what tests give.
struct DbRetryOptions {
  RetryOptions retry;                      // 3 retries, 100 ms doubled, at most 2 s, +-25 %;
                                           // RetryTimes says it in durations
  std::stop_token stop;                    // a request ends the waiting: the last error is returned
  const Clock* clock = nullptr;            // nullptr: the machine's
  DatabaseLockMetrics* metrics = nullptr;  // nullptr: process_lock_metrics()
  std::uint64_t seed = 0;                  // of the jitter; 0: another one each time
};

namespace internal {

template <class T>
constexpr bool is_db_result = false;
template <class T>
constexpr bool is_db_result<DbResult<T>> = true;

}  // namespace internal

// What with_db_retry returns: calls the callable, and again where it met a lock.
template <class F>
class DbRetry {
 public:
  // std::invalid_argument: options that RetryPolicy refuses.
  DbRetry(F body, const DbRetryOptions& options)
      : body_(std::move(body)), policy_(options.retry), options_(options) {}

  template <class... Args>
  auto operator()(Args&&... args) const {
    using Returned = std::remove_cvref_t<std::invoke_result_t<const F&, Args&...>>;
    static_assert(internal::is_db_result<Returned>,
                  "the callable must return a DbResult<T> (to_db_result makes one of a code)");
    const Clock& clock = options_.clock != nullptr ? *options_.clock : machine_clock();
    DatabaseLockMetrics& metrics =
        options_.metrics != nullptr ? *options_.metrics : process_lock_metrics();
    RetryLoop loop(policy_, clock, metrics, options_.seed, options_.stop);
    for (;;) {
      Returned result = std::invoke(body_, args...);
      if (result.ok()) {
        loop.succeeded();
        return result;
      }
      if (!loop.again(result.error())) return Returned(loop.given_up(result.error()));
    }
  }

 private:
  F body_;
  RetryPolicy policy_;
  DbRetryOptions options_;
};

// A function, a lambda, a member function (whose object is then the first argument).
template <class F>
DbRetry<std::decay_t<F>> with_db_retry(F&& body, const DbRetryOptions& options = {}) {
  return {std::forward<F>(body), options};
}

// Calls it at once.
template <class F>
auto execute_with_retry(F&& body, const DbRetryOptions& options = {}) {
  return with_db_retry(std::forward<F>(body), options)();
}

}  // namespace mayfly
