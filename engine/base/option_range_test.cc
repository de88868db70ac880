#include "mayfly/base/option_range.h"

#include <doctest/doctest.h>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

TEST_CASE("option ranges: the first number that is outside of its own is told") {
  const auto told = [](std::int64_t size, std::int64_t time_ns) {
    const OptionRange ranges[] = {{"size", size, 1, 10}, {"time_ns", time_ns, 0, kNever}};
    return check_ranges(ranges).message();
  };
  CHECK(told(1, kNever).empty());
  CHECK(told(10, 0).empty());
  CHECK(told(0, -1) == "size: expected 1 to 10, found 0");
  CHECK(told(11, 0) == "size: expected 1 to 10, found 11");
  CHECK(told(5, -1) == "time_ns: expected at least 0, found -1");
}

}  // namespace
}  // namespace mayfly
