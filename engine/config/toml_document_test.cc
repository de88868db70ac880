#include "mayfly/config/toml_document.h"

#include <doctest/doctest.h>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

TEST_CASE("toml: entries come in the file's order, with the places of key and value") {
  const TomlDocument document = read_toml("zeta = 1\n\nalpha = [\"x\", \"2\", \"true\"]\n");
  REQUIRE(document.errors.empty());
  REQUIRE(document.entries.size() == 2);
  CHECK(document.entries[0].key == "zeta");
  CHECK(document.entries[0].value_place == TextPlace{1, 8});
  CHECK(document.entries[1].place == TextPlace{3, 1});
  CHECK(std::get<std::vector<std::string>>(*document.entries[1].raw()) ==
        std::vector<std::string>{"x", "2", "true"});
}

TEST_CASE("toml: a syntax error doesn't hide what follows it") {
  const TomlDocument document = read_toml("a = 1\nb = = 2\nc = 3\nd = \"open\ne = 5\n");
  REQUIRE(document.errors.size() == 2);
  CHECK(document.errors[0].place.line == 2);
  CHECK(document.errors[1].place.line == 4);
  REQUIRE(document.entries.size() == 3);
  CHECK(document.entries[2].key == "e");
  CHECK(document.entries[2].place.line == 5);
}

TEST_CASE("toml: a broken header takes its section along, not its neighbours") {
  const TomlDocument document = read_toml("[a]\nx = 1\n[b\ny = 2\n[c]\nz = 3\n");
  REQUIRE(document.errors.size() == 1);
  CHECK(document.errors[0].place.line == 3);
  REQUIRE(document.entries.size() == 2);
  CHECK(document.entries[0].table()->size() == 1);
  CHECK(document.entries[1].key == "c");
}

TEST_CASE("toml: the section of a broken line is known as incomplete") {
  const TomlDocument document = read_toml("[node.retry]\nplugin = \n[writer]\ntable = \"t\"\n");
  CHECK(document.incomplete == std::set<std::string>{"node.retry"});
}

TEST_CASE("toml: a value set twice is an error at the second place") {
  const TomlDocument document = read_toml("a = 1\na = 2\n");
  REQUIRE(document.errors.size() == 1);
  CHECK(document.errors[0].place.line == 2);
}

TEST_CASE("toml: dates and nested lists are told in words") {
  const TomlDocument document = read_toml("a = 2024-01-01\nb = [[1]]\n");
  REQUIRE(document.entries.size() == 2);
  CHECK(std::get<UnfitValue>(*document.entries[0].raw()).what == "a date or time");
  CHECK(std::get<UnfitValue>(*document.entries[1].raw()).what == "a list with a list in it");
  for (const auto& [list, found] : {std::pair("[\"a\", 2]", "a list with an integer in it"),
                                    std::pair("[2.5]", "a list with a float in it"),
                                    std::pair("[true]", "a list with a boolean in it")}) {
    const TomlDocument mixed = read_toml("c = " + std::string(list) + "\n");
    CHECK(std::get<UnfitValue>(*mixed.entries[0].raw()).what == found);
  }
}

TEST_CASE("toml: a file of nothing but mistakes ends after the twentieth") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "= broken\n";
  const TomlDocument document = read_toml(text);
  CHECK(document.errors.size() == kSyntaxErrorsMax);
  CHECK(document.entries.empty());
}

TEST_CASE("toml: random damage to a file is reported, never a crash") {
  const std::string whole =
      "[pipeline]\nname = \"orders\"\nbatches = 256\n[source.a]\nplugin = 'feed'\n"
      "path = \"\"\"x\ny\"\"\"\nlist = [1, \"two\", 3.5,\n true]\n[writer]\ninput = [\"a\"]\n"
      "columns = { id = \"int64\", \"odd name\" = \"text\" }\nwhen = 2024-01-01T00:00:00Z\n";
  constexpr std::string_view kBytes = "[]{}=\"'\n.,#\\ \t\r0-_aé\x01\xff";
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    std::string text = whole;
    for (std::uint64_t edits = 1 + rng.below(4); edits > 0; --edits) {
      const std::size_t at = rng.below(text.size());
      switch (rng.below(3)) {
        case 0:
          text[at] = kBytes[rng.below(kBytes.size())];
          break;
        case 1:
          text.insert(at, 1, kBytes[rng.below(kBytes.size())]);
          break;
        default:
          text.erase(at, 1 + rng.below(5));
      }
    }
    const TomlDocument document = read_toml(text);
    CHECK(document.errors.size() <= kSyntaxErrorsMax);
  }
}

// toml++ took it for impossible.
TEST_CASE("toml: a letter beyond ASCII behind a number is a syntax error") {
  for (const char* letter : {"\u00e9", "\u0139", "\u1681", "\ufefe"}) {
    const TomlDocument document = read_toml("x = 197" + std::string(letter) + "\n");
    REQUIRE(document.errors.size() == 1);
    CHECK(document.errors[0].place.line == 1);
  }
}

}  // namespace
}  // namespace mayfly
