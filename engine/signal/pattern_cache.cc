#include "mayfly/signal/pattern_cache.h"

#include <algorithm>
#include <bit>
#include <string>

namespace mayfly {
namespace {

std::uint16_t verdict_of(Glob::Verdict verdict) {
  switch (verdict) {
    case Glob::Verdict::kNone:
      return kVerdictNone;
    case Glob::Verdict::kAll:
      return kVerdictAll;
    case Glob::Verdict::kDepends:
      break;
  }
  return kVerdictDepends;
}

}  // namespace

CompiledPattern::CompiledPattern(std::string_view glob, const StemTable& stems,
                                 std::uint32_t stems_end, const CompiledPattern* earlier)
    : glob_(glob), stems_end_(stems_end), mask_(std::bit_ceil(std::uint64_t{stems_end} * 4) - 1) {
  if (earlier != nullptr) verdicts_ = earlier->verdicts_;
  verdicts_.resize(mask_ + 1);
  std::string name;
  for (std::uint32_t id = earlier != nullptr ? earlier->stems_end_ : 0; id < stems_end; ++id) {
    const StemId stem{id};
    name = stems.text(stem);
    verdicts_[tag_index(stem, false)] = glob_.matches(name) ? kVerdictAll : kVerdictNone;
    if (stem != kTextStem) name.push_back(':');
    verdicts_[tag_index(stem, true)] = verdict_of(glob_.verdict(name));
  }
}

std::shared_ptr<const CompiledPattern> PatternCache::get(std::string_view glob,
                                                         const StemTable& stems) {
  const std::uint32_t stems_end = stems.end();
  const std::lock_guard lock(mutex_);
  auto found = std::find_if(patterns_.begin(), patterns_.end(),
                            [&](const auto& known) { return known->glob().pattern() == glob; });
  if (found != patterns_.end() && (*found)->stems_end() >= stems_end) return *found;
  const CompiledPattern* earlier = found != patterns_.end() ? found->get() : nullptr;
  auto compiled = std::make_shared<const CompiledPattern>(glob, stems, stems_end, earlier);
  if (found != patterns_.end()) {
    *found = compiled;
  } else if (patterns_.size() < kPatternsMax) {
    patterns_.push_back(compiled);
  } else {
    patterns_[next_victim_++ % kPatternsMax] = compiled;
  }
  return compiled;
}

}  // namespace mayfly
