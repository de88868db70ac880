// OperationTable: a record for every operation from its enqueueing to its eviction, in numbered
// slots that never move.
//
// PROTOCOL   A slot has one writer at a time: the enqueuing thread (under the intake's lock) until
//            it is handed over, then whoever holds the scheduler's lock. Readers take no lock: they
//            load the id, then the fields, then the id again, and drop what changed. A slot is
//            reused by storing id 0 before the first field and the new id after the last. All
//            stores are releases and all loads acquires: who sees a field of the next operation
//            also sees that the id has changed. The state is stored after the times that belong to
//            it.
// MEMORY     Chunks of kChunk slots, allocated when they are first needed and kept.
// THREADS    grow(): one at a time. The rest as above.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string_view>

#include "mayfly/base/operation_id.h"
#include "mayfly/work/atomic_text.h"
#include "mayfly/work/operation_slot.h"
#include "mayfly/work/operation_snapshot.h"

namespace mayfly {

// One operation, in its slot. What one turn of an operation touches stands in the first two lines.
struct alignas(64) OperationRecord {
  OperationRecord() : raised(false), awaited(false), killed(false), held(false), evicted(false) {}

  std::atomic<OperationId> id{0};
  std::atomic<OperationState> state{OperationState::kPending};
  std::atomic<bool> pinned{false};
  std::atomic<std::int64_t> enqueued_ns{0};
  std::atomic<std::int64_t> started_ns{0};
  std::atomic<std::int64_t> finished_ns{0};
  std::atomic<std::uint64_t> key_hash{0};

  // The scheduler's own.
  OperationSlot next = kNoOperationSlot;
  OperationSlot previous = kNoOperationSlot;
  // Of its key (keyed_order.h); of one that isn't to run, the next whose item is to be destroyed.
  std::uint32_t group = 0;
  std::uint16_t lane = 0;
  bool raised : 1;   // it has signals
  bool awaited : 1;  // somebody waits for its end
  bool killed : 1;  // ended while in line, which it leaves at its turn; or to be evicted at its end
  bool held : 1;    // its item is still used: by an abandoned thread, or the line it is in
  bool evicted : 1;  // it is free once it isn't held

  AtomicText<kKeyTextBytes> key;
  AtomicText<kErrorTextBytes> error;
};
static_assert(offsetof(OperationRecord, key) == 64);

class OperationTable {
 public:
  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint32_t kSlotsMax = 1U << kOperationSlotBits;

  // Each slot has room for one object of this size and alignment.
  OperationTable(std::size_t item_bytes, std::size_t item_align);
  ~OperationTable();
  OperationTable(const OperationTable&) = delete;
  OperationTable& operator=(const OperationTable&) = delete;

  OperationRecord& operator[](OperationSlot slot) { return chunk(slot)->records[slot % kChunk]; }
  const OperationRecord& operator[](OperationSlot slot) const {
    return chunk(slot)->records[slot % kChunk];
  }
  // Raw memory for the slot's item.
  void* item(OperationSlot slot) {
    return chunk(slot)->items + std::size_t{slot % kChunk} * stride_;
  }

  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }
  // kChunk more slots; returns the first, or kNoOperationSlot when there are kSlotsMax, or no
  // memory for more. Then nothing has changed.
  OperationSlot grow();

  // A slot is used for a new operation, which nobody sees before publish().
  void begin(OperationSlot slot, std::int64_t now_ns);
  void publish(OperationSlot slot, OperationId id) {
    (*this)[slot].id.store(id, std::memory_order_release);
  }
  // A slot is free again.
  void end(OperationSlot slot) { (*this)[slot].id.store(0, std::memory_order_release); }

  // What is in the slot now; none when it is free or was reused meanwhile.
  std::optional<OperationSnapshot> read(OperationSlot slot) const { return read(slot, true); }
  // The same without what needs memory. Throws nothing.
  std::optional<OperationSnapshot> read_without_texts(OperationSlot slot) const {
    return read(slot, false);
  }
  // The slot of an operation that isn't evicted; kNoOperationSlot without one.
  OperationSlot find(OperationId id) const;

 private:
  struct Chunk {
    std::array<OperationRecord, kChunk> records;
    std::byte* items;
  };

  std::optional<OperationSnapshot> read(OperationSlot slot, bool with_texts) const;
  Chunk* chunk(OperationSlot slot) const {
    return chunks_[slot / kChunk].load(std::memory_order_acquire);
  }

  const std::size_t stride_;
  const std::align_val_t align_;
  std::unique_ptr<std::atomic<Chunk*>[]> chunks_;
  std::atomic<std::uint32_t> size_{0};
};

}  // namespace mayfly
