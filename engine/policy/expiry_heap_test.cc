#include "mayfly/policy/expiry_heap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("expiry heap: the earliest is on top, whoever leaves") {
  ExpiryHeap heap;
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

TEST_CASE("expiry heap: any sequence of pushes, delays and removals keeps the earliest on top") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  Rng rng(kSeed);
  ExpiryHeap heap;
  std::map<std::uint32_t, std::int64_t> expected;  // due by slot
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(1 + rng.below(200));
    const auto due = static_cast<std::int64_t>(rng.below(1'000));
    if (!expected.contains(slot)) {
      heap.push(slot, due);
      expected[slot] = due;
    } else if (rng.below(2) == 0) {
      heap.remove(slot);
      expected.erase(slot);
    } else {
      const ExpiryHeap::Item top = heap.top();
      heap.delay_top(top.due + due);
      expected[top.slot] = top.due + due;
    }
    REQUIRE(heap.size() == expected.size());
    if (expected.empty()) continue;
    std::int64_t earliest = INT64_MAX;
    for (const auto& [other, at] : expected) earliest = std::min(earliest, at);
    REQUIRE(heap.top().due == earliest);
    REQUIRE(expected.at(heap.top().slot) == earliest);
  }
}

}  // namespace
}  // namespace mayfly
