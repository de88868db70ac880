#include "mayfly/policy/expiry_heap.h"

namespace mayfly {

void ExpiryHeap::push(std::uint32_t slot, std::int64_t due) {
  if (slot >= places_.size()) places_.resize(slot + 1);
  heap_.emplace_back();
  rise(heap_.size() - 1, {due, slot});
}

void ExpiryHeap::delay_top(std::int64_t due) { sink(0, {due, heap_.front().slot}); }

void ExpiryHeap::remove(std::uint32_t slot) {
  const std::size_t place = places_[slot];
  const Item last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  // The last one may belong above or below the place that has come free.
  if (place > 0 && last.due < heap_[(place - 1) / 2].due) {
    rise(place, last);
  } else {
    sink(place, last);
  }
}

void ExpiryHeap::rise(std::size_t place, Item item) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent].due <= item.due) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, item);
}

void ExpiryHeap::sink(std::size_t place, Item item) {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (item.due <= heap_[child].due) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, item);
}

}  // namespace mayfly
