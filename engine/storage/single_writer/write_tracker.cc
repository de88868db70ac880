#include "mayfly/storage/single_writer/write_tracker.h"

#include <algorithm>

namespace mayfly {

WriteTracker::WriteTracker(std::size_t capacity)
    : capacity_(std::max<std::size_t>(capacity, 1)), slots_(std::make_unique<Slot[]>(capacity_)) {}

std::uint64_t WriteTracker::begin(WriteKind kind, std::int64_t now_ns) {
  const std::uint64_t id = next_.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = slots_[id % capacity_];
  std::uint64_t seen = slot.word.load(std::memory_order_relaxed);
  do {
    if (seen > 2 * id) return id;  // a newer write's already
    seen &= ~std::uint64_t{1};     // an odd one becomes even in a moment
  } while (!slot.word.compare_exchange_weak(seen, 2 * id + 1, std::memory_order_acquire,
                                            std::memory_order_relaxed));
  slot.kind.store(kind, std::memory_order_release);
  slot.state.store(WriteState::kPending, std::memory_order_release);
  slot.rows.store(0, std::memory_order_release);
  slot.enqueued_ns.store(now_ns, std::memory_order_release);
  slot.started_ns.store(0, std::memory_order_release);
  slot.finished_ns.store(0, std::memory_order_release);
  slot.word.store(2 * id, std::memory_order_release);
  return id;
}

// Nothing, once the slot is a newer write's.
template <class Store>
void WriteTracker::store(std::uint64_t id, Store fields) {
  Slot& slot = slots_[id % capacity_];
  std::uint64_t seen = 2 * id;
  if (!slot.word.compare_exchange_strong(seen, 2 * id + 1, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
    return;
  }
  fields(slot);
  slot.word.store(2 * id, std::memory_order_release);
}

void WriteTracker::started(std::uint64_t id, std::int64_t now_ns) {
  store(id, [&](Slot& slot) {
    slot.state.store(WriteState::kRunning, std::memory_order_release);
    slot.started_ns.store(now_ns, std::memory_order_release);
  });
}

void WriteTracker::finished(std::uint64_t id, bool ok, std::int64_t rows, std::int64_t now_ns) {
  store(id, [&](Slot& slot) {
    slot.state.store(ok ? WriteState::kCompleted : WriteState::kFailed, std::memory_order_release);
    slot.rows.store(rows, std::memory_order_release);
    slot.finished_ns.store(now_ns, std::memory_order_release);
  });
}

bool WriteTracker::read(const Slot& slot, WriteSnapshot& out) {
  constexpr int kTries = 16;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = slot.word.load(std::memory_order_acquire);
    if (before == 0) return false;
    if (before % 2 != 0) continue;
    out.id = before / 2;
    out.kind = slot.kind.load(std::memory_order_acquire);
    out.state = slot.state.load(std::memory_order_acquire);
    out.rows = slot.rows.load(std::memory_order_acquire);
    out.enqueued_ns = slot.enqueued_ns.load(std::memory_order_acquire);
    out.started_ns = slot.started_ns.load(std::memory_order_acquire);
    out.finished_ns = slot.finished_ns.load(std::memory_order_acquire);
    if (slot.word.load(std::memory_order_acquire) == before) return true;
  }
  return false;
}

std::vector<WriteSnapshot> WriteTracker::snapshot() const {
  std::vector<WriteSnapshot> found;
  found.reserve(capacity_);
  WriteSnapshot one;
  for (std::size_t i = 0; i < capacity_; ++i) {
    if (read(slots_[i], one)) found.push_back(one);
  }
  std::sort(found.begin(), found.end(),
            [](const WriteSnapshot& a, const WriteSnapshot& b) { return a.id < b.id; });
  return found;
}

}  // namespace mayfly
