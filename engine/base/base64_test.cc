#include "mayfly/base/base64.h"

#include <doctest/doctest.h>

#include <string>

using namespace mayfly;

TEST_CASE("base64: the examples of RFC 4648, both ways, with and without padding") {
  const std::pair<std::string, std::string> known[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : known) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
    CHECK(from_base64(text.substr(0, text.find('='))) == bytes);
  }
}

TEST_CASE("base64: every byte comes back") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(from_base64(to_base64(bytes)) == bytes);
}

TEST_CASE("base64: what isn't base64 is none") {
  for (const char* text : {"A", "Zg=", "Z===", "====", "Zm 9v", "Zm9v\n", "Zh==", "Zm9-", "=Zm9"}) {
    CHECK_MESSAGE(!from_base64(text), text);
  }
}
