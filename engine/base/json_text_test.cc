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

TEST_CASE("json: one value is told from none, from half of one and from two") {
  const std::string deep(1024, '[');
  for (const std::string& good :
       {std::string("{}"), std::string("[]"), std::string(" [ 1 , -0.5e+3 ,\n\"a\\u00e9\\n\" ] "),
        std::string(R"({"a":{"b":[{},[],null,true,false]},"":0})"), std::string("0"),
        std::string("\"\xC3\xA9\""), deep + std::string(1024, ']')}) {
    CAPTURE(good);
    CHECK(is_json(good));
  }
  for (const std::string& bad : {std::string(""),
                                 std::string(" "),
                                 std::string("{"),
                                 std::string("[1,]"),
                                 std::string("[,1]"),
                                 std::string("{\"a\"}"),
                                 std::string("{\"a\":}"),
                                 std::string("{\"a\":1,}"),
                                 std::string("{a:1}"),
                                 std::string("[1}"),
                                 std::string("[1"),
                                 std::string("{} {}"),
                                 std::string("1 2"),
                                 std::string("01"),
                                 std::string("1."),
                                 std::string(".5"),
                                 std::string("+1"),
                                 std::string("1e"),
                                 std::string("-"),
                                 std::string("NaN"),
                                 std::string("tru"),
                                 std::string("\"a"),
                                 std::string("\"a\nb\""),
                                 std::string("\"\\x\""),
                                 std::string("\"\\u12g4\""),
                                 std::string("\"\xFF\""),
                                 std::string("'a'"),
                                 std::string("[1]]"),
                                 '[' + deep + std::string(1025, ']')}) {
    CAPTURE(bad);
    CHECK_FALSE(is_json(bad));
  }
}
