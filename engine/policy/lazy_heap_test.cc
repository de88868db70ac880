#include "mayfly/policy/lazy_heap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("lazy heap: the earliest is on top, whoever leaves") {
  LazyHeap heap;
  heap.push(1, 30);
  heap.push(2, 10);
  heap.push(3, 20);
  CHECK(heap.top().slot == 2);
  heap.remove(2);
  CHECK(heap.top().slot == 3);
  heap.delay_top(40);
  CHECK(heap.top().slot == 1);
  heap.remove(3);
  heap.remove(1);
  CHECK(heap.empty());
}

TEST_CASE("lazy heap: any sequence of pushes, delays and removals keeps the earliest on top") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  Rng rng(kSeed);
  LazyHeap heap;
  std::map<std::uint32_t, std::int64_t> expected;  // at by slot
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(1 + rng.below(200));
    const auto at = static_cast<std::int64_t>(rng.below(1'000));
    if (!expected.contains(slot)) {
      heap.push(slot, at);
      expected[slot] = at;
    } else if (rng.below(2) == 0) {
      heap.remove(slot);
      expected.erase(slot);
    } else {
      const LazyHeap::Item top = heap.top();
      heap.delay_top(top.at + at);
      expected[top.slot] = top.at + at;
    }
    REQUIRE(heap.size() == expected.size());
    if (expected.empty()) continue;
    std::int64_t earliest = INT64_MAX;
    for (const auto& [other, time] : expected) earliest = std::min(earliest, time);
    REQUIRE(heap.top().at == earliest);
    REQUIRE(expected.at(heap.top().slot) == earliest);
  }
}

}  // namespace
}  // namespace mayfly
