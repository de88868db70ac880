// Batcher: collects items and hands them over in batches, when one is full or has waited long
// enough.
//
//   Batcher<LogEntry> batcher([](std::span<LogEntry> batch) { return write(batch); },
//                             {.batch_size = 100, .timeout = 5s});
//   batcher.add(entry);
//
// ORDER     Items leave in the order they were added, within and between batches; one batch at a
//           time. The time runs from a batch's first item.
// BOUND     `capacity` items wait at most; add() then waits, try_add() refuses.
// FAILURES  A batch that the body refuses (a failed Status, an exception) is tried again, in its
//           place, as `retry` says. When that ends it is kept: take_failed() gives its items back,
//           and until somebody takes them they count towards the capacity. Nothing is dropped.
// END       flush() waits until all that was added before has been handed over, or failed. stop()
//           and the destructor take no more, and hand over the rest; then a batch's retries don't
//           wait any more.
// THREADS   Any may call anything; the body runs on the batcher's own thread. It may add; it must
//           not flush or stop.
//
// The node of the same kind is the plugin `batch`.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/base/status.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/work/body.h"

namespace mayfly {

// When a batch goes, and what happens when it is refused.
struct BatcherOptions {
  std::size_t batch_size = 32;
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
  std::size_t capacity = 0;  // items that wait; 0: 64 batches
  RetryOptions retry = {};
  std::uint64_t seed = 1;        // of the retries' jitter
  const Clock* clock = nullptr;  // borrowed; null: the machine's
};

// At one moment.
struct BatcherStats {
  std::uint64_t added = 0;
  std::uint64_t handed_over = 0;  // items
  std::uint64_t batches = 0;      // that were taken
  std::uint64_t failed_attempts = 0;
  std::uint64_t waiting = 0;  // items
  std::uint64_t failed = 0;   // items that wait to be taken back
};

template <class Item>
class Batcher {
 public:
  using Body = std::function<Status(std::span<Item>)>;

  // `body` returns nothing or a Status. std::invalid_argument: no batch size, a timeout that isn't
  // positive, a capacity below the batch size, retries that RetryPolicy refuses.
  template <std::invocable<std::span<Item>> Call>
  explicit Batcher(Call body, BatcherOptions options = {})
      : options_(checked(std::move(options))),
        clock_(options_.clock != nullptr ? *options_.clock : own_clock_),
        policy_(options_.retry),
        rng_(options_.seed),
        body_([call = std::move(body)](std::span<Item> batch) mutable {
          return status_of([&] { return call(batch); });
        }),
        thread_([this] { run(); }) {}
  ~Batcher() { stop(); }
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // Waits for room. kUsage: stopped.
  Status add(Item item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopping_ || has_room(); });
    return take(std::move(item));
  }
  // kTryAgain: no room now.
  Status try_add(Item item) {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && !has_room()) {
      return {Code::kTryAgain,
              "the batcher is full: its body doesn't keep up, or failed batches "
              "wait to be taken"};
    }
    return take(std::move(item));
  }

  void flush() {
    std::unique_lock lock(mutex_);
    const std::uint64_t until = stats_.added;
    flush_until_ = std::max(flush_until_, until);
    work_.notify_all();
    settled_.wait(lock, [&] { return settled_count_ >= until; });
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      work_.notify_all();
      room_.notify_all();
    }
    const std::lock_guard joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  // The items of batches that failed for good, oldest first.
  std::vector<Item> take_failed() {
    const std::lock_guard lock(mutex_);
    std::vector<Item> failed = std::exchange(failed_, {});
    room_.notify_all();
    return failed;
  }
  // Why the last batch failed; empty: none has.
  std::string last_error() const {
    const std::lock_guard lock(mutex_);
    return last_error_;
  }
  BatcherStats stats() const {
    const std::lock_guard lock(mutex_);
    BatcherStats stats = stats_;
    stats.waiting = waiting_.size() + batch_.size();
    stats.failed = failed_.size();
    return stats;
  }

 private:
  static BatcherOptions checked(BatcherOptions options) {
    const auto expect = [](bool holds, const char* what) {
      if (!holds) throw std::invalid_argument(std::string("batcher: expected ") + what);
    };
    expect(options.batch_size > 0, "a batch size of 1 or more, found 0");
    expect(options.timeout.count() > 0, "a timeout above 0");
    if (options.capacity == 0) options.capacity = options.batch_size * 64;
    expect(options.capacity >= options.batch_size, "a capacity of a batch or more");
    return options;
  }
  bool has_room() const {
    return waiting_.size() + batch_.size() + failed_.size() < options_.capacity;
  }
  Status take(Item item) {
    if (stopping_) return {Code::kUsage, "the batcher was stopped"};
    if (waiting_.empty()) first_ns_ = clock_.now_ns();
    waiting_.push_back(std::move(item));
    ++stats_.added;
    if (waiting_.size() == 1 || waiting_.size() >= options_.batch_size) work_.notify_all();
    return {};
  }

  // The batcher's thread.
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (!due()) {
        if (stopping_ && waiting_.empty()) return;
        clock_.wait_until(
            lock, work_,
            waiting_.empty() ? kNever : deadline_after(first_ns_, options_.timeout.count()));
      }
      const std::size_t count = std::min(waiting_.size(), options_.batch_size);
      for (std::size_t i = 0; i < count; ++i) {
        batch_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      // The others' time begins when they might have gone.
      first_ns_ = clock_.now_ns();
      hand_over(lock);
    }
  }
  bool due() const {
    if (waiting_.empty()) return false;
    return stopping_ || waiting_.size() >= options_.batch_size || flush_until_ > settled_count_ ||
           clock_.now_ns() >= deadline_after(first_ns_, options_.timeout.count());
  }
  void hand_over(std::unique_lock<std::mutex>& lock) {
    const std::int64_t began_ns = clock_.now_ns();
    for (std::uint32_t retry = 0;; ++retry) {
      lock.unlock();
      const Status status = body_(batch_);
      lock.lock();
      if (status.ok()) {
        ++stats_.batches;
        stats_.handed_over += batch_.size();
        break;
      }
      ++stats_.failed_attempts;
      last_error_ = status.message();
      const auto delay = policy_.next_delay_ns(retry, clock_.now_ns() - began_ns, rng_);
      if (!delay) {
        std::ranges::move(batch_, std::back_inserter(failed_));
        break;
      }
      const std::int64_t due_ns = deadline_after(clock_.now_ns(), *delay);
      while (!stopping_ && clock_.now_ns() < due_ns) clock_.wait_until(lock, work_, due_ns);
    }
    settled_count_ += batch_.size();
    batch_.clear();
    room_.notify_all();
    settled_.notify_all();
  }

  const BatcherOptions options_;
  const SystemClock own_clock_;
  const Clock& clock_;
  const RetryPolicy policy_;
  Rng rng_;
  Body body_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::condition_variable settled_;
  std::deque<Item> waiting_;
  std::int64_t first_ns_ = 0;  // when the first of them came
  std::vector<Item> batch_;    // with the body, or between its attempts
  std::vector<Item> failed_;
  std::string last_error_;
  BatcherStats stats_;
  std::uint64_t settled_count_ = 0;  // of stats_.added: handed over or failed
  std::uint64_t flush_until_ = 0;
  bool stopping_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace mayfly
