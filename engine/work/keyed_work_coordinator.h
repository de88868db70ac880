// KeyedWorkCoordinator: a WorkCoordinator in which items of one key run at most
// max_concurrency_per_key (1) at a time, in the order they were enqueued, while other keys go on.
//
//   KeyedWorkCoordinator<Order, std::string> orders(
//       {.max_concurrency = 16}, [](const Order& order) { return order.customer; }, body);
//
// The selector is called by enqueue, on its thread; if it throws, nothing is enqueued. With
// fair_scheduling keys take turns (keyed_order.h). Key: hashable by std::hash, comparable,
// copyable, default-constructible; its ==, copy and destructor run under the scheduler's lock, so
// they must neither throw nor call the coordinator. Keys without items leave nothing behind.
// Operations are looked up by their key's text: its first kKeyTextBytes. coordinator.h says the
// rest.
#pragma once

#include <functional>
#include <memory>
#include <ranges>
#include <utility>
#include <vector>

#include "mayfly/work/coordinator.h"
#include "mayfly/work/enqueue.h"
#include "mayfly/work/keyed_item.h"

namespace mayfly {

template <class Item, class Key>
class KeyedWorkCoordinator : public ItemCoordinator<Item, KeyedArrivals<Item, Key>> {
  using Base = ItemCoordinator<Item, KeyedArrivals<Item, Key>>;

 public:
  using KeySelector = std::function<Key(const Item&)>;

  // enqueue() and its like return kUsage also when the key selector threw.
  template <BodyOf<Item> Body>
  KeyedWorkCoordinator(WorkOptions options, KeySelector key_selector, Body body)
      : Base(make_keyed_core<Item, Key>(std::move(options), {}, std::move(body)),
             KeyedArrivals<Item, Key>(std::move(key_selector))) {}

  // How many of a key's items wait. Takes the scheduler's lock, under which keys are compared.
  std::uint64_t pending_count_for_key(const Key& key) const {
    return this->core().pending_with_key(hash_of(key), &key);
  }
  // Operations of a key that run, or are in the window.
  std::vector<OperationSnapshot> snapshot_for_key(const Key& key) const {
    return of_key(
        key, [](const OperationSnapshot& one) { return one.state != OperationState::kPending; });
  }
  // What operations of a key have raised.
  std::vector<Signal> signals_of_key(const Key& key, std::string_view glob = "*") const {
    std::vector<Signal> found;
    for (const OperationSnapshot& one : snapshot_for_key(key)) {
      std::ranges::move(this->signals_of(one.id, glob), std::back_inserter(found));
    }
    return found;
  }

 private:
  template <class Filter>
  std::vector<OperationSnapshot> of_key(const Key& key, Filter filter) const {
    std::string text;
    with_operation_key(key, hash_of(key),
                       [&](std::string_view whole) { text = whole.substr(0, kKeyTextBytes); });
    return this->core().snapshot(
        [&](const OperationSnapshot& one) { return one.key == text && filter(one); });
  }
};

}  // namespace mayfly
