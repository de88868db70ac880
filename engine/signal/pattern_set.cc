#include "mayfly/signal/pattern_set.h"

#include "mayfly/signal/signal_query.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

PatternSet::PatternSet(const SignalSink& sink, std::string_view list)
    : sink_(sink), pattern_(GlobSet(list).globs()) {}

PatternSet::PatternSet(const SignalSink& sink, std::span<const std::string> lists)
    : sink_(sink), pattern_(GlobSet(lists).globs()) {}

std::int64_t PatternSet::newest_ns() const {
  pattern_.verdicts(sink_.stems_);
  if (!pattern_.can_match() && sink_.uninterned_total() == 0) return kAlways;
  std::int64_t newest_ns = kAlways;
  sink_.window_.ask([&] {
    WindowView view;
    newest_ns = newest_of_view(view);
    return newest_ns != kAlways || !sink_.window_.overtaken(view);
  });
  return newest_ns;
}

std::int64_t PatternSet::newest_of_view(WindowView& view) const {
  const std::int64_t oldest_ns = sink_.oldest_ns();
  const bool more = sink_.window_.newest_of_each(oldest_ns, view);
  Newest newest;
  for (const WindowRange& range : view) {
    const std::uint64_t clean = clean_[range.index].load(std::memory_order_relaxed);
    if (clean >= range.to) continue;
    std::uint64_t position = 0;
    std::int64_t at_ns = 0;
    if (!newest_match(range, clean, pattern_, sink_.stems_, position, at_ns)) {
      keep_clean(range.index, range.to);
    } else if (at_ns >= newest.at_ns) {
      // Of one time the later shard's stays longer in the window (SignalWindow::newest()).
      newest = {&range, position, at_ns};
    }
  }
  if (newest.range == nullptr) return kAlways;
  if (!more || is_in_window(newest, view)) return newest.at_ns;
  keep_clean(newest.range->index, newest.position + 1);
  return kAlways;
}

bool PatternSet::is_in_window(const Newest& newest, const WindowView& view) const {
  std::uint64_t not_older = 0;
  for (const WindowRange& range : view) {
    not_older += range.to - range.ring->lower_bound(range.from, range.to, newest.at_ns);
  }
  if (not_older <= sink_.window_.capacity()) return true;
  // Of the same moment: a later view may lack what later raises have displaced since, and what they
  // are was not looked at.
  WindowView window = view;
  sink_.window_.keep_newest(window);
  for (const WindowRange& range : window) {
    if (range.index == newest.range->index) return newest.position >= range.from;
  }
  return false;
}

void PatternSet::keep_clean(std::uint32_t shard, std::uint64_t below) const {
  if (clean_[shard].load(std::memory_order_relaxed) < below) {
    clean_[shard].store(below, std::memory_order_relaxed);
  }
}

std::int64_t PatternSet::present_until_ns() const {
  const std::int64_t newest = newest_ns();
  if (newest == kAlways) return kAlways;
  const std::int64_t max_age_ns = sink_.max_age_ns();
  // It is still there at its maximum age.
  return max_age_ns >= kNever - 1 - newest ? kNever : newest + max_age_ns + 1;
}

std::size_t PatternSet::count() const {
  std::size_t total = 0;
  sink_.ask(kAlways, [&](const WindowView& view) {
    total = 0;
    for (const WindowRange& range : view) total += count_matches(range, pattern_, sink_.stems_);
    return false;
  });
  return total;
}

}  // namespace mayfly
