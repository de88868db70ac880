#include "mayfly/base/unit_text.h"

#include <doctest/doctest.h>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

TEST_CASE("unit text: a duration is whole days, hours or minutes, or decimals of less") {
  CHECK(format_duration(0) == "0s");
  CHECK(format_duration(2 * kSecond) == "2s");
  CHECK(format_duration(1500 * kMillisecond) == "1.5s");
  CHECK(format_duration(150 * kMillisecond) == "150ms");
  CHECK(format_duration(2 * kMicrosecond) == "2us");
  CHECK(format_duration(7) == "7ns");
  CHECK(format_duration(90 * 60 * kSecond) == "90m");
  CHECK(format_duration(48 * 3600 * kSecond) == "2d");
  CHECK(format_duration(61 * kSecond) == "61s");
}

TEST_CASE("unit text: a size is a whole number of the largest unit that divides it") {
  CHECK(format_size(0) == "0");
  CHECK(format_size(1000) == "1000");
  CHECK(format_size(65536) == "64KiB");
  CHECK(format_size(3 << 20) == "3MiB");
}

TEST_CASE("unit text: a number has the digits that it was written with") {
  CHECK(format_number(0.9 + 0.9) == "1.8");
  CHECK(format_number(0.1 + 0.2) == "0.3");
  CHECK(format_number(1) == "1");
  CHECK(format_number(1.0000001) == "1.0000001");
}

}  // namespace
}  // namespace mayfly
