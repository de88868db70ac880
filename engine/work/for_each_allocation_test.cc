// What becomes of for_each when there is no memory: each allocation fails in turn.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <new>
#include <numeric>
#include <string>
#include <vector>

#include "mayfly/work/for_each.h"
#include "mayfly/work/for_each_keyed.h"
#include "mayfly/work/work_fixture.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

constexpr std::uint64_t kItems = 40;

// Calls `pass(ran)` with each of its allocations failing, whichever thread asks for it. It has to
// return, or to throw std::bad_alloc with no body left that runs.
template <class Pass>
void fail_each_allocation(Pass pass) {
  bool failed = true;
  for (std::int64_t n = 1; failed && n < 2'000; ++n) {
    std::atomic<std::uint64_t> ran{0};
    bool threw = false;
    ForEachResult result;
    testing::fail_allocation(n);
    try {
      result = pass(ran);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    failed = testing::fail_allocation(0);
    CHECK_FALSE((threw && ran == kItems));
    if (threw) continue;
    CHECK(result.processed - result.failed == ran);
    CHECK(result.processed + result.skipped <= kItems);
    if (failed) continue;
    CHECK(result.ok());
    CHECK(ran == kItems);
  }
}

// Intended interleavings: any of the workers is without memory, before its first item, while it
// reads, while it notes something down, or while it starts the next thread, and others wait for it.
TEST_CASE("for_each: without memory a pass ends, and says so") {
  std::list<int> items(kItems);
  fail_each_allocation([&](std::atomic<std::uint64_t>& ran) {
    return for_each(items, WorkOptions{.max_concurrency = 3}, [&](int) { ++ran; });
  });
  std::vector<int> indexed(kItems);
  fail_each_allocation([&](std::atomic<std::uint64_t>& ran) {
    return for_each(indexed, WorkOptions{.max_concurrency = 3}, [&](int, Operation& operation) {
      operation.raise("a.signal");
      ++ran;
    });
  });
}

TEST_CASE("for_each_keyed: without memory a pass ends, whoever reads") {
  std::vector<int> items(kItems);
  std::iota(items.begin(), items.end(), 0);
  const auto key = [](int item) {
    return "a key that has to be allocated " + std::to_string(item % 3);
  };
  fail_each_allocation([&](std::atomic<std::uint64_t>& ran) {
    return for_each_keyed(items, WorkOptions{.max_concurrency = 3}, key, [&](int) { ++ran; });
  });
}

TEST_CASE("for_each: without memory a pass with a time limit ends") {
  std::vector<int> items(kItems);
  fail_each_allocation([&](std::atomic<std::uint64_t>& ran) {
    return for_each(items, WorkOptions{.max_concurrency = 2, .body_time_limit_ns = 1'000 * kSecond},
                    [&](int) { ++ran; });
  });
}

}  // namespace
}  // namespace mayfly
