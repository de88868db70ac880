#include "mayfly/data/slice_queue.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

TEST_CASE("a queue sized for the pool takes every row of it on one lane, in order") {
  constexpr std::uint32_t kRows = 4096;
  SliceQueue queue(kRows, 1);
  const auto lane = queue.add_lane();
  for (std::uint32_t i = 0; i < kRows; ++i) queue.push(lane, i);
  std::vector<RowRef> heads(kRows);
  REQUIRE(queue.pop(heads) == kRows);
  for (std::uint32_t i = 0; i < kRows; ++i) REQUIRE(heads[i] == i);
}

// Interleaving aimed at: two lanes push while the consumer drains, so that blocks are recycled
// between a push and a pop of the same lane.
TEST_CASE("two lanes and one consumer lose nothing and keep each lane's order") {
  constexpr std::uint32_t kEach = 20'000;
  SliceQueue queue(2 * kEach, 2);
  std::array<SliceQueue::LaneId, 2> lanes = {queue.add_lane(), queue.add_lane()};
  std::vector<std::jthread> producers;
  for (std::uint32_t p = 0; p < 2; ++p) {
    producers.emplace_back([&queue, lane = lanes[p], p] {
      for (std::uint32_t i = 0; i < kEach; ++i) queue.push(lane, p << 31 | i);
    });
  }
  std::array<std::uint32_t, 2> expected{};
  std::array<RowRef, 64> heads;
  while (expected[0] + expected[1] < 2 * kEach) {
    const std::size_t count = queue.pop(heads);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t p = heads[i] >> 31;
      REQUIRE((heads[i] & 0x7FFF'FFFF) == expected[p]);
      ++expected[p];
    }
  }
  CHECK(queue.size_approx() == 0);
}

}  // namespace
}  // namespace mayfly
