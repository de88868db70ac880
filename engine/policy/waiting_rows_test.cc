#include "mayfly/policy/waiting_rows.h"

#include <doctest/doctest.h>

#include <deque>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("waiting rows: the oldest is due when it has waited for the limit") {
  WaitingRows waiting(32 * kSecond);
  CHECK(waiting.due_ns() == kNever);
  waiting.add(3, 100 * kSecond);
  waiting.add(4, 110 * kSecond);
  CHECK(waiting.rows() == 7);
  CHECK(waiting.due_ns() == 132 * kSecond);
  CHECK(waiting.overdue(132 * kSecond - 1) == 0);
  CHECK(waiting.overdue(132 * kSecond) == 3);
  waiting.take(4);
  CHECK(waiting.age_ns(111 * kSecond) == kSecond);
  CHECK(waiting.overdue(1000 * kSecond) == 3);
  waiting.take(100);
  CHECK(waiting.rows() == 0);
  CHECK(waiting.age_ns(111 * kSecond) == 0);
}

TEST_CASE("waiting rows: without a limit none is ever due") {
  WaitingRows waiting;
  waiting.add(1, kSecond);
  CHECK(waiting.due_ns() == kNever);
  CHECK(waiting.overdue(kNever - 1) == 0);
}

TEST_CASE("waiting rows: no row counts as younger than it is, or as much older") {
  constexpr std::int64_t kLimit = 3200;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    WaitingRows waiting(kLimit);
    std::deque<std::int64_t> model;
    std::int64_t now = 1000;
    for (int step = 0; step < 2000; ++step) {
      now += static_cast<std::int64_t>(rng.below(200));
      for (std::uint64_t i = rng.below(5); i > 0; --i) {
        waiting.add(1, now);
        model.push_back(now);
      }
      // As whoever keeps the limit does.
      const std::uint64_t gone = std::max(waiting.overdue(now), rng.below(4));
      waiting.take(gone);
      for (std::uint64_t i = 0; i < gone && !model.empty(); ++i) model.pop_front();
      REQUIRE(waiting.rows() == model.size());
      const std::int64_t age = model.empty() ? 0 : now - model.front();
      REQUIRE(waiting.age_ns(now) >= age);
      REQUIRE(waiting.age_ns(now) <= age + kLimit / 32);
    }
  }
}

TEST_CASE("waiting rows: where nobody takes them, the oldest keeps its time") {
  WaitingRows waiting(100);
  for (std::int64_t now = 1; now <= 100'000; ++now) waiting.add(1, now);
  CHECK(waiting.rows() == 100'000);
  CHECK(waiting.age_ns(100'000) == 99'999);
  waiting.take(50'000);
  CHECK(waiting.age_ns(100'000) >= 50'000);
  CHECK(waiting.age_ns(100'000) <= 55'000);
}

}  // namespace
}  // namespace mayfly
