// RetryWork: calls that may fail are made again, later each time.
//
//   RetryWork<Request> requests([](Request& request) { return send(request); },
//                               {.retry = {.max_retries = 3}});
//   requests.enqueue(request);                 // or
//   const Status sent = requests.execute(request);
//
// The body returns nothing or a Status; a failed one, or an exception, is a failed attempt. While
// an item waits for its next attempt it holds no place among those that run at once.
//
// SIGNALS  retry.attempt.failed, retry.exhausted, retry.succeeded.after.retry, each by the
// operation
//          of its attempt.
// BREAKER  With one that is open nothing is taken: kUnavailable, with the time to wait. Attempts
//          tell it how they ended; while it is open they wait, which isn't an attempt.
// THREADS  Any may call anything, at once. The body must not call execute() or drain().
// END      drain() waits until every item has succeeded or has no attempt left. The destructor
//          cancels what waits.
//
// The node of the same kind is the plugin `retry`.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "mayfly/base/rng.h"
#include "mayfly/patterns/circuit_breaker.h"
#include "mayfly/patterns/delayed_calls.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// When an item is tried again, and how many wait.
struct RetryWorkOptions {
  RetryOptions retry = {};            // max_retries are attempts after the first
  int max_concurrency = 0;            // 0 or less: the number of processors
  std::uint32_t capacity = 1024;      // items that run or wait, for their turn or an attempt
  SignalSink* signals = nullptr;      // borrowed; null: one of its own
  CircuitBreaker* breaker = nullptr;  // borrowed; null: none
  std::uint64_t seed = 1;             // of the jitter
  const Clock* clock = nullptr;       // borrowed; null: the machine's
};

// At one moment.
struct RetryWorkStats {
  std::uint64_t pending = 0;  // not answered yet
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;  // without an attempt left
  std::uint64_t retries = 0;
};

template <class Item>
class RetryWork {
  struct Job {
    Item item;
    std::int64_t began_ns = 0;
    std::uint32_t failures = 0;
    std::function<void(const Status&)> done = {};
  };

 public:
  // std::invalid_argument: retries that RetryPolicy refuses, a capacity of 0.
  template <BodyOf<Item> Body>
  explicit RetryWork(Body body, const RetryWorkOptions& options = {})
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : own_clock_),
        policy_(options.retry),
        rng_(options.seed),
        later_(clock_),
        attempts_(work_options(), [this, call = std::move(body)](Job& job, Operation& op) mutable {
          return attempt(job, op, [&] { return call_body(call, job.item, op); });
        }) {}
  ~RetryWork() { later_.stop(); }
  RetryWork(const RetryWork&) = delete;
  RetryWork& operator=(const RetryWork&) = delete;

  // Waits for room. The id is that of the first attempt. kUnavailable: the breaker is open; kUsage:
  // after drain().
  Result<OperationId> enqueue(Item item) { return begin({.item = std::move(item)}); }
  // Waits until it has succeeded, or for its last attempt's failure.
  Status execute(Item item) {
    struct Answer {
      std::mutex mutex;
      std::condition_variable given;
      std::optional<Status> status;
    };
    const auto answer = std::make_shared<Answer>();
    const auto id = begin({.item = std::move(item), .done = [answer](const Status& status) {
                             const std::lock_guard lock(answer->mutex);
                             answer->status = status;
                             answer->given.notify_all();
                           }});
    if (!id.ok()) return id.status();
    std::unique_lock lock(answer->mutex);
    answer->given.wait(lock, [&] { return answer->status.has_value(); });
    return *answer->status;
  }
  // Takes no more, and waits. Any number of times.
  Status drain() {
    {
      std::unique_lock lock(mutex_);
      draining_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return pending_ == 0; });
    }
    attempts_.complete();
    return attempts_.drain();
  }
  RetryWorkStats stats() const {
    const std::lock_guard lock(mutex_);
    return {pending_, completed_, failed_, retries_};
  }
  SignalSink& signals() { return attempts_.sink(); }

 private:
  WorkOptions work_options() const {
    if (options_.capacity == 0) {
      throw std::invalid_argument("retry: expected a capacity of 1 or more, found 0");
    }
    WorkOptions work;
    work.max_concurrency =
        options_.max_concurrency > 0 ? options_.max_concurrency : default_concurrency();
    // Whoever was taken always finds room for its next attempt.
    work.queue_capacity = static_cast<int>(std::min<std::uint32_t>(options_.capacity, 1u << 20));
    work.signals = options_.signals;
    work.clock = options_.clock;
    return work;
  }

  Result<OperationId> begin(Job job) {
    if (options_.breaker != nullptr && options_.breaker->is_open()) {
      const auto wait = options_.breaker->retry_after();
      return Status(
          Code::kUnavailable,
          "the circuit is open after too many failures" +
              (wait ? "; try again in " + std::to_string(wait->count() / 1'000'000) + " ms"
                    : std::string()));
    }
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return draining_ || pending_ < options_.capacity; });
      if (draining_) return Status(Code::kUsage, "enqueued after drain()");
      ++pending_;
    }
    job.began_ns = clock_.now_ns();
    auto id = attempts_.enqueue(std::move(job));
    if (!id.ok()) settle(&RetryWork::failed_);
    return id;
  }

  template <class Call>
  Status attempt(Job& job, Operation& op, Call call) {
    std::optional<CircuitBreaker::Permit> permit;
    if (options_.breaker != nullptr) {
      permit.emplace(options_.breaker->try_begin());
      if (!*permit) {
        const auto wait = options_.breaker->retry_after();
        try_later(job, wait && wait->count() > 0 ? wait->count() : kBusyNs);
        return {};
      }
    }
    const Status status = status_of(call);
    if (permit) status.ok() ? permit->succeeded() : permit->failed();
    if (status.ok()) {
      if (job.failures > 0) op.raise("retry.succeeded.after.retry");
      answer(job.done, status, &RetryWork::completed_);
      return status;
    }
    op.raise("retry.attempt.failed");
    std::optional<std::int64_t> delay;
    {
      const std::lock_guard lock(mutex_);
      delay = policy_.next_delay_ns(job.failures, clock_.now_ns() - job.began_ns, rng_);
      if (delay) ++retries_;
    }
    ++job.failures;
    if (delay) {
      try_later(job, *delay);
      return status;
    }
    op.raise("retry.exhausted");
    answer(job.done, status, &RetryWork::failed_);
    return status;
  }
  void try_later(Job& job, std::int64_t delay_ns) {
    later_.call_at(deadline_after(clock_.now_ns(), delay_ns),
                   [this, again = std::make_shared<Job>(std::move(job))] {
                     const auto done = again->done;
                     const auto id = attempts_.enqueue(std::move(*again));
                     if (!id.ok()) answer(done, id.status(), &RetryWork::failed_);
                   });
  }
  void answer(const std::function<void(const Status&)>& done, const Status& status,
              std::uint64_t RetryWork::*count) {
    // Counted first: who reads stats() behind execute() finds its item there.
    settle(count);
    if (done) done(status);
  }
  void settle(std::uint64_t RetryWork::*count) {
    const std::lock_guard lock(mutex_);
    ++(this->*count);
    --pending_;
    changed_.notify_all();
  }

  // Between two looks at a breaker that lets no further probe out.
  static constexpr std::int64_t kBusyNs = 10 * kMillisecond;

  const RetryWorkOptions options_;
  const SystemClock own_clock_;
  const Clock& clock_;
  const RetryPolicy policy_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Rng rng_;
  std::uint64_t pending_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t retries_ = 0;
  bool draining_ = false;
  DelayedCalls later_;
  WorkCoordinator<Job> attempts_;
};

}  // namespace mayfly
