#include "mayfly/base/glob.h"

#include <algorithm>

namespace mayfly {
namespace {

// Greedy with one resume point: a later star makes earlier ones final, so there is nothing else to
// try.
bool match_general(std::string_view pattern, std::string_view text) {
  constexpr std::size_t kNoStar = std::string_view::npos;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t after_star = kNoStar;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (after_star != kNoStar) {
      p = after_star;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Adds the positions that a star lets the pattern reach without reading.
void close_over_stars(std::string_view pattern, std::vector<bool>& reached) {
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    if (reached[p] && pattern[p] == '*') reached[p + 1] = true;
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Glob::Glob(std::string_view pattern) : pattern_(pattern), shape_(Shape::kExact) {
  head_ = std::min(pattern.find_first_of("*?"), pattern.size());
  if (head_ == pattern.size()) return;
  const std::size_t last = pattern.find_last_of("*?");
  tail_ = pattern.size() - last - 1;
  const std::string_view between = pattern.substr(head_, last + 1 - head_);
  const std::size_t first_byte = between.find_first_not_of('*');
  if (first_byte == std::string_view::npos) {
    shape_ = Shape::kAffixes;
    return;
  }
  const std::string_view inner =
      between.substr(first_byte, between.find_last_not_of('*') + 1 - first_byte);
  const bool starred = between.front() == '*' && between.back() == '*';
  shape_ = starred && inner.find_first_of("*?") == std::string_view::npos ? Shape::kContains
                                                                          : Shape::kGeneral;
}

bool Glob::matches_between(std::string_view text) const {
  const std::string_view pattern =
      std::string_view(pattern_).substr(head_, pattern_.size() - head_ - tail_);
  text = text.substr(head_, text.size() - head_ - tail_);
  if (shape_ == Shape::kGeneral) return match_general(pattern, text);
  const std::size_t first = pattern.find_first_not_of('*');
  return text.find(pattern.substr(first, pattern.find_last_not_of('*') + 1 - first)) !=
         std::string_view::npos;
}

Glob::Verdict Glob::verdict(std::string_view prefix) const {
  const std::string_view pattern = pattern_;
  // What most patterns say of most prefixes is settled by their head.
  const std::size_t compared = std::min(prefix.size(), head_);
  if (prefix.substr(0, compared) != pattern.substr(0, compared)) return Verdict::kNone;
  if (shape_ == Shape::kExact && prefix.size() > head_) return Verdict::kNone;
  if (shape_ == Shape::kAffixes && prefix.size() >= head_) {
    return tail_ == 0 ? Verdict::kAll : Verdict::kDepends;
  }
  std::vector<bool> reached(pattern.size() + 1, false);
  std::vector<bool> next(pattern.size() + 1, false);
  reached[0] = true;
  close_over_stars(pattern, reached);
  for (const char byte : prefix) {
    next.assign(pattern.size() + 1, false);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      if (!reached[p]) continue;
      if (pattern[p] == '*') {
        next[p] = true;
      } else if (pattern[p] == '?' || pattern[p] == byte) {
        next[p + 1] = true;
      }
    }
    close_over_stars(pattern, next);
    reached.swap(next);
  }
  bool alive = false;
  for (std::size_t p = 0; p <= pattern.size(); ++p) {
    if (!reached[p]) continue;
    alive = true;
    // Only a trailing run of stars takes whatever follows.
    if (p < pattern.size() && pattern.find_first_not_of('*', p) == std::string_view::npos) {
      return Verdict::kAll;
    }
  }
  return alive ? Verdict::kDepends : Verdict::kNone;
}

GlobSet::GlobSet(std::span<const std::string> lists) {
  for (const std::string& list : lists) add(list);
}

void GlobSet::add(std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = trim(list.substr(0, comma));
    if (!part.empty()) globs_.emplace_back(part);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

bool GlobSet::matches_any(std::string_view text) const {
  for (const Glob& glob : globs_) {
    if (glob.matches(text)) return true;
  }
  return false;
}

}  // namespace mayfly
