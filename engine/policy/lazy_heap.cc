#include "mayfly/policy/lazy_heap.h"

namespace mayfly {

void LazyHeap::push(std::uint32_t slot, std::int64_t at) {
  if (slot >= places_.size()) places_.resize(slot + 1);
  items_.emplace_back();
  rise(items_.size() - 1, {at, slot});
}

void LazyHeap::delay_top(std::int64_t at) { sink(0, {at, items_.front().slot}); }

void LazyHeap::remove(std::uint32_t slot) {
  const std::size_t place = places_[slot];
  const Item last = items_.back();
  items_.pop_back();
  if (place == items_.size()) return;
  // The last one may belong above or below the place that has come free.
  if (place > 0 && last.at < items_[(place - 1) / 2].at) {
    rise(place, last);
  } else {
    sink(place, last);
  }
}

void LazyHeap::rise(std::size_t place, Item item) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (items_[parent].at <= item.at) break;
    put(place, items_[parent]);
    place = parent;
  }
  put(place, item);
}

void LazyHeap::sink(std::size_t place, Item item) {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= items_.size()) break;
    if (child + 1 < items_.size() && items_[child + 1].at < items_[child].at) ++child;
    if (item.at <= items_[child].at) break;
    put(place, items_[child]);
    place = child;
  }
  put(place, item);
}

}  // namespace mayfly
