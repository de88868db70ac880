// ExpiryHeap: slots ordered by when they are due, the earliest on top.
//
// A binary heap of (due, slot) that knows where each slot stands, so that any slot can leave. A due
// time may be too early: whoever looks at the top compares it with the real one and delays it, so
// that what is refreshed often costs nothing here until it would have been due.
//
// SOURCE     Williams, Algorithm 232: Heapsort, CACM 7 (1964).
// MEMORY     Two arrays that grow with the largest slot number; delaying and removing allocate
// nothing.
// THREADS    One at a time.
// UNITS      Any time that grows; slots are small numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mayfly {

class ExpiryHeap {
 public:
  // A slot and the time at which it is to be looked at.
  struct Item {
    std::int64_t due;
    std::uint32_t slot;
  };

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  // The earliest; not when empty.
  const Item& top() const { return heap_.front(); }

  // `slot` must not be inside.
  void push(std::uint32_t slot, std::int64_t due);
  // The top becomes due at `due`, which is not earlier than before.
  void delay_top(std::int64_t due);
  // `slot` must be inside.
  void remove(std::uint32_t slot);

 private:
  void rise(std::size_t place, Item item);
  void sink(std::size_t place, Item item);
  void put(std::size_t place, Item item) {
    heap_[place] = item;
    places_[item.slot] = static_cast<std::uint32_t>(place);
  }

  std::vector<Item> heap_;
  std::vector<std::uint32_t> places_;  // by slot: where it stands in heap_
};

}  // namespace mayfly
