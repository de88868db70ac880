#include "mayfly/base/slot_index.h"

#include <doctest/doctest.h>

#include <map>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("slot index: slots of equal hash are told apart by their keys") {
  SlotIndex index;
  index.insert(7, 1);
  index.insert(7, 2);
  CHECK(index.find(7, [](std::uint32_t slot) { return slot == 2; }) == 2);
  CHECK(index.find(7, [](std::uint32_t) { return false; }) == kNoIndexedSlot);
  CHECK(index.find(8, [](std::uint32_t) { return true; }) == kNoIndexedSlot);
  index.erase(7, 1);
  CHECK(index.find(7, [](std::uint32_t slot) { return slot == 2; }) == 2);
  CHECK(index.size() == 1);
}

TEST_CASE("slot index: any sequence of insertions and removals leaves what was inserted, alone") {
  constexpr std::uint64_t kSeed = 20261122;
  CAPTURE(kSeed);
  Rng rng(kSeed);
  SlotIndex index;
  std::map<std::uint32_t, std::uint64_t> expected;  // hash by slot
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(1 + rng.below(300));
    if (const auto found = expected.find(slot); found != expected.end()) {
      index.erase(found->second, slot);
      expected.erase(found);
    } else {
      // Few hashes, so that runs of cells are long, and some wrap around the table's end.
      expected[slot] = rng.below(2) == 0 ? rng.below(40) : UINT32_MAX - rng.below(10);
      index.insert(expected[slot], slot);
    }
    REQUIRE(index.size() == expected.size());
    if (step % 50 != 0) continue;
    for (const auto& [other, hash] : expected) {
      REQUIRE(index.find(hash, [&](std::uint32_t at) { return at == other; }) == other);
    }
  }
}

}  // namespace
}  // namespace mayfly
