// What coordinators show: counts, snapshots, signals.
#include <algorithm>

#include "mayfly/work/worker.h"

namespace mayfly {

WorkCounts WorkCore::counts() const {
  WorkCounts counts;
  counts.pending = intake_.pending();
  counts.enqueued = intake_.accepted();
  // After what waits: an operation on its way from one to the other is seen in both.
  counts.active = static_cast<std::uint64_t>(active_shown_.load(std::memory_order_acquire));
  counts.succeeded = counters_.succeeded.get();
  counts.failed = counters_.failed.get();
  counts.timed_out = counters_.timed_out.get();
  counts.skipped = counters_.skipped.get();
  counts.cancelled = counters_.cancelled.get();
  counts.deferrals_exhausted = counters_.deferrals_exhausted.get();
  counts.threads = static_cast<std::uint64_t>(live_.load(std::memory_order_relaxed));
  counts.abandoned_threads = static_cast<std::uint64_t>(abandoned_.load(std::memory_order_relaxed));
  counts.observer_failures = counters_.observer_failures.load(std::memory_order_relaxed);
  for (const AsyncSignals* queue : {async_raised_.get(), async_removed_.get()}) {
    if (queue == nullptr) continue;
    counts.signals_dropped += queue->dropped();
    counts.observer_failures += queue->failures();
  }
  return counts;
}

// Operations come and go while slots are looked at one after the other: what was seen of several
// moments is cut to what one moment can hold.
void WorkCore::keep_window(std::vector<OperationSnapshot>& found) const {
  const auto counts = [](const OperationSnapshot& one) {
    return one.state != OperationState::kPending && !one.pinned;
  };
  auto excess = std::ranges::count_if(found, counts) - options_.max_tracked_operations;
  std::erase_if(found, [&](const OperationSnapshot& one) {
    return excess > 0 && counts(one) && one.finished() && excess-- > 0;
  });
}

std::vector<OperationSnapshot> WorkCore::window() const {
  return snapshot(
      [](const OperationSnapshot& one) { return one.state != OperationState::kPending; });
}

bool WorkCore::shown(const OperationSnapshot& one, std::int64_t now_ns) const {
  return !one.finished() || one.pinned || !window_.too_old(one.finished_ns, now_ns);
}

std::optional<OperationSnapshot> WorkCore::find(OperationId id) const {
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return std::nullopt;
  auto one = table_.read(slot);
  // The slot may have been reused since.
  if (!one || one->id != id || !shown(*one, clock_.now_ns())) return std::nullopt;
  return one;
}

std::uint64_t WorkCore::pending_with_key(std::uint64_t key_hash, const void* key) const {
  const std::lock_guard lock(mutex_);
  return order_->waiting_with_key(key_hash, key);
}

std::vector<Signal> WorkCore::signals(std::string_view glob) const {
  const SignalSink* raised = operation_signals_.load(std::memory_order_acquire);
  if (raised == nullptr) return {};
  std::vector<OperationId> ids;
  for (OperationSlot slot = 0; slot < table_.size(); ++slot) {
    const OperationId id = table_[slot].id.load(std::memory_order_acquire);
    if (id != 0) ids.push_back(id);
  }
  std::ranges::sort(ids);
  return raised->sense_operations(ids, glob);
}

std::vector<Signal> WorkCore::signals_of(OperationId id, std::string_view glob) const {
  const SignalSink* raised = operation_signals_.load(std::memory_order_acquire);
  if (raised == nullptr) return {};
  return raised->sense_operation(id, glob);
}

}  // namespace mayfly
