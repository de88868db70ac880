#include "mayfly/data/readers/letter_line.h"

#include <doctest/doctest.h>

using namespace mayfly;

namespace {

LetterLine parsed(std::string_view line) {
  auto letter = parse_letter_line(line);
  REQUIRE_MESSAGE(letter.ok(), letter.status().message());
  return *letter;
}

std::string refusal(std::string_view line) {
  const auto letter = parse_letter_line(line);
  REQUIRE_FALSE(letter.ok());
  CHECK(letter.status().code() == Code::kBadData);
  return letter.status().message();
}

}  // namespace

TEST_CASE("letter line: values by columns, a record as text, a record as base64") {
  const LetterLine values =
      parsed(R"({"id":7,"target":"t","reason":"r","columns":{"a": 1, "b":{"hex":"00"}},"rank":3})");
  CHECK(values.id == 7);
  CHECK(values.rank == 3);
  CHECK(values.kind == LetterLine::Kind::kColumns);
  CHECK(values.content == R"({"a": 1, "b":{"hex":"00"}})");
  const LetterLine raw = parsed(R"({"id":-8,"raw":"1,\"A\u00e9\"\n"})");
  CHECK(raw.id == -8);
  CHECK_FALSE(raw.rank);
  CHECK(raw.kind == LetterLine::Kind::kRaw);
  CHECK(raw.content == "1,\"A\xC3\xA9\"\n");
  CHECK(parsed(R"({"raw_base64":"AP8="})").content == std::string("\0\xFF", 2));
}

TEST_CASE("letter line: what isn't one is refused with what was expected and found") {
  CHECK(refusal("") == "expected a JSON object, found none");
  CHECK(refusal("[1]").starts_with("expected"));
  CHECK(refusal(R"({"id":1,"columns":{"a":1})").starts_with("expected"));
  CHECK(refusal(R"({"id":"7","raw":""})") == "expected a letter's number for \"id\", found \"7\"");
  CHECK(refusal(R"({"id":7.5,"raw":""})") ==
        "expected a letter's number for \"id\", found \"7.5\"");
  CHECK(refusal(R"({"rank":-1,"raw":""})") ==
        "expected a number from 0 on for \"rank\", found \"-1\"");
  CHECK(refusal(R"({"id":7})") ==
        "expected one of \"columns\", \"raw\" and \"raw_base64\", found none");
  CHECK(refusal(R"({"id":7,"columns":{},"raw":""})") ==
        "expected one of \"columns\", \"raw\" and \"raw_base64\", found several");
  CHECK(refusal(R"({"columns":[1]})") ==
        "expected an object of values by columns for \"columns\", found \"[1]\"");
  CHECK(refusal(R"({"columns":{"a":01}})").starts_with("expected"));
  CHECK(refusal(R"({"raw":5})") == "expected a string for \"raw\", found \"5\"");
  CHECK(refusal(R"({"raw_base64":"%"})") ==
        "expected base64 in a string for \"raw_base64\", found \"%\"");
}
