// Glob: patterns over signal names. `*` is any run of bytes, also an empty one, and crosses dots;
// `?` is exactly one byte; everything else is itself. No escapes, no classes; case-sensitive; the
// whole text.
//
// Owns a copy of its pattern. Immutable, so any thread may match. Time is at most pattern x text,
// never exponential.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly {

class Glob {
 public:
  // What a pattern says of every text that begins with a given prefix.
  enum class Verdict : std::uint8_t { kNone = 0, kAll = 1, kDepends = 2 };

  explicit Glob(std::string_view pattern);

  bool matches(std::string_view text) const;
  Verdict verdict(std::string_view prefix) const;

  const std::string& pattern() const { return pattern_; }
  // No wildcard: matching is equality.
  bool is_literal() const { return shape_ == Shape::kExact; }

 private:
  enum class Shape : std::uint8_t { kExact, kAny, kPrefix, kSuffix, kContains, kGeneral };

  std::string pattern_;
  std::string literal_;  // of every shape but kGeneral
  Shape shape_;
};

// Patterns of which one has to match. Each text may be a comma-separated list: its parts are
// trimmed, empty parts are skipped.
class GlobSet {
 public:
  GlobSet() = default;
  explicit GlobSet(std::string_view list) { add(list); }
  explicit GlobSet(std::span<const std::string> lists);

  void add(std::string_view list);
  bool matches_any(std::string_view text) const;
  bool empty() const { return globs_.empty(); }
  const std::vector<Glob>& globs() const { return globs_; }

 private:
  std::vector<Glob> globs_;
};

}  // namespace mayfly
