#include "mayfly/policy/recent_keys.h"

#include <doctest/doctest.h>

#include <deque>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

RecentKeys::Hash key(std::uint64_t n) { return {.low = n, .high = ~n}; }

TEST_CASE("recent keys: a key is new again when the window is over since it was new") {
  RecentKeys keys(10, 5 * kSecond);
  CHECK(keys.add(key(1), 10 * kSecond));
  CHECK_FALSE(keys.add(key(1), 12 * kSecond));
  CHECK_FALSE(keys.add(key(1), 15 * kSecond - 1));
  CHECK(keys.add(key(1), 15 * kSecond));
}

TEST_CASE("recent keys: beyond its room the oldest is forgotten, and that is counted") {
  RecentKeys keys(3, kNever);
  for (std::uint64_t n = 1; n <= 3; ++n) CHECK(keys.add(key(n), kSecond));
  CHECK(keys.pushed_out() == 0);
  CHECK(keys.add(key(4), kSecond));
  CHECK(keys.pushed_out() == 1);
  CHECK(keys.size() == 3);
  CHECK_FALSE(keys.add(key(2), kSecond));
  CHECK(keys.add(key(1), kSecond));
}

TEST_CASE("recent keys: keys that share a place in the table are told apart") {
  RecentKeys keys(8, kNever);
  for (std::uint64_t n = 0; n < 8; ++n) CHECK(keys.add({.low = 7, .high = n}, kSecond));
  for (std::uint64_t n = 0; n < 8; ++n) CHECK_FALSE(keys.add({.low = 7, .high = n}, kSecond));
}

TEST_CASE("recent keys: whatever comes, it says what a plain list would") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const std::size_t room = 1 + rng.below(40);
    RecentKeys keys(room, 1000);
    std::deque<std::pair<std::uint64_t, std::int64_t>> model;
    std::int64_t now = 1;
    for (int step = 0; step < 5000; ++step) {
      now += static_cast<std::int64_t>(rng.below(60));
      const std::uint64_t n = rng.below(60);
      while (!model.empty() && now - model.front().second >= 1000) model.pop_front();
      bool found = false;
      for (const auto& [known, at] : model) found |= known == n;
      // Many keys of few homes.
      REQUIRE(keys.add({.low = n % 5, .high = n}, now) == !found);
      if (found) continue;
      if (model.size() == room) model.pop_front();
      model.emplace_back(n, now);
      REQUIRE(keys.size() == model.size());
    }
  }
}

TEST_CASE("recent keys: no room, and no window, are refused") {
  CHECK_THROWS_AS(RecentKeys(0, kSecond), std::invalid_argument);
  CHECK_THROWS_AS(RecentKeys(RecentKeys::kKeysMax + 1, kSecond), std::invalid_argument);
  CHECK_THROWS_AS(RecentKeys(1, 0), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
