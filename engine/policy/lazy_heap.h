// LazyHeap: slots ordered by a time at which each is to be looked at, the earliest on top.
//
// A binary heap of (time, slot) that knows where each slot stands, so that any slot can leave. A
// time may be too early: whoever looks at the top compares it with the real one and delays it. So
// what is put off often (an expiry, by each access) costs nothing here until it would have been its
// turn.
//
// SOURCE     Williams, Algorithm 232: Heapsort, CACM 7 (1964).
// MEMORY     Two arrays that grow with the largest slot number; delaying and removing allocate
//            nothing.
// THREADS    One at a time.
// UNITS      Anything that grows, as a time does; slots are small numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mayfly {

class LazyHeap {
 public:
  // A slot and when it is to be looked at.
  struct Item {
    std::int64_t at;
    std::uint32_t slot;
  };

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  // The earliest; not when empty.
  const Item& top() const { return items_.front(); }
  // All of them, in no order but that the top is first.
  const std::vector<Item>& items() const { return items_; }

  // `slot` must not be inside.
  void push(std::uint32_t slot, std::int64_t at);
  // The top is to be looked at later than before, at `at`.
  void delay_top(std::int64_t at);
  // `slot` must be inside.
  void remove(std::uint32_t slot);

 private:
  void rise(std::size_t place, Item item);
  void sink(std::size_t place, Item item);
  void put(std::size_t place, Item item) {
    items_[place] = item;
    places_[item.slot] = static_cast<std::uint32_t>(place);
  }

  std::vector<Item> items_;
  std::vector<std::uint32_t> places_;  // by slot: where it stands in items_
};

}  // namespace mayfly
