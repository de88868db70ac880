#include "tools/mayfly/letter_text.h"

#include <doctest/doctest.h>

#include "mayfly/data/readers/letter_line.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

StoredLetter letter_with(std::optional<std::string> columns, std::optional<std::string> raw) {
  return {.id = 7,
          .at = "2026-01-01T00:00:00.000000Z",
          .source = "/data/a\n.csv",
          .ordinal = 1,
          .line = 3,
          .node = "writer",
          .code = "unique",
          .reason = "UNIQUE\x1b[31m",
          .target = "t",
          .attempts = 2,
          .columns = std::move(columns),
          .raw = std::move(raw)};
}

}  // namespace

TEST_CASE("letter text: one line, with what steers a terminal escaped") {
  CHECK(to_line(letter_with("{}", {})) ==
        "7  2026-01-01T00:00:00.000000Z  t  unique  /data/a\\n.csv:3: UNIQUE\\u001b[31m  "
        "attempts=2\n");
  StoredLetter plain = letter_with("{}", {});
  plain.source.clear();
  plain.attempts = 0;
  CHECK(to_line(plain) == "7  2026-01-01T00:00:00.000000Z  t  unique  -: UNIQUE\\u001b[31m\n");
}

TEST_CASE("letter text: all of it, with bytes made printable") {
  const std::string text = to_text(letter_with({}, std::string("1,\"a\n\xFF\0", 7)));
  CHECK(text.find("  raw       1,\"a\\n") != std::string::npos);
  CHECK(text.find("  bytes     7\n") != std::string::npos);
  CHECK(text.find("  record    2\n") != std::string::npos);
  CHECK(text.find('\xFF') == std::string::npos);
}

TEST_CASE("letter text: what JSON shows is what corrections take") {
  const auto back = [](const StoredLetter& letter) {
    auto parsed = parse_letter_line(to_full_json(letter));
    REQUIRE_MESSAGE(parsed.ok(), parsed.status().message());
    CHECK(parsed->id == 7);
    return *parsed;
  };
  const LetterLine values = back(letter_with("{\"a\":\n1.50}", {}));
  CHECK(values.kind == LetterLine::Kind::kColumns);
  CHECK(values.content == "{\"a\": 1.50}");
  const LetterLine text = back(letter_with({}, "1,\"\xC3\xA4\"\n"));
  CHECK(text.kind == LetterLine::Kind::kRaw);
  CHECK(text.content == "1,\"\xC3\xA4\"\n");
  CHECK(to_full_json(letter_with({}, "\xFF")).find("\"raw_base64\":\"/w==\"") != std::string::npos);
  CHECK(back(letter_with({}, "\xFF")).content == "\xFF");
  CHECK(back(letter_with({}, std::string("a\0", 2))).content == std::string("a\0", 2));
  // Somebody's columns that aren't JSON are shown, and aren't taken for a record.
  const std::string broken = to_full_json(letter_with("{\"a\":", {}));
  CHECK(broken.find("\"columns_text\":\"{\\\"a\\\":\"") != std::string::npos);
  CHECK_FALSE(parse_letter_line(broken).ok());
}

TEST_CASE("letter text: the line for a replay has rank, number and content alone") {
  CHECK(to_replay_line(5, letter_with("{\"a\":1}", {})) ==
        "{\"rank\":5,\"id\":7,\"columns\":{\"a\":1}}\n");
}

TEST_CASE("letter text: counts by target and code") {
  const std::vector<LetterCount> counts = {{"t", "fields", 1'200}, {"longer", "unique", 1}};
  CHECK(to_text(counts) == "1,201 letters\n  t  fields       1,200\n  longer  unique  1\n");
  CHECK(to_json_line(counts) ==
        "{\"letters\":1201,\"counts\":[{\"target\":\"t\",\"code\":\"fields\",\"letters\":1200},"
        "{\"target\":\"longer\",\"code\":\"unique\",\"letters\":1}]}\n");
  CHECK(to_text(std::vector<LetterCount>{{"t", "c", 1}}).starts_with("1 letter\n"));
}
