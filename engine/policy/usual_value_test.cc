#include "mayfly/policy/usual_value.h"

#include <doctest/doctest.h>

#include <limits>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

// About normal, by the sum of twelve: mean 50, deviation 5.
double near_fifty(Rng& rng) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += rng.unit();
  return 50 + 5 * sum;
}

TEST_CASE("usual value: mean and deviation are those of the values that came") {
  Rng rng(1);
  UsualValue usual({.memory = 1000, .bound = 6});
  for (int i = 0; i < 20'000; ++i) CHECK_FALSE(usual.add(near_fifty(rng)));
  CHECK(usual.mean() == doctest::Approx(50).epsilon(0.02));
  CHECK(usual.deviation() == doctest::Approx(5).epsilon(0.1));
}

TEST_CASE("usual value: an outlier is told, and doesn't hide the next one") {
  Rng rng(2);
  UsualValue usual({.memory = 1000, .bound = 6});
  for (int i = 0; i < 1000; ++i) usual.add(near_fifty(rng));
  for (int i = 0; i < 5; ++i) CHECK(usual.add(1e9));
  CHECK(usual.add(-1e9));
  CHECK_FALSE(usual.add(60));
}

TEST_CASE("usual value: a new level becomes usual") {
  Rng rng(3);
  UsualValue usual({.memory = 100, .bound = 6});
  for (int i = 0; i < 1000; ++i) usual.add(near_fifty(rng));
  CHECK(usual.add(near_fifty(rng) + 100));
  for (int i = 0; i < 1000; ++i) usual.add(near_fifty(rng) + 100);
  CHECK_FALSE(usual.add(near_fifty(rng) + 100));
}

TEST_CASE("usual value: after a constant another value is told, and then it varies") {
  UsualValue usual({.memory = 100, .bound = 6});
  for (int i = 0; i < 50; ++i) CHECK_FALSE(usual.add(7));
  CHECK(usual.add(8));
  CHECK(usual.deviation() > 0);
}

TEST_CASE("usual value: nothing is told before enough has come") {
  UsualValue usual({.memory = 1000, .bound = 1});
  for (int i = 0; i < 100; ++i) CHECK_FALSE(usual.add(i % 2 == 0 ? -1e6 : 1e6));
  CHECK(usual.add(1e12));
}

TEST_CASE("usual value: what isn't finite counts for nothing, and the largest do no harm") {
  UsualValue usual({.memory = 10, .bound = 3});
  for (int i = 0; i < 20; ++i) usual.add(i % 2);
  CHECK_FALSE(usual.add(std::numeric_limits<double>::infinity()));
  CHECK_FALSE(usual.add(std::numeric_limits<double>::quiet_NaN()));
  for (int i = 0; i < 100; ++i) usual.add(i % 2 == 0 ? 1.7e308 : -1.7e308);
  for (int i = 0; i < 20; ++i) usual.add(i % 2);
  CHECK(std::isfinite(usual.mean()));
  CHECK(std::isfinite(usual.deviation()));
}

TEST_CASE("usual value: options out of range are refused") {
  CHECK_THROWS_AS(UsualValue({.memory = 1}), std::invalid_argument);
  CHECK_THROWS_AS(UsualValue({.bound = 0}), std::invalid_argument);
  CHECK_THROWS_AS(UsualValue({.bound = std::numeric_limits<double>::quiet_NaN()}),
                  std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
