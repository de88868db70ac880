#include "mayfly/dead_letters/stored_bytes.h"

#include <doctest/doctest.h>

using namespace mayfly::dead_letters;

TEST_CASE("stored bytes: blobs and texts that aren't UTF-8 are taken out, and are null then") {
  std::string json = R"({"a":1,"b":{"hex":"00fF"},"c\n":{ "text_hex" : "e4" },"d":"x"})";
  const auto taken = take_stored_bytes(json);
  CHECK(json == R"({"a":1,"b":null,"c\n":null,"d":"x"})");
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].column == "b");
  CHECK(taken[0].bytes == std::string("\0\xFF", 2));
  CHECK(taken[0].is_blob);
  CHECK(taken[1].column == "c\n");
  CHECK(taken[1].bytes == "\xE4");
  CHECK_FALSE(taken[1].is_blob);
}

TEST_CASE("stored bytes: any other object is a value, and stays") {
  for (const std::string kept :
       {R"({"a":{"hex":"0"}})", R"({"a":{"hex":"zz"}})", R"({"a":{"hex":1}})",
        R"({"a":{"hex":"00","more":1}})", R"({"a":[{"hex":"00"}]})", R"({"a":{"b":{"hex":"00"}}})",
        R"({"a":{"hex":"00")", R"("hex")", ""}) {
    std::string json = kept;
    CHECK(take_stored_bytes(json).empty());
    CHECK(json == kept);
  }
}
