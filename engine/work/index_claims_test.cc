#include "mayfly/work/index_claims.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("IndexClaims: one worker gets all indexes in their order, whatever its runs") {
  IndexClaims claims(10, 1);
  for (std::uint64_t index = 0; index < 10; ++index) CHECK(claims.next(0, 1 + index % 4) == index);
  CHECK(claims.next(0, 1) == IndexClaims::kNone);
}

TEST_CASE("IndexClaims: what a worker hasn't begun goes to others when nothing else is left") {
  IndexClaims claims(8, 3);
  CHECK(claims.next(0, 8) == 0);  // has 1..7
  CHECK(claims.next(1, 4) == 4);  // has 5..7, half of them
  CHECK(claims.next(0, 8) == 1);
  CHECK(claims.next(2, 4) == 3);  // worker 0's: has 2..3 and gives the back half
  std::vector<std::uint64_t> rest;
  for (std::uint64_t index; (index = claims.next(2, 1)) != IndexClaims::kNone;)
    rest.push_back(index);
  std::ranges::sort(rest);
  CHECK(rest == std::vector<std::uint64_t>{2, 5, 6, 7});
  CHECK(claims.next(0, 8) == IndexClaims::kNone);
  CHECK(claims.next(1, 8) == IndexClaims::kNone);
}

TEST_CASE("IndexClaims: of no indexes nobody gets any") {
  IndexClaims claims(0, 2);
  CHECK(claims.next(0, 64) == IndexClaims::kNone);
  CHECK(claims.next(1, 1) == IndexClaims::kNone);
}

// Aims at a thief that swaps a word while its owner takes the last index of it or fills it anew:
// many short ranges, so that most of the time is spent near their ends, where stealing happens.
TEST_CASE("IndexClaims: workers that steal from each other get each index exactly once") {
  constexpr std::uint64_t kSeed = 20;
  CAPTURE(kSeed);
  constexpr int kWorkers = 3;
  constexpr std::uint64_t kSize = 200;
  for (std::uint64_t round = 0; round < 200; ++round) {
    IndexClaims claims(kSize, kWorkers);
    std::vector<std::atomic<int>> taken(kSize);
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < kWorkers; ++worker) {
      threads.emplace_back([&, worker] {
        Rng rng(kSeed + round * kWorkers + static_cast<std::uint64_t>(worker));
        for (std::uint64_t index;
             (index = claims.next(worker, 1 + rng.below(64))) != IndexClaims::kNone;) {
          ++taken[index];
        }
      });
    }
    threads.clear();
    REQUIRE(std::ranges::all_of(taken, [](const std::atomic<int>& count) { return count == 1; }));
  }
}

}  // namespace
}  // namespace mayfly
