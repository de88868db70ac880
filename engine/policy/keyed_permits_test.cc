#include "mayfly/policy/keyed_permits.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

// What next() grants until there is none: "a2 b1".
template <std::uint32_t kLanes>
std::string grants(KeyedPermits<kLanes>& permits) {
  std::string text;
  while (const auto grant = permits.next()) {
    if (!text.empty()) text += ' ';
    text += static_cast<char>(grant->key);
    text += std::to_string(grant->count);
    if (kLanes > 1) text += "@" + std::to_string(grant->lane);
  }
  return text;
}

TEST_CASE("keyed permits: one of a key at a time, keys beside each other, so many in all (C140)") {
  KeyedPermits permits(2, 1);
  CHECK(permits.enter('a'));
  CHECK_FALSE(permits.enter('a'));
  CHECK(permits.enter('b'));
  CHECK_FALSE(permits.enter('b'));
  CHECK_FALSE(permits.enter('c'));
  CHECK(permits.highest() == 2);
  CHECK(grants(permits).empty());
  // c waited for the limit alone, so it comes before the second a.
  permits.give_back('a');
  CHECK(grants(permits) == "c1");
  permits.give_back('b');
  CHECK(grants(permits) == "a1");
  permits.give_back('c');
  CHECK(grants(permits) == "b1");
  permits.give_back('a');
  permits.give_back('b');
  CHECK(permits.out() == 0);
  CHECK(permits.keys() == 0);
}

TEST_CASE("keyed permits: a hot key holds back itself alone (P7)") {
  KeyedPermits permits(4, 1);
  CHECK(permits.enter('a'));
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(permits.enter('a'));
  CHECK(permits.enter('b'));
  CHECK(permits.enter('c'));
  CHECK(permits.out() == 3);
}

TEST_CASE("keyed permits: a cold key waits for a turn, not for a hot one's backlog (P8)") {
  KeyedPermits permits(2, 2);
  for (int i = 0; i < 1000; ++i) permits.enter('a');
  CHECK_FALSE(permits.enter('b'));
  CHECK_FALSE(permits.enter('b'));
  CHECK_FALSE(permits.enter('c'));
  permits.give_back('a');
  CHECK(grants(permits) == "b1");
  permits.give_back('a');
  CHECK(grants(permits) == "c1");
}

TEST_CASE("keyed permits: what a key may have more at once is granted at once") {
  KeyedPermits permits(8, 3);
  for (int i = 0; i < 8; ++i) permits.enter('a');
  CHECK(permits.waiting() == 5);
  for (int i = 0; i < 3; ++i) permits.give_back('a');
  CHECK(grants(permits) == "a3");
  permits.set_per_key(5);
  CHECK(grants(permits) == "a2");
  CHECK(permits.waiting() == 0);
}

TEST_CASE("keyed permits: limits that are lowered hold at once") {
  KeyedPermits permits(4, 2);
  for (int i = 0; i < 4; ++i) permits.enter('a');
  for (int i = 0; i < 4; ++i) permits.enter('b');
  permits.set_limit(1);
  permits.set_per_key(1);
  permits.give_back('a');
  permits.give_back('a');
  permits.give_back('b');
  CHECK(grants(permits).empty());
  permits.give_back('b');
  CHECK(permits.out() == 0);
  CHECK(grants(permits).size() == 2);
  CHECK(permits.out() == 1);
}

TEST_CASE("keyed permits: a higher lane goes first, also before those of its own key that wait") {
  KeyedPermits<2> permits(2, 1);
  CHECK(permits.enter('a', 0));
  CHECK(permits.enter('b', 0));
  CHECK_FALSE(permits.enter('a', 0));
  CHECK_FALSE(permits.enter('c', 0));
  CHECK_FALSE(permits.enter('a', 1));
  CHECK_FALSE(permits.enter('d', 1));
  permits.give_back('a');
  CHECK(grants(permits) == "d1@1");
  permits.give_back('b');
  CHECK(grants(permits) == "a1@1");
  permits.give_back('d');
  CHECK(grants(permits) == "c1@0");
  permits.give_back('c');
  // Its normal one waits for the one of the higher lane.
  CHECK(grants(permits).empty());
  permits.give_back('a');
  CHECK(grants(permits) == "a1@0");
}

TEST_CASE(
    "keyed permits: one that enters before next() was asked overtakes none of its key and lane") {
  KeyedPermits<2> permits(2, 1);
  CHECK(permits.enter('a', 0));
  CHECK_FALSE(permits.enter('a', 0));
  permits.give_back('a');
  CHECK_FALSE(permits.can_enter('a', 0));
  CHECK_FALSE(permits.enter('a', 0));
  CHECK(permits.can_enter('a', 1));
  CHECK(permits.enter('b', 0));
  CHECK(grants(permits) == "a1@0");
}

TEST_CASE("keyed permits: what never went gives nothing back") {
  KeyedPermits permits(2, 2);
  permits.give_back('a');
  CHECK(permits.enter('a'));
  permits.give_back('a');
  permits.give_back('a');
  CHECK(permits.out() == 0);
  CHECK(permits.keys() == 0);
}

// Against a model that looks at everything: limits hold, the oldest of a key and lane goes, and
// nobody waits who could go.
TEST_CASE("keyed permits: random calls keep limits, order and progress") {
  const std::uint64_t seed = 20260727;
  CAPTURE(seed);
  Rng rng(seed);
  KeyedPermits<3> permits(5, 2);
  std::map<std::uint64_t, std::uint64_t> out;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> waiting;
  std::uint64_t total = 0;
  const auto grant = [&] {
    while (const auto granted = permits.next()) {
      REQUIRE(granted->count >= 1);
      std::uint64_t& left = waiting[{granted->key, granted->lane}];
      REQUIRE(left >= granted->count);
      left -= granted->count;
      out[granted->key] += granted->count;
      total += granted->count;
      REQUIRE(out[granted->key] <= permits.per_key());
      REQUIRE(total <= permits.limit());
    }
    if (total >= permits.limit()) return;
    for (const auto& [who, count] : waiting) {
      REQUIRE((count == 0 || out[who.first] >= permits.per_key()));
    }
  };
  for (int call = 0; call < 100'000; ++call) {
    const std::uint64_t key = rng.below(12);
    switch (rng.below(16)) {
      case 0:
        permits.set_limit(1 + rng.below(8));
        break;
      case 1:
        permits.set_per_key(1 + rng.below(4));
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: {
        const auto lane = static_cast<std::uint32_t>(rng.below(3));
        const bool first = waiting[{key, lane}] == 0;
        const bool can = permits.can_enter(key, lane);
        const bool entered = permits.enter(key, lane);
        REQUIRE(entered == can);
        if (entered) {
          REQUIRE(first);
          REQUIRE(++out[key] <= permits.per_key());
          REQUIRE(++total <= permits.limit());
        } else {
          ++waiting[{key, lane}];
        }
        break;
      }
      default:
        if (out[key] > 0) --out[key], --total;
        permits.give_back(key);
    }
    grant();
    REQUIRE(permits.out() == total);
  }
  std::size_t keys = 0;
  for (std::uint64_t key = 0; key < 12; ++key) {
    keys += out[key] + waiting[{key, 0}] + waiting[{key, 1}] + waiting[{key, 2}] > 0 ? 1 : 0;
  }
  CHECK(permits.keys() == keys);
}

}  // namespace
}  // namespace mayfly
