#include "mayfly/policy/cache_ledger.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

namespace mayfly {
namespace {

constexpr std::int64_t kStart = kSecond;

TEST_CASE("cache ledger: an entry expires at the nanosecond its idle time is up, not before") {
  CacheLedger ledger({});
  const CacheSlot slot = ledger.add(kStart, 100);
  CHECK_FALSE(ledger.expired(slot, kStart + 99));
  CHECK(ledger.expired(slot, kStart + 100));
  CHECK(ledger.touch(slot, kStart + 100) == CacheTouch::kExpired);
  CHECK(ledger.touch(slot, kStart + 99) == CacheTouch::kHit);
  CHECK(ledger.info(slot).expires_ns == kStart + 199);
}

// SPEC 6 item 3.
TEST_CASE(
    "cache ledger: being added is the first access, and the threshold is reached, not passed") {
  CacheLedger ledger({.hot_ttl_ns = 1'000, .hot_threshold = 3});
  const CacheSlot slot = ledger.add(kStart, 100);
  CHECK(ledger.info(slot).accesses == 1);
  CHECK(ledger.touch(slot, kStart) == CacheTouch::kHit);
  CHECK_FALSE(ledger.info(slot).hot);
  CHECK(ledger.touch(slot, kStart) == CacheTouch::kBecameHot);
  CHECK(ledger.info(slot).expires_ns == kStart + 1'000);
  CHECK(ledger.touch(slot, kStart) == CacheTouch::kHit);
  CHECK(ledger.info(slot).accesses == 4);
}

TEST_CASE("cache ledger: with a threshold of one an entry is hot when it is added") {
  CacheLedger ledger({.hot_ttl_ns = 1'000, .hot_threshold = 1});
  const CacheSlot slot = ledger.add(kStart, 100);
  CHECK(ledger.info(slot).hot);
  CHECK(ledger.info(slot).expires_ns == kStart + 1'000);
}

TEST_CASE("cache ledger: hot entries never live shorter, and no entry outlives its lifetime") {
  CacheLedger ledger({.hot_ttl_ns = 10, .lifetime_ns = 150, .hot_threshold = 2});
  const CacheSlot slot = ledger.add(kStart, 100);
  CHECK(ledger.touch(slot, kStart + 20) == CacheTouch::kBecameHot);
  CHECK(ledger.info(slot).expires_ns == kStart + 120);
  CHECK(ledger.touch(slot, kStart + 119) == CacheTouch::kHit);
  CHECK(ledger.info(slot).expires_ns == kStart + 150);
}

TEST_CASE("cache ledger: an entry that never idles out stays; an older time shortens nothing") {
  CacheLedger ledger({});
  const CacheSlot forever = ledger.add(kStart, kNever);
  CHECK(ledger.info(forever).expires_ns == kNever);
  const CacheSlot slot = ledger.add(kStart, 100);
  CHECK(ledger.touch(slot, kStart + 50) == CacheTouch::kHit);
  CHECK(ledger.touch(slot, kStart + 10) == CacheTouch::kHit);
  CHECK(ledger.info(slot).expires_ns == kStart + 150);
}

TEST_CASE("cache ledger: it never holds more than its size; the least recently used leaves first") {
  CacheLedger ledger({.size_max = 3});
  const CacheSlot a = ledger.add(kStart, 100);
  const CacheSlot b = ledger.add(kStart, 100);
  const CacheSlot c = ledger.add(kStart, 100);
  CHECK(ledger.full());
  CHECK(ledger.add(kStart, 100) == kNoSlot);
  CHECK(ledger.touch(a, kStart) == CacheTouch::kHit);
  CHECK(ledger.choose_victim(kStart) == b);
  ledger.remove(b);
  CHECK(ledger.choose_victim(kStart) == c);
  CHECK(ledger.add(kStart, 100) == b);  // the slot is used again
  CHECK(ledger.size() == 3);
}

TEST_CASE("cache ledger: what has expired leaves before what lives, wherever it stands") {
  CacheLedger ledger({.size_max = 3});
  const CacheSlot lives = ledger.add(kStart, 1'000);
  const CacheSlot expires = ledger.add(kStart, 10);
  CHECK(ledger.touch(expires, kStart + 5) == CacheTouch::kHit);
  CHECK(ledger.find_expired(kStart + 14) == kNoSlot);
  CHECK(ledger.choose_victim(kStart + 14) == lives);
  CHECK(ledger.choose_victim(kStart + 15) == expires);
  CHECK(ledger.find_expired(kStart + 15) == expires);
}

TEST_CASE("cache ledger: a hot entry is passed over once, then it leaves like any other") {
  CacheLedger ledger({.size_max = 4, .hot_threshold = 2});
  const CacheSlot hot = ledger.add(kStart, 100);
  CHECK(ledger.touch(hot, kStart) == CacheTouch::kBecameHot);
  std::vector<CacheSlot> victims;
  for (int i = 0; i < 3; ++i) CHECK(ledger.add(kStart, 100) != kNoSlot);
  for (int i = 0; i < 8; ++i) {
    victims.push_back(ledger.choose_victim(kStart));
    ledger.remove(victims.back());
    if (victims.back() == hot) break;
    CHECK(ledger.add(kStart, 100) != kNoSlot);
  }
  // It came first, was passed over for three, and leaves when its turn comes again.
  CHECK(victims.size() == 4);
  CHECK(victims.back() == hot);
}

TEST_CASE("cache ledger: an access gives chances back") {
  CacheLedger ledger({.size_max = 2});
  const CacheSlot kept = ledger.add(kStart, 100, 1);
  const CacheSlot other = ledger.add(kStart, 100);
  CHECK(ledger.choose_victim(kStart) == other);
  CHECK(ledger.touch(other, kStart) == CacheTouch::kHit);
  CHECK(ledger.choose_victim(kStart) == kept);
  CHECK(ledger.touch(kept, kStart) == CacheTouch::kHit);
  CHECK(ledger.touch(other, kStart) == CacheTouch::kHit);
  CHECK(ledger.choose_victim(kStart) == other);
}

TEST_CASE("cache ledger: however many chances there are, a victim is found after a bounded walk") {
  CacheLedger ledger({.size_max = 1'000});
  for (int i = 0; i < 1'000; ++i) CHECK(ledger.add(kStart, 100, UINT32_MAX) != kNoSlot);
  // Slots were given out in order: the first kLooksMax are passed over.
  CHECK(ledger.choose_victim(kStart) == CacheLedger::kLooksMax + 1);
  CacheLedger one({.size_max = 1});
  const CacheSlot only = one.add(kStart, 100, UINT32_MAX);
  CHECK(one.choose_victim(kStart) == only);
  CHECK(CacheLedger({}).choose_victim(kStart) == kNoSlot);
}

TEST_CASE("cache ledger: expired entries are found in bounded steps, all of them in the end") {
  CacheLedger ledger({});
  std::vector<CacheSlot> refreshed;
  for (int i = 0; i < 100; ++i) refreshed.push_back(ledger.add(kStart, 100));
  const CacheSlot expires = ledger.add(kStart, 120);
  for (const CacheSlot slot : refreshed) CHECK(ledger.touch(slot, kStart + 90) == CacheTouch::kHit);
  // A hundred entries look due before the one that is: each is looked at once.
  int calls = 1;
  for (; ledger.find_expired(kStart + 150) == kNoSlot; ++calls) {
    REQUIRE(ledger.may_have_expired(kStart + 150));
  }
  CHECK(calls == 100 / CacheLedger::kLooksMax + 1);
  CHECK(ledger.find_expired(kStart + 150) == expires);
  ledger.remove(expires);
  CHECK(ledger.find_expired(kStart + 150) == kNoSlot);
  CHECK_FALSE(ledger.may_have_expired(kStart + 150));
}

TEST_CASE("cache ledger: counts tell valid, expired and hot ones apart") {
  CacheLedger ledger({.hot_ttl_ns = 1'000, .hot_threshold = 2});
  const CacheSlot hot = ledger.add(kStart, 100);
  CHECK(ledger.touch(hot, kStart) == CacheTouch::kBecameHot);
  CHECK(ledger.add(kStart, 500) != kNoSlot);
  CHECK(ledger.add(kStart, 100) != kNoSlot);
  const CacheLedgerCounts counts = ledger.counts(kStart + 100);
  CHECK(counts.valid == 2);
  CHECK(counts.expired == 1);
  CHECK(counts.hot == 1);
}

TEST_CASE("cache ledger: limits that aren't positive are refused") {
  CHECK_THROWS_AS(CacheLedger({.size_max = 0}), std::invalid_argument);
  CHECK_THROWS_AS(CacheLedger({.size_max = CacheLedger::kSizeMax + 1}), std::invalid_argument);
  CHECK_THROWS_AS(CacheLedger({.hot_ttl_ns = -1}), std::invalid_argument);
  CHECK_THROWS_AS(CacheLedger({.lifetime_ns = 0}), std::invalid_argument);
  CHECK_THROWS_AS(CacheLedger({.hot_threshold = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
