// Handing numbers from one thread to another: moodycamel with tokens, one by one and in bulk,
// against std::deque under a mutex. A round hands over kItems; the queues are sized for them, as
// the edges of a graph are for the pool's rows. Every round's sum is checked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/data/moodycamel.h"

namespace mayfly::bench {
namespace {

constexpr std::uint32_t kItems = 1 << 18;
constexpr std::uint32_t kBulk = 256;
constexpr std::uint64_t kSum = std::uint64_t{kItems} * (kItems - 1) / 2;

class MutexDeque {
 public:
  void push(std::span<const std::uint32_t> items) {
    const std::lock_guard lock(mutex_);
    items_.insert(items_.end(), items.begin(), items.end());
  }
  std::size_t pop(std::span<std::uint32_t> out) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(out.size(), items_.size());
    std::copy_n(items_.begin(), count, out.begin());
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

 private:
  std::mutex mutex_;
  std::deque<std::uint32_t> items_;
};

class Implicit {
 public:
  void push(std::span<const std::uint32_t> items) {
    if (items.size() == 1) {
      queue_.enqueue(items[0]);
    } else {
      queue_.enqueue_bulk(items.data(), items.size());
    }
  }
  std::size_t pop(std::span<std::uint32_t> out) {
    if (out.size() == 1) return queue_.try_dequeue(out[0]) ? 1 : 0;
    return queue_.try_dequeue_bulk(out.data(), out.size());
  }

 private:
  moodycamel::ConcurrentQueue<std::uint32_t> queue_{kItems};
};

class Tokens {
 public:
  void push(std::span<const std::uint32_t> items) {
    if (items.size() == 1) {
      queue_.enqueue(producer_, items[0]);
    } else {
      queue_.enqueue_bulk(producer_, items.data(), items.size());
    }
  }
  std::size_t pop(std::span<std::uint32_t> out) {
    if (out.size() == 1) return queue_.try_dequeue(consumer_, out[0]) ? 1 : 0;
    return queue_.try_dequeue_bulk(consumer_, out.data(), out.size());
  }

 private:
  moodycamel::ConcurrentQueue<std::uint32_t> queue_{kItems, 1, 0};
  moodycamel::ProducerToken producer_{queue_};
  moodycamel::ConsumerToken consumer_{queue_};
};

template <class Queue>
void push_all(Queue& queue, std::span<const std::uint32_t> items, std::size_t bulk) {
  for (std::size_t i = 0; i < items.size(); i += bulk) queue.push(items.subspan(i, bulk));
}

template <class Queue>
std::uint64_t pop_all(Queue& queue, std::size_t bulk) {
  std::uint32_t out[kBulk];
  std::uint64_t sum = 0;
  for (std::uint32_t left = kItems; left > 0;) {
    const std::size_t count = queue.pop({out, bulk});
    if (count == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < count; ++i) sum += out[i];
    left -= static_cast<std::uint32_t>(count);
  }
  return sum;
}

void report(benchmark::State& state, const AllocationReport& allocations, bool intact) {
  if (!intact) state.SkipWithError("the sum of what was popped is not that of what was pushed");
  const double items = static_cast<double>(state.iterations()) * kItems;
  state.SetItemsProcessed(state.iterations() * kItems);
  state.counters["per_item"] =
      benchmark::Counter(items, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  allocations.report(state, items);
}

std::vector<std::uint32_t> numbers() {
  std::vector<std::uint32_t> items(kItems);
  std::iota(items.begin(), items.end(), 0u);
  return items;
}

// One thread pushes all, then pops all: the queue's own work, without contention.
template <class Queue>
void BM_OneThread(benchmark::State& state) {
  const auto bulk = static_cast<std::size_t>(state.range(0));
  const std::vector<std::uint32_t> items = numbers();
  Queue queue;
  push_all(queue, items, bulk);
  bool intact = pop_all(queue, bulk) == kSum;
  const AllocationReport allocations;
  for (auto _ : state) {
    push_all(queue, items, bulk);
    intact = pop_all(queue, bulk) == kSum && intact;
  }
  report(state, allocations, intact);
}

// One thread pushes while another pops. Includes starting the thread, once in kItems.
template <class Queue>
void BM_TwoThreads(benchmark::State& state) {
  const auto bulk = static_cast<std::size_t>(state.range(0));
  const std::vector<std::uint32_t> items = numbers();
  Queue queue;
  push_all(queue, items, bulk);
  bool intact = pop_all(queue, bulk) == kSum;
  const AllocationReport allocations;
  for (auto _ : state) {
    std::jthread pushing([&] { push_all(queue, items, bulk); });
    intact = pop_all(queue, bulk) == kSum && intact;
  }
  report(state, allocations, intact);
}

#define MAYFLY_QUEUE_BENCHMARK(queue)                                                 \
  BENCHMARK(BM_OneThread<queue>)->ArgName("bulk")->Arg(1)->Arg(kBulk)->UseRealTime(); \
  BENCHMARK(BM_TwoThreads<queue>)->ArgName("bulk")->Arg(1)->Arg(kBulk)->UseRealTime()

MAYFLY_QUEUE_BENCHMARK(MutexDeque);
MAYFLY_QUEUE_BENCHMARK(Implicit);
MAYFLY_QUEUE_BENCHMARK(Tokens);

}  // namespace
}  // namespace mayfly::bench
