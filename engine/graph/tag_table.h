// TagTable: tag -> queue of held rows. Open addressing with linear probing; an emptied tag is
// removed by shifting its successors back (Knuth, TAOCP 6.4, algorithm R), so no tombstones pile up
// under millions of short-lived keys. Grows to its high-water mark. One thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"

namespace mayfly {

// The rows with one tag, in their order.
struct TagQueue {
  std::uint32_t first = MAYFLY_REF_NONE;
  std::uint32_t last = MAYFLY_REF_NONE;
  std::uint64_t rows = 0;  // 0: the slot is empty
};

class TagTable {
 public:
  TagTable() : slots_(kSlotsMin) {}

  TagQueue* find(std::uint64_t tag) {
    return const_cast<TagQueue*>(std::as_const(*this).find(tag));
  }
  const TagQueue* find(std::uint64_t tag) const {
    const Slot& slot = slots_[place(tag)];
    return slot.queue.rows == 0 ? nullptr : &slot.queue;
  }

  // A new queue must get its first row before the next call. References last until then.
  TagQueue& find_or_add(std::uint64_t tag) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[place(tag)];
    if (slot.queue.rows == 0) {
      ++used_;
      slot.tag = tag;
      slot.queue = {};
    }
    return slot.queue;
  }

  // The tag's last row is about to leave; it is in the table.
  void remove(std::uint64_t tag) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = place(tag);
    slots_[hole] = {};
    --used_;
    for (std::size_t i = (hole + 1) & mask; slots_[i].queue.rows != 0; i = (i + 1) & mask) {
      // An entry may move back to the hole unless its home lies after the hole, on the way to it.
      if (((i - home(slots_[i].tag)) & mask) >= ((i - hole) & mask)) {
        slots_[hole] = std::exchange(slots_[i], {});
        hole = i;
      }
    }
  }

  const TagQueue* any() const {
    for (const Slot& slot : slots_) {
      if (slot.queue.rows != 0) return &slot.queue;
    }
    return nullptr;
  }

  template <class F>
  void for_each(F&& f) {
    for (Slot& slot : slots_) {
      if (slot.queue.rows != 0) f(slot.tag, slot.queue);
    }
  }

  std::size_t size() const { return used_; }

 private:
  struct Slot {
    std::uint64_t tag = 0;
    TagQueue queue;
  };
  static constexpr std::size_t kSlotsMin = 64;  // a power of two

  std::size_t home(std::uint64_t tag) const {
    // Fibonacci hashing: tags are often small consecutive numbers.
    return static_cast<std::size_t>((tag * 0x9E3779B97F4A7C15u) >> 32) & (slots_.size() - 1);
  }
  // Where the tag stands, or the empty slot where it would.
  std::size_t place(std::uint64_t tag) const {
    std::size_t i = home(tag);
    while (slots_[i].queue.rows != 0 && slots_[i].tag != tag) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void grow() {
    std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    for (const Slot& slot : before) {
      if (slot.queue.rows != 0) slots_[place(slot.tag)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace mayfly
