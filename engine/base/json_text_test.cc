#include "mayfly/base/json_text.h"

#include <doctest/doctest.h>

using namespace mayfly;

TEST_CASE("json: objects and arrays nest, and members keep their order") {
  JsonText list = JsonText::array();
  list.add("a").add(JsonText::object().add("n", 1));

  const std::string text =
      JsonText::object().add("b", true).add("x", 0.5, 2).add("list", list).add("e", "").text();

  CHECK(text == R"({"b":true,"x":0.50,"list":["a",{"n":1}],"e":""})");
}

TEST_CASE("json: quotes, controls and what isn't UTF-8 leave valid text") {
  CHECK(json_quoted("a\"b\\c\n\t\x01") == R"("a\"b\\c\n\t\u0001")");
  CHECK(json_quoted("\xC3\xA9") == "\"\xC3\xA9\"");
  CHECK(json_quoted("\xFFz\xC3") == R"("\ufffdz\ufffd")");
  CHECK(json_quoted("\xED\xA0\x80") == R"("\ufffd\ufffd\ufffd")");
}
