#include "mayfly/otlp/answer.h"

#include <doctest/doctest.h>

#include <string>

namespace mayfly::otlp {
namespace {

TEST_CASE("answer: what a collector refused of a request is counted, with its words") {
  const PartialSuccess logs = partial_success(
      R"({"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too \"old\""}})");
  CHECK(logs.rejected == 3);
  CHECK(logs.message == R"(too "old")");
  CHECK(partial_success(R"({"partialSuccess":{"rejectedSpans":7}})").rejected == 7);
  CHECK(partial_success(R"({ "partialSuccess" : { "rejectedDataPoints" : 1 } })").rejected == 1);
}

TEST_CASE("answer: a warning rejects nothing") {
  const PartialSuccess warning =
      partial_success(R"({"partialSuccess":{"errorMessage":"use\nless"}})");
  CHECK(warning.rejected == 0);
  CHECK(warning.message == "use less");
}

TEST_CASE("answer: what isn't known is skipped, however deep") {
  const std::string body = R"({"later":[{"a":{"b":[1,-2.5e3,null,true,"}"]}}],"partialSuccess":)"
                           R"({"more":{},"rejectedSpans":"2","also":[]},"end":"x"})";
  CHECK(partial_success(body).rejected == 2);
  // Depth costs no stack.
  const std::string deep = R"({"x":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') +
                           R"(,"partialSuccess":{"rejectedSpans":1}})";
  CHECK(partial_success(deep).rejected == 1);
}

TEST_CASE("answer: a body that is none says nothing") {
  const std::string body = R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}})";
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK(partial_success(body.substr(0, size)).rejected == 0);
  }
  for (const char* other : {"", "{}", "null", "[]", "ok", "<html>", R"({"partialSuccess":null})",
                            R"({"partialSuccess":{"rejectedSpans":-1}})",
                            R"({"partialSuccess":{"rejectedSpans":"many"}})",
                            R"({"partialSuccess":{"rejectedSpans":99999999999999999999}})"}) {
    CHECK(partial_success(other).rejected == 0);
  }
}

TEST_CASE("answer: what may be tried again is what OTLP names") {
  for (const int status : {429, 502, 503, 504}) CHECK(is_retryable(status));
  for (const int status : {0, 200, 302, 400, 401, 404, 413, 500, 501, 505}) {
    CHECK_FALSE(is_retryable(status));
  }
}

}  // namespace
}  // namespace mayfly::otlp
