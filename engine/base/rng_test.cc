#include "mayfly/base/rng.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("rng: it gives splitmix64's published values for seed 1234567") {
  Rng rng(1234567);
  CHECK(rng.next() == 6457827717110365317u);
  CHECK(rng.next() == 3203168211198807973u);
  CHECK(rng.next() == 9817491932198370423u);
}

TEST_CASE("rng: one seed gives one sequence, another seed another") {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  const std::uint64_t first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
}

TEST_CASE("rng: below() stays below its bound and reaches every value") {
  Rng rng(3);
  int seen[5] = {};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = rng.below(5);
    REQUIRE(value < 5);
    ++seen[value];
  }
  for (const int count : seen) CHECK(count > 1'800);
}

TEST_CASE("rng: unit() is in [0, 1) and averages to a half") {
  Rng rng(4);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = rng.unit();
    REQUIRE(value >= 0.0);
    REQUIRE(value < 1.0);
    sum += value;
  }
  CHECK(sum / 10'000 == doctest::Approx(0.5).epsilon(0.02));
}

}  // namespace
}  // namespace mayfly
