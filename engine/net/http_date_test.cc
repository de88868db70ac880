#include "mayfly/net/http_date.h"

#include <doctest/doctest.h>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

// Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
constexpr std::int64_t kThenUs = 784'111'777'000'000;

TEST_CASE("retry-after: seconds") {
  CHECK(http_retry_after_ns("120", kThenUs) == 120 * kSecond);
  CHECK(http_retry_after_ns(" 0 ", kThenUs) == 0);
  CHECK(http_retry_after_ns("9223372036", kThenUs) == 9223372036 * kSecond);
  CHECK(http_retry_after_ns("9223372037", kThenUs) == kNever);
  CHECK(http_retry_after_ns("99999999999999999999999999", kThenUs) == kNever);
}

TEST_CASE("retry-after: a date in each of the three forms, against the wall clock that is given") {
  for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(date);
    CHECK(http_retry_after_ns(date, kThenUs - 90'500'000) == 90'500 * kMillisecond);
    CHECK(http_retry_after_ns(date, kThenUs) == 0);
    CHECK(http_retry_after_ns(date, kThenUs + 1) == 0);
  }
}

TEST_CASE("retry-after: what is neither says nothing") {
  for (const char* text : {"", " ", "soon", "-1", "1.5", "12s", "1e3", "20 March", "Sunday",
                           "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994"}) {
    CAPTURE(text);
    CHECK_FALSE(http_retry_after_ns(text, kThenUs).has_value());
  }
}

}  // namespace
}  // namespace mayfly
