#include "mayfly/work/operation_table.h"

#include <algorithm>

namespace mayfly {

OperationTable::OperationTable(std::size_t item_bytes, std::size_t item_align)
    : stride_((std::max<std::size_t>(item_bytes, 1) + item_align - 1) / item_align * item_align),
      align_(std::align_val_t(item_align)),
      chunks_(std::make_unique<std::atomic<Chunk*>[]>(kSlotsMax / kChunk)) {}

OperationTable::~OperationTable() {
  for (std::uint32_t i = 0; i < size() / kChunk; ++i) {
    Chunk* chunk = chunks_[i].load(std::memory_order_acquire);
    ::operator delete[](chunk->items, align_);
    delete chunk;
  }
}

OperationSlot OperationTable::grow() {
  const std::uint32_t first = size_.load(std::memory_order_relaxed);
  if (first == kSlotsMax) return kNoOperationSlot;
  try {
    auto chunk = std::make_unique<Chunk>();
    chunk->items = static_cast<std::byte*>(::operator new[](kChunk* stride_, align_));
    chunks_[first / kChunk].store(chunk.release(), std::memory_order_release);
  } catch (const std::bad_alloc&) {
    return kNoOperationSlot;
  }
  size_.store(first + kChunk, std::memory_order_release);
  return first;
}

void OperationTable::begin(OperationSlot slot, std::int64_t now_ns) {
  OperationRecord& record = (*this)[slot];  // its id is 0
  record.pinned.store(false, std::memory_order_release);
  record.enqueued_ns.store(now_ns, std::memory_order_release);
  record.started_ns.store(0, std::memory_order_release);
  record.finished_ns.store(0, std::memory_order_release);
  record.key_hash.store(0, std::memory_order_release);
  record.key.clear();
  record.error.clear();
  record.state.store(OperationState::kPending, std::memory_order_release);
  record.next = kNoOperationSlot;
  record.previous = kNoOperationSlot;
  record.group = 0;
  record.lane = 0;
  record.raised = false;
  record.awaited = false;
  record.killed = false;
  record.held = false;
  record.evicted = false;
}

std::optional<OperationSnapshot> OperationTable::read(OperationSlot slot, bool with_texts) const {
  const OperationRecord& record = (*this)[slot];
  OperationSnapshot snapshot;
  snapshot.id = record.id.load(std::memory_order_acquire);
  if (snapshot.id == 0) return std::nullopt;
  // The state first: what belongs to it was stored before it.
  snapshot.state = record.state.load(std::memory_order_acquire);
  snapshot.pinned = record.pinned.load(std::memory_order_acquire);
  snapshot.enqueued_ns = record.enqueued_ns.load(std::memory_order_acquire);
  if (snapshot.state != OperationState::kPending) {
    snapshot.started_ns = record.started_ns.load(std::memory_order_acquire);
  }
  if (snapshot.finished()) {
    snapshot.finished_ns = record.finished_ns.load(std::memory_order_acquire);
    if (with_texts) snapshot.error = record.error.load();
  }
  if (with_texts) snapshot.key = record.key.load();
  if (record.id.load(std::memory_order_acquire) != snapshot.id) return std::nullopt;
  return snapshot;
}

OperationSlot OperationTable::find(OperationId id) const {
  const auto slot = static_cast<OperationSlot>(id % kSlotsMax);
  if (id == 0 || slot >= size()) return kNoOperationSlot;
  return (*this)[slot].id.load(std::memory_order_acquire) == id ? slot : kNoOperationSlot;
}

}  // namespace mayfly
