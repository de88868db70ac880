#include "mayfly/base/slot_index.h"

#include <utility>

namespace mayfly {

void SlotIndex::insert(std::uint64_t hash, std::uint32_t slot) {
  if ((size_ + 1) * 3 > cells_.size() * 2) grow();
  place({static_cast<std::uint32_t>(hash), slot});
  ++size_;
}

void SlotIndex::erase(std::uint64_t hash, std::uint32_t slot) {
  std::size_t hole = static_cast<std::uint32_t>(hash) & mask();
  while (cells_[hole].slot != slot) hole = (hole + 1) & mask();
  for (std::size_t at = (hole + 1) & mask(); cells_[at].slot != kNoIndexedSlot; at = (at + 1) & mask()) {
    // A cell may move back to the hole unless its search begins behind the hole.
    const std::size_t home = cells_[at].tag & mask();
    if (((at - home) & mask()) < ((at - hole) & mask())) continue;
    cells_[hole] = cells_[at];
    hole = at;
  }
  cells_[hole] = {};
  --size_;
}

void SlotIndex::place(Cell cell) {
  std::size_t at = cell.tag & mask();
  while (cells_[at].slot != kNoIndexedSlot) at = (at + 1) & mask();
  cells_[at] = cell;
}

void SlotIndex::grow() {
  std::vector<Cell> old(cells_.size() * 2);
  std::swap(old, cells_);
  for (const Cell& cell : old) {
    if (cell.slot != kNoIndexedSlot) place(cell);
  }
}

}  // namespace mayfly
