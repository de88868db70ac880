#include "mayfly/policy/http_answer.h"

#include <doctest/doctest.h>

#include <set>

namespace mayfly {
namespace {

TEST_CASE("http answer: every status is delivered, tried later or refused") {
  const std::set<int> later = {408, 425, 429, 500, 502, 503, 504};
  for (int status = 100; status < 600; ++status) {
    CAPTURE(status);
    const HttpVerdict expected = status / 100 == 2        ? HttpVerdict::kDelivered
                                 : later.contains(status) ? HttpVerdict::kTryLater
                                                          : HttpVerdict::kRefused;
    CHECK(judge_http_status(status) == expected);
  }
  // No status at all isn't an answer.
  CHECK(judge_http_status(0) == HttpVerdict::kRefused);
}

TEST_CASE("http answer: too many requests and no service ask for less") {
  CHECK(is_http_rate_limit(429));
  CHECK(is_http_rate_limit(503));
  CHECK_FALSE(is_http_rate_limit(500));
  CHECK_FALSE(is_http_rate_limit(200));
}

}  // namespace
}  // namespace mayfly
