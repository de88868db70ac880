// The ring alone: what fits, what is refused, gaps at the end, closing, many threads.
#include "mayfly/storage/log_database/log_ring.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// Fills what was claimed: its length in bytes, then copies of `value`.
bool put(LogRing& ring, std::size_t bytes, std::uint32_t value) {
  const LogRing::Claim claim = ring.claim(bytes);
  if (claim.data == nullptr) return false;
  const auto words = static_cast<std::uint32_t>(bytes / 4);
  std::memcpy(claim.data, &words, 4);
  for (std::uint32_t i = 1; i < words; ++i) std::memcpy(claim.data + 4 * i, &value, 4);
  ring.complete(claim);
  return true;
}

// The value of a record; fails when its words differ.
std::uint32_t value_of(const std::byte* record) {
  std::uint32_t words = 0;
  std::memcpy(&words, record, 4);
  std::uint32_t value = 0;
  std::memcpy(&value, record + 4, 4);
  for (std::uint32_t i = 2; i < words; ++i) {
    std::uint32_t one = 0;
    std::memcpy(&one, record + 4 * i, 4);
    if (one != value) FAIL_CHECK("a record is torn");
  }
  return value;
}

std::vector<std::uint32_t> take_all(LogRing& ring) {
  std::vector<std::uint32_t> values;
  LogRing::Cursor cursor = ring.begin();
  while (const std::byte* record = ring.next(cursor)) values.push_back(value_of(record));
  ring.release(cursor);
  return values;
}

TEST_CASE("log ring: records come out in the order in which they went in") {
  LogRing ring(16, 4096);
  for (std::uint32_t i = 0; i < 10; ++i) REQUIRE(put(ring, 8 + 4 * i, i));
  CHECK(ring.pending() == 10);
  CHECK(take_all(ring) == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(ring.pending() == 0);
  CHECK(ring.claimed_total() == 10);
}

TEST_CASE("log ring: without room for the record, or of records, it is refused") {
  LogRing ring(3, 1024);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(put(ring, 8, i));
  CHECK_FALSE(put(ring, 8, 3));
  CHECK(take_all(ring).size() == 3);
  CHECK(put(ring, 504, 0));  // 512 bytes with its header
  CHECK_FALSE(put(ring, 508, 1));
  CHECK_FALSE(ring.is_half_full() == false);
  CHECK(ring.claim(505).data == nullptr);  // more than half of it
  CHECK(take_all(ring).size() == 1);
}

TEST_CASE("log ring: a record that doesn't fit before the end leaves a gap") {
  LogRing ring(100, 1024);
  std::uint32_t next = 0;
  std::uint32_t expected = 0;
  // Lengths that don't divide the ring: its end is met at many places, and turned round often.
  for (int turn = 0; turn < 2000; ++turn) {
    while (put(ring, 8 + 4 * (next * 37 % 90), next)) ++next;
    for (const std::uint32_t value : take_all(ring)) CHECK(value == expected++);
  }
  CHECK(expected == next);
  CHECK(next > 4000);
}

TEST_CASE("log ring: a record that isn't complete holds up those behind it") {
  LogRing ring(16, 4096);
  const LogRing::Claim late = ring.claim(8);
  REQUIRE(put(ring, 8, 2));
  LogRing::Cursor cursor = ring.begin();
  CHECK(ring.next(cursor) == nullptr);
  const std::uint32_t words[] = {2, 1};
  std::memcpy(late.data, words, 8);
  ring.complete(late);
  CHECK(take_all(ring) == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("log ring: a ring that is read but not released is full, and is read once") {
  LogRing ring(64, 1024);
  std::uint32_t count = 0;
  while (put(ring, 56, count)) ++count;
  CHECK(count == 16);
  LogRing::Cursor cursor = ring.begin();
  for (std::uint32_t i = 0; i < count; ++i) REQUIRE(ring.next(cursor) != nullptr);
  CHECK(ring.next(cursor) == nullptr);
  CHECK_FALSE(put(ring, 8, 0));
  ring.release(cursor);
  CHECK(put(ring, 8, 0));
}

TEST_CASE("log ring: what was claimed before it was closed is completed, then nothing is claimed") {
  LogRing ring(16, 4096);
  REQUIRE(put(ring, 8, 1));
  const LogRing::Claim before = ring.claim(8);
  ring.close();
  CHECK_FALSE(put(ring, 8, 3));
  const std::uint32_t words[] = {2, 2};
  std::memcpy(before.data, words, 8);
  ring.complete(before);
  CHECK(ring.pending() == 2);
  CHECK(take_all(ring) == std::vector<std::uint32_t>{1, 2});
  CHECK(ring.claimed_total() == 2);
}

TEST_CASE("log ring: sizes beyond its limits are refused") {
  CHECK_THROWS_AS(LogRing(0, 4096), std::invalid_argument);
  CHECK_THROWS_AS(LogRing(LogRing::kRecordsMax + 1, 4096), std::invalid_argument);
  CHECK_THROWS_AS(LogRing(16, 0), std::invalid_argument);
  CHECK_THROWS_AS(LogRing(16, LogRing::kBytesMax + 1), std::invalid_argument);
}

// Interleaving: four producers meet the end of a small ring, a full ring and each other's claims,
// while the consumer releases in pieces.
TEST_CASE("log ring: threads' records arrive whole, each thread's in order, refusals counted") {
  constexpr std::uint32_t kThreads = 4;
  constexpr std::uint32_t kEach = 20'000;
  LogRing ring(200, 8192);
  std::atomic<std::uint32_t> refused{0};
  std::atomic<std::uint32_t> running{kThreads};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        if (!put(ring, 8 + 4 * (i * 13 % 60), t << 24 | i)) {
          refused.fetch_add(1);
          std::this_thread::yield();
        }
      }
      running.fetch_sub(1);
    });
  }
  std::uint64_t taken = 0;
  std::vector<std::int64_t> last(kThreads, -1);
  bool in_order = true;
  for (bool more = true; more;) {
    more = running.load() > 0 || ring.pending() > 0;
    LogRing::Cursor cursor = ring.begin();
    for (int i = 0; i < 17; ++i) {
      const std::byte* const record = ring.next(cursor);
      if (record == nullptr) break;
      const std::uint32_t value = value_of(record);
      in_order = in_order && last[value >> 24] < (value & 0xFFFFFF);
      last[value >> 24] = value & 0xFFFFFF;
      ++taken;
    }
    ring.release(cursor);
    CHECK(ring.pending() <= 200);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(in_order);
  CHECK(taken + refused.load() == kThreads * kEach);
  CHECK(ring.claimed_total() == taken);
}

}  // namespace
}  // namespace mayfly
