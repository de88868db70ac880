#include "mayfly/storage/retry/retry_loop.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace mayfly {
namespace {

// Differs between calls by their time, between threads by where their stacks are.
std::uint64_t fresh_seed(const void* loop, std::int64_t now_ns) {
  return reinterpret_cast<std::uintptr_t>(loop) ^ static_cast<std::uint64_t>(now_ns);
}

}  // namespace

RetryLoop::RetryLoop(const RetryPolicy& policy, const Clock& clock, DatabaseLockMetrics& metrics,
                     std::uint64_t seed, std::stop_token stop)
    : policy_(policy),
      clock_(clock),
      metrics_(metrics),
      rng_(seed != 0 ? seed : fresh_seed(this, clock.now_ns())),
      stop_(std::move(stop)),
      began_ns_(clock.now_ns()) {}

bool RetryLoop::again(const DbError& error) {
  if (!error.is_lock()) return false;
  metrics_.on_lock_error();
  const auto delay_ns = policy_.next_delay_ns(retries_, clock_.now_ns() - began_ns_, rng_);
  if (!delay_ns || !wait(*delay_ns)) {
    metrics_.on_failure();
    return false;
  }
  ++retries_;
  metrics_.on_retry();
  return true;
}

void RetryLoop::succeeded() {
  if (retries_ > 0) metrics_.on_success_after_retry();
}

DbError RetryLoop::given_up(DbError error) const {
  error.attempts = retries_ + 1;
  error.waited_ns = waited_ns_;
  if (!error.is_lock()) return error;
  error.message = "the database is still locked after " + std::to_string(error.attempts) +
                  (error.attempts == 1 ? " attempt and " : " attempts and ") +
                  std::to_string(waited_ns_ / kMillisecond) +
                  " ms of waiting; the last said: " + error.message;
  return error;
}

// False: a stop was requested.
bool RetryLoop::wait(std::int64_t delay_ns) {
  std::mutex mutex;
  std::condition_variable wake;
  const std::int64_t from_ns = clock_.now_ns();
  const std::int64_t until_ns = deadline_after(from_ns, delay_ns);
  // Under the mutex: a request between the look and the sleep must not be missed.
  const std::stop_callback on_stop(stop_, [&] {
    const std::lock_guard lock(mutex);
    wake.notify_all();
  });
  std::unique_lock lock(mutex);
  while (!stop_.stop_requested() && clock_.now_ns() < until_ns) {
    clock_.wait_until(lock, wake, until_ns);
  }
  lock.unlock();
  waited_ns_ += clock_.now_ns() - from_ns;
  return !stop_.stop_requested();
}

}  // namespace mayfly
