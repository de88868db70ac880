#include "mayfly/data/readers/number.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("number: integers are canonical within 64 bits, and nothing else is") {
  std::int64_t value = 0;
  for (const char* text : {"0", "7", "-7", "10", "12345678", "-123456789012345678",
                           "9223372036854775807", "-9223372036854775808"}) {
    REQUIRE_MESSAGE(parse_int64(text, &value), text);
    CHECK(std::to_string(value) == text);
  }
  for (const char* text : {"", "-", "+5", "007", "-0", "00", " 5", "5 ", "1.0", "1e3", "0x10",
                           "1_000", "9223372036854775808", "-9223372036854775809",
                           "12345678901234567890", "123a", "\xD9\xA3"}) {
    CHECK_MESSAGE(!parse_int64(text, &value), text);
  }
}

TEST_CASE("number: the padded forms say the same as the exact ones") {
  Rng rng(7);
  constexpr char kLetters[] = "0123456789012345678900..-eE+ x";
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    const std::uint64_t size = rng.below(22);
    if (rng.below(4) == 0) text += '-';
    for (std::uint64_t k = 0; k < size; ++k)
      text += kLetters[rng.below(rng.below(3) ? 22 : sizeof kLetters - 1)];
    std::string padded = text + "9.9.9.9.9.9.9.9.9.9.9";
    std::int64_t a = 1, b = 1;
    const bool exact = parse_int64(text, &a);
    REQUIRE_MESSAGE(parse_int64_padded(padded.data(), text.size(), &b) == exact, text);
    REQUIRE_MESSAGE(a == b, text);
    double x = 1, y = 1;
    const bool real = parse_real(text, &x);
    REQUIRE_MESSAGE(parse_real_padded(padded.data(), text.size(), &y) == real, text);
    REQUIRE_MESSAGE(x == y, text);
  }
}

TEST_CASE("number: reals of at most 15 digits are canonical") {
  double value = 0;
  REQUIRE(parse_real("12.50", &value));
  CHECK(value == 12.5);
  REQUIRE(parse_real("-0.1", &value));
  CHECK(value == -0.1);
  REQUIRE(parse_real("123456789012345", &value));
  CHECK(value == 123456789012345.0);
  REQUIRE(parse_real("0.000000123456789012345", &value));
  CHECK(value == 0.000000123456789012345);
  REQUIRE(parse_real("1e22", &value));
  CHECK(value == 1e22);
  REQUIRE(parse_real("10000000000000000000000", &value));
  CHECK(value == 1e22);
  REQUIRE(parse_real("0e999", &value));
  CHECK(value == 0);
  for (const char* text :
       {"", ".", "5.", ".5", "+1.5", "01.5", "1.5 ", "1e", "1e+", "1e400", "1e-400", "1e-310",
        "1234567890123456", "0.30000000000000004", "nan", "inf", "0x1p3"}) {
    CHECK_MESSAGE(!parse_real(text, &value), text);
  }
}

TEST_CASE("number: JSON's reals are the nearest double, however many digits") {
  double value = 0;
  REQUIRE(parse_json_real("0.30000000000000004", &value));
  CHECK(value == 0.30000000000000004);
  REQUIRE(parse_json_real("1e-310", &value));
  CHECK(value == 1e-310);
  CHECK(!parse_json_real("1e400", &value));
  CHECK(!parse_json_real("01", &value));
  CHECK(!parse_json_real("nan", &value));
  CHECK(is_json_number("1e400"));
  CHECK(!is_json_number("1."));
}

TEST_CASE("number: what SQLite takes for a number") {
  for (const char* text :
       {"0", "007", "+5", " 5", "5\n", "\t-5.\v", ".5", "5.", "1e5", "1E+5", "1e400"}) {
    CHECK_MESSAGE(looks_numeric(text), text);
  }
  for (const char* text :
       {"", " ", ".", "-", "e5", "1e", "1e+", "5x", "0x10", "1 2", "--5", "inf", "1_0"}) {
    CHECK_MESSAGE(!looks_numeric(text), text);
  }
}

TEST_CASE("number: what an INTEGER column would change") {
  for (const char* text :
       {"007", "+5", " 5", "5 ", "-0", "1.0", "1e3", "15e-1", "1.", ".5", "1e400",
        "12345678901234567890", "9223372036854775808", "1.2345678901234567"}) {
    CHECK_MESSAGE(would_change(text, Affinity::kInteger), text);
  }
  for (const char* text :
       {"7", "-9223372036854775808", "1.5", "-0.25", "1.50", "abc", "", "1e", "0x10"}) {
    CHECK_MESSAGE(!would_change(text, Affinity::kInteger), text);
  }
}

TEST_CASE("number: what a REAL column would change") {
  for (const char* text : {"007", "+5.0", " 5", ".5", "5.", "1e400", "1e-400", "1234567890123456",
                           "12345678901234567891", "0.30000000000000004"}) {
    CHECK_MESSAGE(would_change(text, Affinity::kReal), text);
  }
  for (const char* text : {"7", "1.0", "1e3", "12.50", "-0.0", "abc", "", "nan"}) {
    CHECK_MESSAGE(!would_change(text, Affinity::kReal), text);
  }
}

}  // namespace
}  // namespace mayfly
