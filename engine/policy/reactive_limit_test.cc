#include "mayfly/policy/reactive_limit.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("reactive limit: drops at the threshold, and returns at relief (C142)") {
  ReactiveLimit limit(
      {.min = 1, .max = 8, .backpressure = 3, .relief = 1, .slow_after_ns = 0, .cooldown_ns = 100});
  limit.passed(2, 1000);
  CHECK_FALSE(limit.update(1000));
  limit.passed(1, 1000);
  CHECK(limit.update(1000));
  CHECK(limit.limit() == 1);
  limit.answered(1);
  CHECK_FALSE(limit.update(1001));
  CHECK(limit.limit() == 1);
  limit.answered(1);
  CHECK(limit.update(1002));
  CHECK(limit.limit() == 8);
}

TEST_CASE("reactive limit: another drop comes no sooner than the cooldown after the last change") {
  ReactiveLimit limit(
      {.min = 1, .max = 8, .backpressure = 3, .relief = 1, .slow_after_ns = 0, .cooldown_ns = 100});
  limit.passed(3, 1000);
  CHECK(limit.update(1000));
  limit.answered(3);
  CHECK(limit.update(1010));
  limit.passed(8, 1020);
  CHECK_FALSE(limit.update(1020));
  CHECK(limit.due_ns() == 1110);
  CHECK_FALSE(limit.update(1109));
  CHECK(limit.update(1110));
  CHECK(limit.limit() == 1);
}

TEST_CASE("reactive limit: a quick receiver that is kept busy isn't taken for a slow one") {
  ReactiveLimit limit(
      {.min = 1, .max = 8, .backpressure = 4, .relief = 1, .slow_after_ns = 640, .cooldown_ns = 0});
  std::int64_t now = 10'000;
  limit.passed(8, now);
  for (int step = 0; step < 1000; ++step) {
    now += 100;
    limit.answered(4);
    limit.passed(4, now);
    CHECK_FALSE(limit.update(now));
    CHECK(limit.due_ns() == now + 80);
  }
  // Now nothing is answered any more.
  CHECK_FALSE(limit.update(now + 500));
  CHECK(limit.update(now + 640));
  CHECK(limit.pending(now + 640) == 8);
  CHECK(limit.limit() == 1);
  CHECK(limit.due_ns() == kNever);
}

TEST_CASE("reactive limit: with min above relief it stays at min while answers are slow") {
  ReactiveLimit limit({.min = 4,
                       .max = 100,
                       .backpressure = 50,
                       .relief = 2,
                       .slow_after_ns = 640,
                       .cooldown_ns = 0});
  std::int64_t now = 10'000;
  limit.passed(100, now);
  CHECK(limit.update(now += 640));
  limit.answered(96);
  CHECK_FALSE(limit.update(now));
  // Each answer lets another row pass, and each takes long.
  for (int row = 0; row < 50; ++row) {
    now += 700;
    limit.answered(1);
    limit.passed(1, now);
    CHECK_FALSE(limit.update(now));
    CHECK(limit.limit() == 4);
  }
  // Now they are quick.
  bool back = false;
  for (int row = 0; row < 4; ++row) {
    now += 10;
    limit.answered(1);
    limit.passed(1, now);
    back |= limit.update(now);
  }
  CHECK(back);
  CHECK(limit.limit() == 100);
}

TEST_CASE("reactive limit: a threshold that is lowered below relief still lets it return") {
  ReactiveLimit limit({.min = 1,
                       .max = 100,
                       .backpressure = 50,
                       .relief = 20,
                       .slow_after_ns = 0,
                       .cooldown_ns = 0});
  limit.set_backpressure(10);
  limit.passed(10, 1);
  CHECK(limit.update(1));
  CHECK_FALSE(limit.update(2));
  limit.answered(1);
  CHECK(limit.update(3));
  // What was never out isn't answered.
  limit.answered(100);
  CHECK(limit.pending(4) == 0);
}

}  // namespace
}  // namespace mayfly
