#include "mayfly/signal/pattern_cache.h"

#include <algorithm>

namespace mayfly {

std::shared_ptr<const CompiledPattern> PatternCache::get(std::string_view glob) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(patterns_.begin(), patterns_.end(), [&](const auto& known) {
    return known->globs().front().pattern() == glob;
  });
  if (found != patterns_.end()) return *found;
  auto compiled = std::make_shared<const CompiledPattern>(glob);
  if (patterns_.size() < kPatternsMax) {
    patterns_.push_back(compiled);
  } else {
    patterns_[next_victim_++ % kPatternsMax] = compiled;
  }
  return compiled;
}

}  // namespace mayfly
