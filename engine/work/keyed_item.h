// KeyedItem: an item with its key, as keyed coordinators store it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "mayfly/work/body.h"
#include "mayfly/work/key_text.h"
#include "mayfly/work/keyed_order.h"
#include "mayfly/work/work_core.h"

namespace mayfly {

template <class Item, class Key>
struct KeyedItem {
  KeyedItem(Item given, Key selected) : item(std::move(given)), key(std::move(selected)) {}
  Item item;
  Key key;
};

template <class Key>
std::uint64_t hash_of(const Key& key) {
  return spread_key_hash(std::hash<Key>()(key));
}

// Makes one in a slot, with the record's key. `item` is moved from unless the selector throws.
template <class Item, class Key, class Selector>
void place_keyed_item(void* place, OperationRecord& record, Item& item, Selector& selector) {
  Key key = std::invoke(selector, std::as_const(item));
  const std::uint64_t hash = hash_of(key);
  record.key_hash.store(hash, std::memory_order_release);
  with_key_text(key, hash, [&](std::string_view text) { record.key.store(text); });
  ::new (place) KeyedItem<Item, Key>(std::move(item), std::move(key));
}

// Runs the body of a keyed coordinator.
template <class Item, class Key, class Body>
class KeyedBodyHandler final : public ItemHandler {
 public:
  explicit KeyedBodyHandler(Body body) : body_(std::move(body)) {}

  Status run(void* item, Operation& operation) override {
    return status_of([&] {
      return call_body(body_, static_cast<KeyedItem<Item, Key>*>(item)->item, operation);
    });
  }
  void destroy(void* item) override { std::destroy_at(static_cast<KeyedItem<Item, Key>*>(item)); }

 private:
  Body body_;
};

// A core for keyed items, started.
template <class Item, class Key, class Body>
std::shared_ptr<WorkCore> make_keyed_core(WorkOptions options, std::vector<PriorityLane> lanes,
                                          Body body) {
  require_callable(body, "a body");
  using Stored = KeyedItem<Item, Key>;
  auto core = std::make_shared<WorkCore>(
      std::move(options), std::make_unique<KeyedBodyHandler<Item, Key, Body>>(std::move(body)),
      sizeof(Stored), alignof(Stored), std::move(lanes));
  const KeyLimits limits{
      .per_key = static_cast<std::uint32_t>(core->options().max_concurrency_per_key),
      .fair = core->options().fair_scheduling,
      .hot = static_cast<std::uint32_t>(core->options().fair_scheduling_threshold)};
  core->start(std::make_unique<KeyedOrder<Key>>(
      core->table(), core->intake(), core->lanes(), limits,
      [](const void* item) -> const Key& { return static_cast<const Stored*>(item)->key; }));
  return core;
}

}  // namespace mayfly
