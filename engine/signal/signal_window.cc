#include "mayfly/signal/signal_window.h"

#include <algorithm>
#include <utility>

namespace mayfly {

SignalWindow::SignalWindow(std::size_t capacity, std::size_t shards_max, std::size_t text_bytes)
    : capacity_(std::max<std::size_t>(capacity, 1)),
      shards_max_(std::min(shards_max, kShardsMax)),
      text_bytes_(text_bytes) {}

SignalShard* SignalWindow::claim_shard(std::uintptr_t key, std::size_t home) {
  for (std::size_t probe = 0; probe < kShardsMax; ++probe) {
    const Slot& slot = slots_[(home + probe) % kShardsMax];
    const std::uintptr_t owner = slot.owner.load(std::memory_order_relaxed);
    if (owner == key) return slot.shard.load(std::memory_order_acquire);
    if (owner == 0) break;
  }
  if (owned_count_.load(std::memory_order_relaxed) >= shards_max_) return nullptr;
  const std::lock_guard lock(owned_mutex_);
  const std::size_t index = owned_count_.load(std::memory_order_relaxed);
  if (index >= shards_max_) return nullptr;
  std::size_t free = home;
  while (slots_[free].owner.load(std::memory_order_relaxed) != 0) free = (free + 1) % kShardsMax;
  owned_[index] = std::make_unique<SignalShard>(capacity_, text_bytes_);
  // The shard first: whoever finds the owner is this thread, or a later one. Partner:
  // for_each_shard().
  slots_[free].shard.store(owned_[index].get(), std::memory_order_release);
  slots_[free].owner.store(key, std::memory_order_release);
  owned_count_.store(index + 1, std::memory_order_relaxed);
  return owned_[index].get();
}

SignalShard& SignalWindow::shared_shard() {
  if (!shared_owned_) {
    shared_owned_ = std::make_unique<SignalShard>(capacity_, text_bytes_);
    shared_.store(shared_owned_.get(), std::memory_order_release);
  }
  return *shared_owned_;
}

template <class Visit>
void SignalWindow::for_each_shard(Visit visit) const {
  for (std::uint32_t i = 0; i <= kShardsMax; ++i) {
    const auto& shard = i < kShardsMax ? slots_[i].shard : shared_;
    // Partners: claim_shard(), shared_shard().
    if (SignalShard* known = shard.load(std::memory_order_acquire)) visit(*known, i);
  }
}

void SignalWindow::newest(std::int64_t oldest_ns, WindowView& view) const {
  std::uint64_t total = 0;
  view.size_ = 0;
  for_each_shard([&](SignalShard& shard, std::uint32_t index) {
    const std::uint64_t to = shard.head();
    const std::uint64_t first = to > capacity_ ? to - capacity_ : 0;
    const std::uint64_t from = shard.lower_bound(first, to, oldest_ns);
    if (from == to) return;
    view.ranges_[view.size_++] = {&shard, index, from, to};
    total += to - from;
  });
  if (total > capacity_) keep_newest(view);
}

// Finds the time from which on capacity_ records or fewer are left, by halving; what is then
// missing is taken from those of the nanosecond before, the last shards first, as sense() orders
// them.
void SignalWindow::keep_newest(WindowView& view) const {
  const auto from_time = [](const WindowRange& range, std::int64_t at) {
    return range.shard->lower_bound(range.from, range.to, at);
  };
  std::int64_t too_many = INT64_MAX;
  std::int64_t few = INT64_MIN;
  for (const WindowRange& range : view) {
    too_many = std::min(too_many, range.shard->at_ns(range.from));
    few = std::max(few, range.shard->at_ns(range.to - 1));
  }
  ++few;
  while (too_many < few - 1) {
    const std::int64_t middle = too_many + (few - too_many) / 2;
    std::uint64_t left = 0;
    for (const WindowRange& range : view) left += range.to - from_time(range, middle);
    (left > capacity_ ? too_many : few) = middle;
  }
  std::array<std::uint64_t, kShardsMax + 1> from;
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i < view.size_; ++i) {
    from[i] = from_time(view.ranges_[i], few);
    kept += view.ranges_[i].to - from[i];
  }
  for (std::size_t i = view.size_; i-- > 0;) {
    WindowRange& range = view.ranges_[i];
    const std::uint64_t tied = from[i] - std::min(from[i], from_time(range, few - 1));
    const std::uint64_t room = capacity_ - std::min<std::uint64_t>(capacity_, kept);
    const std::uint64_t taken = std::min(tied, room);
    range.from = from[i] - taken;
    kept += taken;
  }
}

std::uint64_t SignalWindow::appended_total() const {
  std::uint64_t total = 0;
  for_each_shard([&](const SignalShard& shard, std::uint32_t) { total += shard.head(); });
  return total;
}

std::uint64_t SignalWindow::text_overwritten_total() const {
  std::uint64_t total = 0;
  for_each_shard(
      [&](const SignalShard& shard, std::uint32_t) { total += shard.text_overwritten(); });
  return total;
}

}  // namespace mayfly
