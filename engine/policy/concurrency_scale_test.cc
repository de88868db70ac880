#include "mayfly/policy/concurrency_scale.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("concurrency scale: doubles and halves between its bounds") {
  ConcurrencyScale scale({.min = 3, .max = 20, .cooldown_ns = 10});
  CHECK(scale.limit() == 3);
  std::int64_t now = 100;
  for (const std::uint32_t wanted : {6u, 12u, 20u}) {
    CHECK(scale.up(now += 10));
    CHECK(scale.limit() == wanted);
  }
  CHECK_FALSE(scale.up(now += 10));
  for (const std::uint32_t wanted : {10u, 5u, 3u}) {
    CHECK(scale.down(now += 10));
    CHECK(scale.limit() == wanted);
  }
  CHECK_FALSE(scale.down(now += 10));
}

TEST_CASE("concurrency scale: what is asked for too soon is done later, and the newest counts") {
  ConcurrencyScale scale({.min = 1, .max = 32, .cooldown_ns = 100});
  CHECK(scale.up(1000));
  CHECK_FALSE(scale.up(1050));
  CHECK(scale.due_ns() == 1100);
  CHECK_FALSE(scale.down(1060));
  CHECK_FALSE(scale.advance(1099));
  CHECK(scale.advance(1100));
  CHECK(scale.limit() == 1);
  CHECK(scale.due_ns() == kNever);
  // Asked once, done once.
  CHECK_FALSE(scale.advance(5000));
}

TEST_CASE("concurrency scale: a limit that is set stays within the bounds") {
  ConcurrencyScale scale({.min = 2, .max = 8});
  scale.set(100);
  CHECK(scale.limit() == 8);
  scale.set(0);
  CHECK(scale.limit() == 2);
}

}  // namespace
}  // namespace mayfly
