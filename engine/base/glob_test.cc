#include "mayfly/base/glob.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

struct Case {
  const char* pattern;
  const char* text;
  bool matches;
};

// The definition, word by word; exponential, so for short texts only.
bool matches_by_definition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches_by_definition(pattern.substr(1), text) ||
           (!text.empty() && matches_by_definition(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches_by_definition(pattern.substr(1), text.substr(1));
}

std::string random_text(Rng& rng, std::string_view alphabet, std::size_t longest) {
  std::string text(rng.below(longest + 1), ' ');
  for (char& byte : text) byte = alphabet[rng.below(alphabet.size())];
  return text;
}

// C098
TEST_CASE("glob: a pattern matches the whole name, star crosses dots, question mark is one byte") {
  const Case cases[] = {
      {"world", "hello", false},
      {"he*", "hello", true},
      {"*lo", "hello", true},
      {"*ll*", "hello", true},
      {"h?llo", "hello", true},
      {"h?lo", "hello", false},
      {"error.*", "error.timeout", true},
      {"*.timeout", "error.timeout", true},
      {"error.*.timeout", "error.database.timeout", true},
      {"error.*", "error.database.timeout", true},
      {"error.*", "warning.low", false},
      {"signal-?eady", "signal-ready", true},
      {"re??y", "ready", true},
      {"*", "anything", true},
      {"*", "", true},
      {"**", "", true},
      {"", "", true},
      {"", "a", false},
      {"?", "", false},
      {"hello", "hello", true},
      {"hello", "Hello", false},
      {"hello", "hello!", false},
      {"*?", "", false},
      {"a*a", "a", false},
      {"*a*b", "aab", true},
      {"write.done:*rows:*ms", "write.done:3rows:12ms", true},
      {"ab*ba", "aba", false},
      {"ab*ba", "abba", true},
      {"*abc*", "ab", false},
      {"signal.backpressure.downstream", "signal.backpressure.downstream", true},
      {"signal.backpressure.downstream", "signal.backpressure.downstreaM", false},
      {"signal.backpressure.downstream", "signal.bAckpressure.downstream", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(Glob(c.pattern).matches(c.text) == c.matches);
  }
}

TEST_CASE("glob: backslashes and brackets are ordinary bytes") {
  CHECK(Glob("a\\*").matches("a\\b"));
  CHECK_FALSE(Glob("a\\*").matches("a*"));
  CHECK_FALSE(Glob("[ab]").matches("a"));
  CHECK(Glob("[ab]").matches("[ab]"));
}

TEST_CASE("glob: agrees with the definition on random patterns and names") {
  constexpr std::uint64_t kSeed = 20;
  Rng rng(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    const std::string pattern = random_text(rng, "ab.*?", 7);
    const std::string text = random_text(rng, "ab.", 9);
    CAPTURE(kSeed);
    CAPTURE(pattern);
    CAPTURE(text);
    REQUIRE(Glob(pattern).matches(text) == matches_by_definition(pattern, text));
  }
}

TEST_CASE("glob: many stars on a long name that doesn't match take no exponential time") {
  const std::string text(20'000, 'a');
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  pattern += "?b";
  CHECK_FALSE(Glob(pattern).matches(text));
}

TEST_CASE("glob: the verdict on a prefix holds for everything that begins with it") {
  constexpr std::uint64_t kSeed = 21;
  Rng rng(kSeed);
  int decided = 0;
  for (int round = 0; round < 5'000; ++round) {
    const std::string pattern = random_text(rng, "ab:*?", 6);
    const std::string prefix = random_text(rng, "ab", 3) + ":";
    const Glob glob(pattern);
    const Glob::Verdict verdict = glob.verdict(prefix);
    if (verdict == Glob::Verdict::kDepends) continue;
    ++decided;
    for (int suffix = 0; suffix < 8; ++suffix) {
      const std::string text = prefix + random_text(rng, "ab:", 5);
      CAPTURE(kSeed);
      CAPTURE(pattern);
      CAPTURE(text);
      REQUIRE(glob.matches(text) == (verdict == Glob::Verdict::kAll));
    }
  }
  CHECK(decided > 1'000);
}

TEST_CASE("glob: verdicts are decided where they can be") {
  CHECK(Glob("cache.*").verdict("cache.hit:") == Glob::Verdict::kAll);
  CHECK(Glob("*").verdict("") == Glob::Verdict::kAll);
  CHECK(Glob("write.*").verdict("cache.hit:") == Glob::Verdict::kNone);
  CHECK(Glob("cache.hit").verdict("cache.hit:") == Glob::Verdict::kNone);
  CHECK(Glob("cache.hit:a*").verdict("cache.hit:") == Glob::Verdict::kDepends);
}

TEST_CASE("glob set: lists are split at commas, trimmed, and empty parts are skipped") {
  CHECK(GlobSet("foo, *,bar").matches_any("anything"));
  CHECK_FALSE(GlobSet("foo,,bar").matches_any("anything"));
  CHECK_FALSE(GlobSet("foo,,bar").matches_any(""));
  CHECK(GlobSet(" bar\t").matches_any("bar"));
}

TEST_CASE("glob set: one matching member of several is enough, and none of none") {
  const std::vector<std::string> lists = {"foo,bar-*,baz"};
  const GlobSet set(lists);
  CHECK(set.matches_any("bar-hot"));
  CHECK(set.matches_any("foo"));
  CHECK_FALSE(set.matches_any("qux"));
  CHECK_FALSE(GlobSet().matches_any("foo"));
  CHECK_FALSE(GlobSet("").matches_any("foo"));
  CHECK(GlobSet(" , ,").empty());
}

}  // namespace
}  // namespace mayfly
