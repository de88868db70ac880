// KeyedWorkCoordinator: a WorkCoordinator in which items of one key run at most
// max_concurrency_per_key (1) at a time, in the order they were enqueued, while other keys go on.
//
//   KeyedWorkCoordinator<Order, std::string> orders(
//       {.max_concurrency = 16}, [](const Order& order) { return order.customer; }, body);
//
// The selector is called by enqueue, on its thread; if it throws, nothing is enqueued. With
// fair_scheduling keys take turns (keyed_order.h). Key: hashable by std::hash, comparable,
// copyable, default-constructible. Keys without items leave nothing behind. coordinator.h says the
// rest.
#pragma once

#include <functional>
#include <memory>
#include <ranges>
#include <utility>
#include <vector>

#include "mayfly/work/coordinator.h"
#include "mayfly/work/keyed_item.h"

namespace mayfly {

template <class Item, class Key>
class KeyedWorkCoordinator : public Coordinator {
 public:
  using KeySelector = std::function<Key(const Item&)>;

  template <BodyOf<Item> Body>
  KeyedWorkCoordinator(WorkOptions options, KeySelector key_selector, Body body)
      : Coordinator(make_keyed_core<Item, Key>(std::move(options), {}, std::move(body))),
        key_selector_(std::move(key_selector)) {
    require_callable(key_selector_, "a key selector");
  }

  // As WorkCoordinator's. kUsage also: the key selector threw.
  Result<OperationId> enqueue(Item item) { return enqueue_until(kNever, item); }
  Result<OperationId> try_enqueue(Item item) { return enqueue_until(0, item); }
  Result<OperationId> enqueue_for(Item item, std::int64_t timeout_ns) {
    return enqueue_until(core().now_ns() + timeout_ns, item);
  }
  // When the queue is full, what has waited longest is cancelled to make room. Never waits.
  Result<OperationId> enqueue_dropping_oldest(Item item) {
    for (;;) {
      core().drop_oldest_if_full();
      Result<OperationId> id = enqueue_until(0, item);
      if (id.ok() || id.status().code() != Code::kTryAgain) return id;
    }
  }
  // Fewer than all when the coordinator was completed meanwhile, or a selector threw.
  template <std::ranges::input_range Items>
  std::size_t enqueue_many(Items&& items) {
    std::size_t taken = 0;
    for (auto&& item : items) {
      Item moved(std::move(item));
      if (!enqueue_until(kNever, moved).ok()) break;
      ++taken;
    }
    return taken;
  }

  // How many of a key's items wait.
  std::uint64_t pending_count_for_key(const Key& key) const {
    return core().pending_with_key(hash_of(key));
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
      std::ranges::move(signals_of(one.id, glob), std::back_inserter(found));
    }
    return found;
  }

 private:
  Result<OperationId> enqueue_until(std::int64_t deadline_ns, Item& item) {
    KeyedArrival<Item, Key> arrival(item, key_selector_);
    MAYFLY_RETURN_IF_ERROR(arrival.status());
    return core().enqueue(deadline_ns, 0, arrival);
  }

  template <class Filter>
  std::vector<OperationSnapshot> of_key(const Key& key, Filter filter) const {
    std::string text;
    with_operation_key(key, hash_of(key),
                       [&](std::string_view whole) { text = whole.substr(0, kKeyTextBytes); });
    return core().snapshot(
        [&](const OperationSnapshot& one) { return one.key == text && filter(one); });
  }

  const KeySelector key_selector_;
};

}  // namespace mayfly
