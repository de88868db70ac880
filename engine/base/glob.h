// Glob: patterns over signal names. `*` is any run of bytes, also an empty one, and crosses dots;
// `?` is exactly one byte; everything else is itself. No escapes, no classes; case-sensitive; the
// whole text.
//
// Owns a copy of its pattern. Immutable, so any thread may match. Time is at most pattern x text,
// never exponential. A pattern is sorted at construction into shapes: those with stars at the ends
// or one in the middle need comparisons alone, which are inlined; the rest goes through a greedy
// matcher with one resume point (the usual linear-space algorithm for wildcards), after its literal
// head and tail were compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly {

class Glob {
 public:
  // What a pattern says of every text that begins with a given prefix.
  enum class Verdict : std::uint8_t { kNone = 0, kAll = 1, kDepends = 2 };

  // The pattern is copied.
  explicit Glob(std::string_view pattern);

  // Whether the whole text matches.
  bool matches(std::string_view text) const {
    // All shapes but kContains and kGeneral are this comparison with some part empty.
    if (!begins_and_ends(text)) return false;
    return shape_ <= Shape::kAffixes || matches_between(text);
  }
  // What holds for each text that begins with the prefix. Allocates.
  Verdict verdict(std::string_view prefix) const;

  // As it was given.
  const std::string& pattern() const { return pattern_; }
  // No wildcard: matching is equality.
  bool is_literal() const { return shape_ == Shape::kExact; }

 private:
  // kExact: no wildcard. kAffixes: one run of stars, anywhere. kContains: literal text between two
  // runs of stars at the ends. kGeneral: the rest.
  enum class Shape : std::uint8_t { kExact, kAffixes, kContains, kGeneral };

  // Names are short: a call of memcmp costs more than the comparison.
  static bool same_bytes(const char* a, const char* b, std::size_t size) {
    if (size >= 8) {
      std::size_t at = 0;
      for (; at + 8 < size; at += 8) {
        if (load<std::uint64_t>(a + at) != load<std::uint64_t>(b + at)) return false;
      }
      return load<std::uint64_t>(a + size - 8) == load<std::uint64_t>(b + size - 8);
    }
    if (size >= 4) {
      return load<std::uint32_t>(a) == load<std::uint32_t>(b) &&
             load<std::uint32_t>(a + size - 4) == load<std::uint32_t>(b + size - 4);
    }
    for (std::size_t at = 0; at < size; ++at) {
      if (a[at] != b[at]) return false;
    }
    return true;
  }
  template <class Word>
  static Word load(const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }
  bool begins_and_ends(std::string_view text) const {
    if (text.size() < head_ + tail_) return false;
    if (shape_ == Shape::kExact && text.size() != head_) return false;
    const char* const pattern = pattern_.data();
    return same_bytes(text.data(), pattern, head_) &&
           same_bytes(text.data() + text.size() - tail_, pattern + pattern_.size() - tail_, tail_);
  }
  bool matches_between(std::string_view text) const;

  std::string pattern_;
  std::size_t head_ = 0;  // bytes before the first wildcard
  std::size_t tail_ = 0;  // bytes behind the last one
  Shape shape_;
};

// Patterns of which one has to match. Each text may be a comma-separated list: its parts are
// trimmed, empty parts are skipped.
class GlobSet {
 public:
  // Matches nothing.
  GlobSet() = default;
  explicit GlobSet(std::string_view list) { add(list); }
  explicit GlobSet(std::span<const std::string> lists);

  // Adds the patterns of one list.
  void add(std::string_view list);
  // Whether one of the patterns matches the whole text.
  bool matches_any(std::string_view text) const;
  bool empty() const { return globs_.empty(); }
  // In the order they were added.
  const std::vector<Glob>& globs() const { return globs_; }

 private:
  std::vector<Glob> globs_;
};

}  // namespace mayfly
