#include "mayfly/storage/persistent_window/signal_keys.h"

#include <algorithm>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/signal/raising_thread.h"

namespace mayfly {

void SignalKeys::keep(std::string_view name, OperationId operation, std::int64_t at_ns,
                      const std::optional<std::string_view>& key) {
  Part& part = parts_[RaisingThread::home(RaisingThread::key()) % parts_.size()];
  // Without a key it matters only beside others of its time.
  if (!key && part.newest_ns.load(std::memory_order_relaxed) != at_ns) return;
  const std::lock_guard lock(part.mutex);
  std::deque<Kept>& kept = part.kept;
  // At the end, unless two threads share the part and were overtaken.
  const auto place = std::find_if(kept.rbegin(), kept.rend(),
                                  [at_ns](const Kept& one) { return one.at_ns <= at_ns; });
  Kept& added = *kept.insert(place.base(), Kept{at_ns, operation, std::string(name), {}});
  if (key) added.key.emplace(*key);
  part.newest_ns.store(kept.back().at_ns, std::memory_order_relaxed);
  while (kept.size() > max_signals_ ||
         (max_age_ns_ != kNever && kept.front().at_ns < kept.back().at_ns - max_age_ns_)) {
    kept.pop_front();
  }
}

void SignalKeys::attach(std::vector<WindowSignal>& signals) const {
  for (const Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    if (!part.kept.empty()) attach_part(part.kept, signals);
  }
}

// Both from the newest to the oldest.
void SignalKeys::attach_part(const std::deque<Kept>& kept, std::vector<WindowSignal>& signals) {
  std::vector<const Kept*> taken;  // of the time that is being looked at
  std::int64_t taken_ns = 0;
  auto end = kept.end();
  for (auto signal = signals.rbegin(); signal != signals.rend(); ++signal) {
    if (signal->key) continue;  // out of another part
    if (signal->at_ns != taken_ns) taken.clear();
    taken_ns = signal->at_ns;
    end = std::upper_bound(kept.begin(), end, signal->at_ns,
                           [](std::int64_t at_ns, const Kept& one) { return at_ns < one.at_ns; });
    for (auto one = end; one != kept.begin();) {
      --one;
      if (one->at_ns != signal->at_ns) break;
      if (one->operation != signal->operation || one->name != signal->name) continue;
      if (std::ranges::find(taken, &*one) != taken.end()) continue;
      signal->key = one->key;
      taken.push_back(&*one);
      break;
    }
  }
}

}  // namespace mayfly
