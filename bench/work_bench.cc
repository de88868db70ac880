// Coordinators with an empty body against what one writes first: a pool of threads around a mutex,
// a condition variable and a deque of std::function, with the same bookkeeping: ids, times, counts,
// a bounded queue, a window of what ended. Two bodies at once, one producer.
#include <benchmark/benchmark.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/base/clock.h"
#include "mayfly/work/keyed_work_coordinator.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly::bench {
namespace {

constexpr int kConcurrency = 2;
constexpr std::size_t kCapacity = 1024;
constexpr std::size_t kWindow = 200;
constexpr int kItems = 100'000;
constexpr int kKeys = 100'000;

class ThreadPool {
 public:
  ThreadPool() {
    for (int i = 0; i < kConcurrency; ++i) threads_.emplace_back([this] { work(); });
  }
  ~ThreadPool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    arrived_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void enqueue(std::function<void()> body) {
    const std::int64_t now_ns = clock_.now_ns();
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return queue_.size() < kCapacity; });
      queue_.push_back({{++last_id_, now_ns, 0, 0, false}, std::move(body)});
    }
    arrived_.notify_one();
  }
  void enqueue_many(std::vector<std::function<void()>>& bodies) {
    const std::int64_t now_ns = clock_.now_ns();
    for (std::size_t i = 0; i < bodies.size();) {
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return queue_.size() < kCapacity; });
        for (; i < bodies.size() && queue_.size() < kCapacity; ++i) {
          queue_.push_back({{++last_id_, now_ns, 0, 0, false}, std::move(bodies[i])});
        }
      }
      arrived_.notify_all();
    }
  }
  void drain() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return queue_.empty() && active_ == 0; });
  }

 private:
  struct Record {
    std::uint64_t id;
    std::int64_t enqueued_ns;
    std::int64_t started_ns;
    std::int64_t finished_ns;
    bool failed;
  };
  struct Entry {
    Record record;
    std::function<void()> body;
  };

  void work() {
    for (;;) {
      Entry entry;
      {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [this] { return stop_ || !queue_.empty(); });
        if (queue_.empty()) return;
        entry = std::move(queue_.front());
        queue_.pop_front();
        ++active_;
      }
      room_.notify_one();
      entry.record.started_ns = clock_.now_ns();
      try {
        entry.body();
      } catch (...) {
        entry.record.failed = true;
      }
      entry.record.finished_ns = clock_.now_ns();
      const std::lock_guard lock(mutex_);
      --active_;
      ++(entry.record.failed ? failed_ : succeeded_);
      window_.push_back(entry.record);
      if (window_.size() > kWindow) window_.pop_front();
      if (queue_.empty() && active_ == 0) idle_.notify_all();
    }
  }

  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable room_;
  std::condition_variable idle_;
  std::deque<Entry> queue_;
  std::deque<Record> window_;
  std::uint64_t last_id_ = 0;
  std::uint64_t succeeded_ = 0;
  std::uint64_t failed_ = 0;
  int active_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

WorkOptions options() {
  return {.max_concurrency = kConcurrency,
          .max_tracked_operations = static_cast<int>(kWindow),
          .queue_capacity = static_cast<int>(kCapacity)};
}

void empty_body(int item) { benchmark::DoNotOptimize(item); }

void finish(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * kItems); }

void BM_ThreadPool(benchmark::State& state) {
  ThreadPool pool;
  for (auto _ : state) {
    for (int i = 0; i < kItems; ++i) pool.enqueue([i] { empty_body(i); });
    pool.drain();
  }
  finish(state);
}
BENCHMARK(BM_ThreadPool)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_ThreadPoolBulk(benchmark::State& state) {
  ThreadPool pool;
  std::vector<std::function<void()>> bodies;
  for (auto _ : state) {
    state.PauseTiming();
    bodies.clear();
    for (int i = 0; i < kItems; ++i) bodies.emplace_back([i] { empty_body(i); });
    state.ResumeTiming();
    pool.enqueue_many(bodies);
    pool.drain();
  }
  finish(state);
}
BENCHMARK(BM_ThreadPoolBulk)->UseRealTime()->Unit(benchmark::kMillisecond);

template <class Work>
void enqueue_each(benchmark::State& state, Work& work) {
  for (int i = 0; i < kItems; ++i) static_cast<void>(work.enqueue(i));  // warm
  if (!work.wait_until_idle().ok()) return state.SkipWithError("not idle");
  const AllocationReport allocations;
  for (auto _ : state) {
    for (int i = 0; i < kItems; ++i) {
      if (!work.enqueue(i).ok()) return state.SkipWithError("refused");
    }
    if (!work.wait_until_idle().ok()) return state.SkipWithError("not idle");
  }
  allocations.report(state, static_cast<double>(state.iterations() * kItems));
  finish(state);
}

void BM_Work(benchmark::State& state) {
  WorkCoordinator<int> work(options(), empty_body);
  enqueue_each(state, work);
}
BENCHMARK(BM_Work)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_WorkBulk(benchmark::State& state) {
  WorkCoordinator<int> work(options(), empty_body);
  std::vector<int> items(kItems);
  std::iota(items.begin(), items.end(), 0);
  for (auto _ : state) {
    if (work.enqueue_many(items).count != items.size()) return state.SkipWithError("refused");
    if (!work.wait_until_idle().ok()) return state.SkipWithError("not idle");
  }
  finish(state);
}
BENCHMARK(BM_WorkBulk)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_KeyedWork(benchmark::State& state) {
  KeyedWorkCoordinator<int, int> work(
      options(), [](const int& item) { return item % kKeys; }, empty_body);
  enqueue_each(state, work);
}
BENCHMARK(BM_KeyedWork)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_KeyedWorkFair(benchmark::State& state) {
  WorkOptions fair = options();
  fair.fair_scheduling = true;
  KeyedWorkCoordinator<int, int> work(
      fair, [](const int& item) { return item % kKeys; }, empty_body);
  enqueue_each(state, work);
}
BENCHMARK(BM_KeyedWorkFair)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
