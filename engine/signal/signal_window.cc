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
  owned_[index] = std::make_unique<SignalShard>(capacity(), text_bytes_);
  // Partner: for_each_shard().
  shards_[index].store(owned_[index].get(), std::memory_order_release);
  // The shard first: whoever finds the owner is this thread, or a later one.
  slots_[free].shard.store(owned_[index].get(), std::memory_order_release);
  slots_[free].owner.store(key, std::memory_order_release);
  owned_count_.store(index + 1, std::memory_order_release);
  return owned_[index].get();
}

SignalShard& SignalWindow::shared_shard() {
  if (!shared_owned_) {
    shared_owned_ = std::make_unique<SignalShard>(capacity(), text_bytes_);
    shards_[kShardsMax].store(shared_owned_.get(), std::memory_order_release);
  }
  return *shared_owned_;
}

template <class Visit>
void SignalWindow::for_each_shard(Visit visit) const {
  // Partners: claim_shard(), shared_shard().
  const auto owned = static_cast<std::uint32_t>(owned_count_.load(std::memory_order_acquire));
  for (std::uint32_t i = 0; i < owned; ++i) {
    visit(*shards_[i].load(std::memory_order_acquire), i);
  }
  SignalShard* const shared = shards_[kShardsMax].load(std::memory_order_acquire);
  if (shared != nullptr) visit(*shared, static_cast<std::uint32_t>(kShardsMax));
}

bool SignalWindow::newest_of_each(std::int64_t oldest_ns, WindowView& view) const {
  return newest_of_each(capacity(), oldest_ns, view);
}

bool SignalWindow::newest_of_each(std::size_t capacity, std::int64_t oldest_ns,
                                  WindowView& view) const {
  std::uint64_t total = 0;
  view.clear();
  for_each_shard([&](SignalShard& shard, std::uint32_t index) {
    const SignalRing& ring = shard.ring();
    const std::uint64_t to = ring.head();
    // All of it has aged: what a shard that was left long ago shows.
    if (to == 0 || ring.at_ns(to - 1) < oldest_ns) return;
    // Partner: raise_floors().
    const std::uint64_t floor = floors_[index].load(std::memory_order_acquire);
    const std::uint64_t first = std::max(floor, to > capacity ? to - capacity : 0);
    if (first >= to) return;
    const std::uint64_t from = ring.lower_bound(first, to, oldest_ns);
    // The search passes over what is overwritten.
    if (first < ring.intact()) view.overtaken_ = true;
    if (from == to) return;
    view.add({&shard, &ring, index, from, to});
    total += to - from;
  });
  return total > capacity;
}

void SignalWindow::newest(std::int64_t oldest_ns, WindowView& view) const {
  const std::size_t capacity = this->capacity();
  if (newest_of_each(capacity, oldest_ns, view)) keep_newest(capacity, view);
}

bool SignalWindow::overtaken(const WindowView& view) const {
  return view.overtaken_ || std::any_of(view.begin(), view.end(), [](const WindowRange& range) {
           return range.from < range.ring->intact();
         });
}

void SignalWindow::raise_floors(std::int64_t oldest_ns) {
  std::array<std::uint64_t, kShardsMax + 1> floors{};
  // Before the view: a record that comes meanwhile isn't hidden.
  for_each_shard(
      [&](const SignalShard& shard, std::uint32_t index) { floors[index] = shard.head(); });
  WindowView view;
  newest(oldest_ns, view);
  for (const WindowRange& range : view) {
    floors[range.index] = std::min(floors[range.index], range.from);
  }
  for (std::size_t i = 0; i < floors.size(); ++i) {
    if (floors[i] <= floors_[i].load(std::memory_order_relaxed)) continue;
    floors_[i].store(floors[i], std::memory_order_release);
  }
}

void SignalWindow::settle(std::int64_t oldest_ns) {
  const std::lock_guard lock(retune_mutex_);
  raise_floors(oldest_ns);
}

void SignalWindow::set_capacity(std::size_t capacity, std::int64_t oldest_ns) {
  capacity = std::max<std::size_t>(capacity, 1);
  const std::lock_guard retune(retune_mutex_);
  raise_floors(oldest_ns);
  pushed_out_.store(overwritten_total(), std::memory_order_relaxed);
  // A shard is either made with the new capacity or told of it here.
  const std::scoped_lock lock(owned_mutex_, shared_mutex_);
  capacity_.store(capacity, std::memory_order_release);
  for_each_shard([&](SignalShard& shard, std::uint32_t) { shard.want_capacity(capacity); });
  slow_down();
}

void SignalWindow::slow_down() {
  // Partner: quicken().
  for (Slot& slot : slots_) slot.quick.exchange(RaisingThread::kNobody, std::memory_order_acq_rel);
}

std::uint64_t SignalWindow::overwritten_total() const {
  const std::uint64_t appended = appended_total();
  const std::size_t capacity = this->capacity();
  return std::max(pushed_out_.load(std::memory_order_relaxed),
                  appended > capacity ? appended - capacity : 0);
}

// Finds the time from which on `capacity` records or fewer are left, by halving; what is then
// missing is taken from those of the nanosecond before, the last shards first, as sense() orders
// them.
void SignalWindow::keep_newest(std::size_t capacity, WindowView& view) const {
  const auto from_time = [](const WindowRange& range, std::int64_t at) {
    return range.ring->lower_bound(range.from, range.to, at);
  };
  std::int64_t too_many = INT64_MAX;
  std::int64_t few = INT64_MIN;
  for (const WindowRange& range : view) {
    too_many = std::min(too_many, range.ring->at_ns(range.from));
    few = std::max(few, range.ring->at_ns(range.to - 1));
  }
  ++few;
  while (too_many < few - 1) {
    const std::int64_t middle = too_many + (few - too_many) / 2;
    std::uint64_t left = 0;
    for (const WindowRange& range : view) left += range.to - from_time(range, middle);
    (left > capacity ? too_many : few) = middle;
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
    const std::uint64_t room = capacity - std::min<std::uint64_t>(capacity, kept);
    const std::uint64_t taken = std::min(tied, room);
    if (range.from < range.ring->intact()) view.overtaken_ = true;
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
