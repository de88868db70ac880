#include "mayfly/work/intake.h"

#include <bit>

namespace mayfly {
namespace {

// Slots that the scheduler keeps before it gives them back: one exchange for several.
constexpr std::uint32_t kGiveBack = 16;

}  // namespace

Intake::Intake(OperationTable& table, std::uint32_t capacity, bool lanes)
    : table_(table),
      capacity_(capacity),
      lanes_(lanes),
      mask_(std::bit_ceil(std::uint64_t{capacity} + 1) - 1),
      ring_(std::make_unique<OperationSlot[]>(mask_ + 1)) {}

std::uint32_t Intake::room() {
  if (pushed_ + claimed_ - left_seen_ >= capacity_) {
    left_seen_ = left_.load(std::memory_order_seq_cst);
  }
  return capacity_ - claimed_ - static_cast<std::uint32_t>(pushed_ - left_seen_);
}

OperationSlot Intake::claim(std::int64_t now_ns) {
  if (free_ == kNoOperationSlot)
    free_ = returned_.exchange(kNoOperationSlot, std::memory_order_acquire);
  if (free_ == kNoOperationSlot) {
    const OperationSlot first = table_.grow();
    if (first == kNoOperationSlot) return kNoOperationSlot;
    for (std::uint32_t i = OperationTable::kChunk; i-- > 0;) {
      table_[first + i].next = free_;
      free_ = first + i;
    }
  }
  const OperationSlot slot = free_;
  free_ = table_[slot].next;
  table_.begin(slot, now_ns);
  ++claimed_;
  return slot;
}

void Intake::unclaim(OperationSlot slot) {
  --claimed_;
  table_[slot].next = free_;
  free_ = slot;
}

void Intake::give_back(OperationSlot slot) {
  table_.end(slot);
  table_[slot].next = given_back_;
  if (given_back_ == kNoOperationSlot) given_back_last_ = slot;
  given_back_ = slot;
  if (++given_back_count_ >= kGiveBack) flush_given_back();
}

void Intake::flush_given_back() {
  if (given_back_ == kNoOperationSlot) return;
  OperationSlot head = returned_.load(std::memory_order_relaxed);
  do {
    table_[given_back_last_].next = head;
  } while (!returned_.compare_exchange_weak(head, given_back_, std::memory_order_release,
                                            std::memory_order_relaxed));
  given_back_ = kNoOperationSlot;
  given_back_count_ = 0;
}

void Intake::wake_producers(bool now_idle) {
  if (waiting_.load(std::memory_order_seq_cst) == 0) return;
  if (!now_idle && !lanes_ && pending() > capacity_ / 2) return;
  wake_all();
}

void Intake::wake_all() {
  { const std::lock_guard lock(mutex_); }
  room_.notify_all();
}

}  // namespace mayfly
