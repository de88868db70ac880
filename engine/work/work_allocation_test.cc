// What coordinators allocate once they are warm: nothing; and what becomes of items when there is
// no memory.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/work/keyed_work_coordinator.h"
#include "mayfly/work/priority_work_coordinator.h"
#include "mayfly/work/result_coordinator.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

template <class Work>
std::uint64_t allocations_of(Work& work, int items) {
  const auto run = [&](int count) {
    for (int i = 0; i < count; ++i) REQUIRE(work.enqueue(i).ok());
    CHECK(work.wait_until_idle().ok());
  };
  run(items);  // slots, threads, lists
  run(items);
  const std::uint64_t before = testing::allocation_count();
  run(items);
  return testing::allocation_count() - before;
}

// Threads leave and come only after ten idle seconds, and slots are those of the fullest moment,
// which the second round may still raise: so a few, but not one for every thousand items.
TEST_CASE("P21: a warm coordinator allocates nothing for an item") {
  WorkCoordinator<int> work({.max_concurrency = 2, .queue_capacity = 64}, [](int) {});
  CHECK(allocations_of(work, 20'000) < 20);
}

TEST_CASE("P21: a warm keyed coordinator allocates nothing for an item, nor for its key") {
  KeyedWorkCoordinator<int, int> work(
      {.max_concurrency = 2, .queue_capacity = 64}, [](const int& item) { return item; },
      [](int) {});
  CHECK(allocations_of(work, 20'000) < 20);
}

// No memory for more than so many bytes at once, as long as this lives.
class ScarceMemory {
 public:
  explicit ScarceMemory(std::size_t bytes) { testing::fail_allocations_over(bytes); }
  ~ScarceMemory() { testing::fail_allocations_over(SIZE_MAX); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

// Less than the records of a chunk of operations; more than what a refusal's message takes.
constexpr std::size_t kNoChunk = 4096;
constexpr int kChunk = OperationTable::kChunk;

TEST_CASE("work: an item for which there is no memory is refused, and leaves no trace") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 1000},
                            [&](int) { gate.enter(); });
  for (int i = 0; i < kChunk; ++i) REQUIRE(work.enqueue(i).ok());
  gate.wait_for_inside(1);
  {
    const ScarceMemory scarce(kNoChunk);
    CHECK(work.enqueue(-1).status().code() == Code::kUnavailable);
    CHECK(work.try_enqueue(-1).status().code() == Code::kUnavailable);
    CHECK(work.enqueue_dropping_oldest(-1).status().code() == Code::kUnavailable);
  }
  CHECK(work.counts().enqueued == kChunk);
  CHECK(work.counts().pending == kChunk - 1);
  CHECK(work.enqueue(kChunk).ok());
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == kChunk + 1);
  CHECK(work.counts().cancelled == 0);
}

TEST_CASE("work: where there is memory for records but not for items, nothing leaks") {
  using Large = std::array<std::byte, 4096>;
  WorkCoordinator<Large> work({.max_concurrency = 1}, [](const Large&) {});
  {
    const ScarceMemory scarce(sizeof(Large) * kChunk - 1);
    CHECK(work.enqueue(Large{}).status().code() == Code::kUnavailable);
  }
  CHECK(work.enqueue(Large{}).ok());
  finish(work);
  CHECK(work.counts().succeeded == 1);
}

TEST_CASE("work: of several items those are taken for which there is memory, and it says which") {
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 1000},
                            [&](int) { gate.enter(); });
  REQUIRE(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  std::vector<int> items(kChunk + 10);
  std::iota(items.begin(), items.end(), 0);
  std::vector<OperationId> ids;
  EnqueuedMany taken;
  {
    const ScarceMemory scarce(kNoChunk);
    taken = work.enqueue_many(items, &ids);
  }
  CHECK(taken.status.code() == Code::kUnavailable);
  CHECK(taken.count == kChunk - 1);
  CHECK(ids.size() == taken.count);
  CHECK(work.counts().pending == taken.count);
  // The others follow later.
  const auto rest = std::span(items).subspan(taken.count);
  CHECK(work.enqueue_many(rest, &ids).status.ok());
  CHECK(ids.size() == items.size());
  gate.open();
  finish(work);
  CHECK(work.counts().succeeded == items.size() + 1);
}

TEST_CASE("work: without memory for their ids nothing is taken of several items") {
  WorkCoordinator<int> work({.max_concurrency = 1, .queue_capacity = 10}, [](int) {});
  REQUIRE(work.enqueue(0).ok());
  REQUIRE(work.wait_until_idle().ok());
  std::vector<int> items(kChunk * 4);
  std::vector<OperationId> ids = {7};
  {
    const ScarceMemory scarce(kNoChunk);
    const EnqueuedMany taken = work.enqueue_many(items, &ids);
    CHECK(taken.status.code() == Code::kUnavailable);
    CHECK(taken.count == 0);
  }
  CHECK(ids == std::vector<OperationId>{7});
  CHECK(work.counts().enqueued == 1);
  CHECK(work.enqueue_many(items, &ids).count == items.size());
  finish(work);
  CHECK(ids.size() == items.size() + 1);
}

// Intended interleaving: none; the accepted item finds no worker, since there is no memory for one,
// and the wait for its end makes it once there is.
TEST_CASE("work: an item is accepted once though there is no memory for a thread yet") {
  WorkCoordinator<int> work({.max_concurrency = 1}, [](int) {});
  work.pause();
  REQUIRE(work.enqueue(0).ok());  // makes slots, and no thread
  {
    const ScarceMemory scarce(200);  // a worker is larger
    work.resume();
    CHECK(work.enqueue(1).ok());
    CHECK(work.counts().threads == 0);
    CHECK(work.counts().pending == 2);
  }
  finish(work);
  CHECK(work.counts().succeeded == 2);
}

// Calls `round()`, which arms and disarms, until none of its allocations is left to fail.
template <class Round>
void fail_each_allocation(Round round) {
  for (std::int64_t n = 1; round(n) && n < 2'000; ++n) {
  }
}

bool sums_up(const WorkCounts& counts) {
  return counts.enqueued == counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
}

// Intended interleaving: none; what is cancelled and killed is told, whatever there is no memory
// for, and nobody who drains waits for what the control call left undone.
TEST_CASE("work: control without memory loses no operation, no waiter and no drain") {
  static constexpr int kItems = 8;
  fail_each_allocation([](std::int64_t n) {
    std::atomic<int> told{0};
    std::atomic<std::uint64_t> finalized{0};
    WorkCoordinator<int> work({.max_concurrency = 1,
                               .queue_capacity = kItems,
                               .on_finalized = [&](const OperationSnapshot&) { ++finalized; }},
                              [](int) {});
    work.pause();
    std::vector<OperationId> ids;
    for (int i = 0; i < kItems; ++i) ids.push_back(*work.enqueue(i));
    for (const OperationId id : ids) {
      REQUIRE(work.on_done(id,
                           [&](const OperationSnapshot& ended) {
                             told += ended.state == OperationState::kCancelled;
                           })
                  .ok());
    }
    testing::fail_allocation(n);
    bool took = work.try_kill(ids[3]) && work.pin(ids[4]);
    took = work.enqueue_dropping_oldest(9).ok() && took;
    work.cancel();
    const bool drained = work.drain().ok();
    const bool failed = testing::fail_allocation(0);
    CHECK((took || failed));
    CHECK(drained);
    CHECK(told == kItems);
    const WorkCounts counts = work.counts();
    CHECK(sums_up(counts));
    CHECK(finalized + counts.observer_failures == counts.enqueued);
    return failed;
  });
}

// Intended interleaving: the n-th allocation of all threads fails, wherever it falls; calls that
// take items or wait for them say kUnavailable, and throw nothing.
TEST_CASE("work: what can't be taken or waited for without memory is refused") {
  fail_each_allocation([](std::int64_t n) {
    const auto fine = [](const Status& status) {
      return status.ok() || status.code() == Code::kUnavailable;
    };
    PriorityWorkCoordinator<std::string> work(
        {.max_concurrency = 2, .max_tracked_operations = 50},
        {{.name = "the highest lane of all of them"}, {.name = "normal"}},
        [](const std::string& item) {
          if (item.size() == 3) throw std::runtime_error("a text that has to be allocated");
        });
    std::vector<std::string> items{"d", "e", "fff"};
    std::vector<OperationId> ids;
    ids.reserve(10);
    std::size_t taken = 0;
    std::atomic<std::size_t> told{0};
    std::size_t asked = 0;
    bool all_fine = true;
    testing::fail_allocation(n);
    for (const char* item : {"a", "bbb", "c"}) {
      const auto id = work.enqueue(item);
      taken += id.ok();
      all_fine = all_fine && fine(id.status());
      if (!id.ok()) continue;
      const Status known = work.on_done(*id, [&](const OperationSnapshot&) { ++told; });
      asked += known.ok();
      all_fine = all_fine && fine(known) && fine(work.wait(*id).status());
    }
    const EnqueuedMany many = work.enqueue_many(items, "normal", &ids);
    all_fine = all_fine && fine(many.status) && ids.size() == many.count;
    work.complete();
    const bool drained = work.drain().ok();
    const bool failed = testing::fail_allocation(0);
    CHECK(all_fine);
    CHECK(drained);
    CHECK(told == asked);
    CHECK(work.counts().enqueued == taken + many.count);
    CHECK(sums_up(work.counts()));
    return failed;
  });
}

TEST_CASE("work: results without memory go on") {
  fail_each_allocation([](std::int64_t n) {
    ResultCoordinator<int, std::string> work(
        {.max_concurrency = 1, .max_tracked_operations = 2, .queue_capacity = 10},
        [](int item) { return std::string(40, 'x') + std::to_string(item); });
    bool all_fine = true;
    testing::fail_allocation(n);
    for (int i = 0; i < 4; ++i) {
      const auto id = work.enqueue(i);
      if (!id.ok()) continue;
      const auto answer = work.wait_for_result(*id);
      all_fine = all_fine && (answer.ok() || answer.status().code() == Code::kUnavailable);
    }
    work.cancel();
    const bool drained = work.drain().ok();
    const bool failed = testing::fail_allocation(0);
    CHECK(all_fine);
    CHECK(drained);
    CHECK(sums_up(work.counts()));
    return failed;
  });
}

// Intended interleaving: the n-th allocation fails while a worker looks at the signals that may
// cancel its next item, among them names that it hasn't seen.
TEST_CASE("work: without memory to look at signals an item waits, and runs when there is some") {
  fail_each_allocation([](std::int64_t n) {
    const SystemClock clock;
    SignalSink sink(clock);
    std::atomic<int> ran{0};
    WorkCoordinator<int> work(
        {.max_concurrency = 1, .signals = &sink, .cancel_on_signals = {"circuit-open"}},
        [&](int) { ++ran; });
    REQUIRE(work.enqueue(0).ok());
    REQUIRE(work.wait_until_idle().ok());
    for (int i = 0; i < 200; ++i) sink.raise("a.name.too.long.to.be.inline." + std::to_string(i));
    sink.raise("circuit-open");
    sink.retract("circuit-open");
    testing::fail_allocation(n);
    const bool taken = work.enqueue(1).ok();
    const bool idle = work.wait_until_idle().ok();
    const bool failed = testing::fail_allocation(0);
    CHECK(idle);
    CHECK(ran == 1 + taken);
    return failed;
  });
}

}  // namespace
}  // namespace mayfly
