#include "mayfly/policy/drain_patience.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("drain patience: waits for ever, then for half of the time from the first drain on") {
  DrainPatience patience;
  CHECK_FALSE(patience.is_over(kNever - 1));
  CHECK(patience.until_ns() == kNever);
  patience.begin(1000, 2000);
  CHECK(patience.until_ns() == 1500);
  patience.begin(1400, 2000);
  CHECK(patience.until_ns() == 1500);
  CHECK_FALSE(patience.is_over(1499));
  CHECK(patience.is_over(1500));
}

TEST_CASE("drain patience: without a deadline it doesn't overflow, and without time it is over") {
  DrainPatience patience;
  patience.begin(1000, kNever);
  CHECK(patience.until_ns() > 1000);
  CHECK_FALSE(patience.is_over(1'000'000'000));
  DrainPatience none;
  none.begin(1000, 1000);
  CHECK(none.is_over(1000));
}

}  // namespace
}  // namespace mayfly
