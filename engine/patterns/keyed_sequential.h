// KeyedSequential: items of one key one after the other, different keys in parallel.
//
//   KeyedSequential<Order, std::string> orders(
//       [](const Order& order) { return order.customer; }, [](Order& order) { ... });
//
// A key whose item takes long holds back only itself. The node of the same kind is the plugin
// `keyed_sequential`. atom.h and keyed_work_coordinator.h say the rest.
#pragma once

#include <utility>

#include "mayfly/patterns/atom.h"
#include "mayfly/work/keyed_work_coordinator.h"

namespace mayfly {

// How many at once, in all and of a key.
struct KeyedSequentialOptions {
  int max_concurrency = 0;        // 0 or less: the number of processors
  int per_key = 1;                // items of a key at once; less than 1: 1
  bool fair_scheduling = false;   // keys take turns, and hot ones fewer
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  const Clock* clock = nullptr;   // borrowed; null: the machine's

  WorkOptions work() const {
    return {.max_concurrency = max_concurrency > 0 ? max_concurrency : default_concurrency(),
            .max_concurrency_per_key = per_key > 1 ? per_key : 1,
            .fair_scheduling = fair_scheduling,
            .signals = signals,
            .clock = clock};
  }
};

template <class Item, class Key>
class KeyedSequential : public Atom<KeyedWorkCoordinator<Item, Key>> {
 public:
  using KeySelector = typename KeyedWorkCoordinator<Item, Key>::KeySelector;

  template <BodyOf<Item> Body>
  KeyedSequential(KeySelector key_selector, Body body, const KeyedSequentialOptions& options = {})
      : Atom<KeyedWorkCoordinator<Item, Key>>(std::in_place, options.work(),
                                              std::move(key_selector), std::move(body)) {}

  std::uint64_t pending_count_for_key(const Key& key) const {
    return this->coordinator().pending_count_for_key(key);
  }
};

}  // namespace mayfly
