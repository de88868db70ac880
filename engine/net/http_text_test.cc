#include "mayfly/net/http_text.h"

#include <doctest/doctest.h>

#include <vector>

#include "mayfly/net/http_error.h"

namespace mayfly {
namespace {

TEST_CASE("http text: URLs of http and https with a host are taken") {
  for (const char* url :
       {"http://localhost", "https://example.org:8443/a/b?c=d#e", "HTTP://user:secret@host/x",
        "http://127.0.0.1:1/", "http://[::1]:8080/v1/logs"}) {
    CAPTURE(url);
    CHECK(check_http_url(url).ok());
  }
}

TEST_CASE("http text: what is no such URL is refused, with what was found") {
  for (const std::string url :
       {"", "localhost", "/path", "http://", "http:///x", "http:x", "file:///etc/passwd",
        "ftp://host/x", "unix:/tmp/x", "http://host:99999/", "http://host:x/", "http://ho st/",
        "http://host/\r\nX: y", "http://host/\x7F"}) {
    CAPTURE(url);
    const Status status = check_http_url(url);
    CHECK(status.code() == Code::kUsage);
    CHECK(status.message().starts_with("expected a URL such as http://host:8080/path, found \""));
    CHECK(status.message().find('\n') == std::string::npos);
  }
  CHECK(check_http_url("ftp://host/x").message() ==
        "expected a URL such as http://host:8080/path, found \"ftp://host/x\": only http and https "
        "are spoken");
}

TEST_CASE("http text: a message never shows what may be a secret") {
  CHECK(http_url_shown("https://user:secret@host:1/p@th?token=secret#x") == "https://host:1/p@th");
  CHECK(http_url_shown("host/path") == "host/path");
  CHECK(http_url_shown("http://h?key=secret@x") == "http://h");
  CHECK(check_http_url("ftp://user:secret@host/x?token=secret").message().find("secret") ==
        std::string::npos);
}

TEST_CASE("http text: a header can't become two") {
  CHECK(check_http_header({"X-Key", "a b; c"}).ok());
  CHECK(check_http_header({"X-Key", ""}).ok());
  for (const HttpHeader& header : std::vector<HttpHeader>{{"", "x"},
                                                          {"X Key", "x"},
                                                          {"X-Key:", "x"},
                                                          {"X\r\nY", "x"},
                                                          {"X-Key", "a\r\nY: b"},
                                                          {"X-Key", "a\nb"},
                                                          {"X-Key", std::string("a\0b", 3)}}) {
    CAPTURE(header.name);
    CHECK(check_http_header(header).code() == Code::kUsage);
  }
}

TEST_CASE("http text: a header as people write it") {
  const auto header = parse_http_header("Authorization:  Bearer a:b ");
  REQUIRE(header.ok());
  CHECK(header->name == "Authorization");
  CHECK(header->value == "Bearer a:b");
  // What stands in it may be a secret.
  const auto refused = parse_http_header("Authorization Bearer secret");
  CHECK(refused.status().message() == "expected a header as \"Name: value\", found no colon in it");
  CHECK_FALSE(parse_http_header(": x").ok());
}

TEST_CASE("http text: methods are tokens") {
  CHECK(check_http_method("POST").ok());
  CHECK_FALSE(check_http_method("").ok());
  CHECK_FALSE(check_http_method("GET / HTTP/1.1\r\n").ok());
}

TEST_CASE("http text: fields are found by name in any case, the first of them") {
  const std::vector<HttpHeader> headers = {{"Retry-After", "1"}, {"retry-after", "2"}};
  REQUIRE(find_header(headers, "RETRY-after") != nullptr);
  CHECK(*find_header(headers, "RETRY-after") == "1");
  CHECK(find_header(headers, "Retry") == nullptr);
}

TEST_CASE("http error: each has a word of its own, and says whether it may pass") {
  std::vector<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(HttpError::kFailed); ++i) {
    const std::string_view word = http_error_name(static_cast<HttpError>(i));
    for (const std::string_view other : words) CHECK(word != other);
    words.push_back(word);
  }
  CHECK(may_pass_later(HttpError::kNoConnection));
  CHECK(may_pass_later(HttpError::kTimedOut));
  CHECK(may_pass_later(HttpError::kCutShort));
  CHECK_FALSE(may_pass_later(HttpError::kBadRequest));
  CHECK_FALSE(may_pass_later(HttpError::kNone));
}

}  // namespace
}  // namespace mayfly
