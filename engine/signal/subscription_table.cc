#include "mayfly/signal/subscription_table.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mayfly {
namespace {

const SubscriptionTable::Targets kNobody;

Glob::Verdict verdict_of(const GlobSet& patterns, std::string_view prefix) {
  Glob::Verdict best = Glob::Verdict::kNone;
  for (const Glob& glob : patterns.globs()) {
    const Glob::Verdict verdict = glob.verdict(prefix);
    if (verdict == Glob::Verdict::kAll) return verdict;
    if (verdict == Glob::Verdict::kDepends) best = verdict;
  }
  return best;
}

Glob::Verdict verdict_of(const GlobSet& patterns, StemId stem, bool has_argument,
                         std::string_view text) {
  // A name that is kept as text has its stem in the argument.
  if (stem == kTextStem) return Glob::Verdict::kDepends;
  if (has_argument) return verdict_of(patterns, std::string(text) + ':');
  return patterns.matches_any(text) ? Glob::Verdict::kAll : Glob::Verdict::kNone;
}

}  // namespace

SubscriptionTable::SubscriptionTable(std::vector<std::shared_ptr<Subscriber>> subscribers,
                                     std::uint32_t stems_end)
    : subscribers_(std::move(subscribers)),
      stems_end_(stems_end),
      lists_(std::make_unique<std::atomic<const Targets*>[]>(std::size_t{stems_end} * 2)) {}

const SubscriptionTable::Targets& SubscriptionTable::fill(StemId stem, bool has_argument,
                                                          std::string_view text) const {
  auto list = std::make_unique<Targets>();
  for (const auto& subscriber : subscribers_) {
    const Glob::Verdict verdict = verdict_of(subscriber->patterns, stem, has_argument, text);
    if (verdict == Glob::Verdict::kNone) continue;
    list->push_back({subscriber.get(), verdict == Glob::Verdict::kDepends});
  }
  auto& place = lists_[index(stem, has_argument)];
  const std::lock_guard lock(mutex_);
  // Relaxed: stored under this mutex only.
  if (const Targets* known = place.load(std::memory_order_relaxed)) return *known;
  if (list->empty()) {
    place.store(&kNobody, std::memory_order_release);
    return kNobody;
  }
  owned_.push_back(std::move(list));
  place.store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

}  // namespace mayfly
