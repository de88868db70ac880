#include "mayfly/storage/persistent_window/restored_signals.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mayfly {

std::vector<WindowSignal> RestoredSignals::take_new(std::vector<WindowSignal> loaded) {
  const std::lock_guard lock(mutex_);
  std::erase_if(loaded, [this](const WindowSignal& signal) {
    return std::ranges::binary_search(known_, signal.id);
  });
  for (const WindowSignal& signal : loaded) known_.push_back(signal.id);
  std::ranges::sort(known_);
  return loaded;
}

void RestoredSignals::show(std::vector<WindowSignal> signals, std::int64_t max_age_ns) {
  const std::lock_guard lock(mutex_);
  max_age_ns_ = std::max(max_age_ns_, max_age_ns);
  shown_.insert(shown_.end(), std::move_iterator(signals.begin()),
                std::move_iterator(signals.end()));
  std::ranges::sort(shown_, [](const WindowSignal& a, const WindowSignal& b) {
    return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.id < b.id;
  });
  if (shown_.size() > max_signals_) {
    shown_.erase(shown_.begin(), shown_.end() - static_cast<std::ptrdiff_t>(max_signals_));
  }
}

void RestoredSignals::visit(std::int64_t now_ns,
                            FunctionRef<bool(const WindowSignal&)> visitor) const {
  const std::lock_guard lock(mutex_);
  const std::int64_t oldest_ns = max_age_ns_ == kNever ? INT64_MIN : now_ns - max_age_ns_;
  for (const WindowSignal& signal : shown_) {
    if (signal.at_ns >= oldest_ns && !visitor(signal)) return;
  }
}

}  // namespace mayfly
