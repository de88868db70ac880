#include "tools/mayfly/json_text.h"

#include <doctest/doctest.h>

#include "tools/mayfly/human_text.h"

using namespace mayfly::cli;

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

TEST_CASE("numbers: as people read them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(short_count(999) == "999");
  CHECK(short_count(1'234'567) == "1.23 M");
  CHECK(short_bytes(512) == "512 B");
  CHECK(short_bytes(1536) == "1.5 KiB");
  CHECK(clock_text(65) == "1:05");
  CHECK(clock_text(3723) == "1:02:03");
}
