// SlotIndex: hash -> slot, an open-addressing table of 8-byte cells with linear probing.
//
// Keys are the caller's: find() asks it whether a slot whose hash looks right is the one. Removal
// moves later cells back, so there are no tombstones and no cleaning.
//
// SOURCE     Knuth, TAOCP 3, 6.4, algorithms L and R.
// MEMORY     Doubles at two thirds full; find() and erase() allocate nothing.
// THREADS    One at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mayfly {

// Slots count from 1; this is none.
constexpr std::uint32_t kNoIndexedSlot = 0;

// Where the slots of a table of keys are.
class SlotIndex {
 public:
  SlotIndex() : cells_(kFirstCells) {}

  // The slot for which is_it(slot) is true among those of equal hash, or kNoIndexedSlot.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
      const Cell cell = cells_[at];
      if (cell.slot == kNoIndexedSlot) return kNoIndexedSlot;
      if (cell.tag == tag && is_it(cell.slot)) return cell.slot;
    }
  }
  // The slot must not be inside.
  void insert(std::uint64_t hash, std::uint32_t slot);
  // The slot must be inside, under this hash.
  void erase(std::uint64_t hash, std::uint32_t slot);
  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint32_t tag = 0;  // the hash's low half: its low bits are where the search begins
    std::uint32_t slot = kNoIndexedSlot;
  };
  static constexpr std::size_t kFirstCells = 16;

  std::size_t mask() const { return cells_.size() - 1; }
  void place(Cell cell);
  void grow();

  std::vector<Cell> cells_;  // a power of two of them
  std::size_t size_ = 0;
};

}  // namespace mayfly
