#include "mayfly/policy/watermark.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("watermark: it goes on at the high mark, and off at the low one alone") {
  Watermark mark(10, 4);
  CHECK_FALSE(mark.update(9));
  CHECK(mark.update(10));
  CHECK(mark.on());
  CHECK_FALSE(mark.update(5));
  CHECK(mark.on());
  CHECK(mark.update(4));
  CHECK_FALSE(mark.on());
  CHECK_FALSE(mark.update(9));
}

TEST_CASE("watermark: other marks count from the next update on") {
  Watermark mark(10, 4);
  mark.update(10);
  mark.set(20, 12);
  CHECK(mark.on());
  CHECK(mark.update(11));
  CHECK_FALSE(mark.on());
}

TEST_CASE("watermark: a low mark that isn't below the high one is refused") {
  CHECK_THROWS_AS(Watermark(4, 4), std::invalid_argument);
  CHECK_THROWS_AS(Watermark(4, -1), std::invalid_argument);
  CHECK_THROWS_AS(Watermark(0, 0), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
