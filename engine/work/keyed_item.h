// KeyedItem: an item with its key, as keyed coordinators store it.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mayfly/base/key_text.h"
#include "mayfly/work/body.h"
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
  return spread_hash(std::hash<Key>()(key));
}

// Calls use(text) with the key as people read it: a text as it is, an integer in decimal, another
// key's hash in hexadecimal.
template <class Key, class Use>
void with_operation_key(const Key& key, std::uint64_t hash, Use use) {
  if constexpr (TextKey<Key> || NumberKey<Key>) {
    with_key_text(key, KeyText<Key>(), use);
  } else {
    char text[24] = {'#'};
    const char* const end = std::to_chars(text + 1, text + sizeof text, hash, 16).ptr;
    use(std::string_view(text, static_cast<std::size_t>(end - text)));
  }
}

// An item with its key on the way into a slot. The key is selected before any lock is taken.
template <class Item, class Key>
class KeyedArrival {
 public:
  static constexpr bool kQuick =
      std::is_trivially_move_constructible_v<Item> && std::is_trivially_move_constructible_v<Key>;

  template <class Selector>
  KeyedArrival(Item& item, const Selector& selector) : item_(item) {
    status_ = status_of([&] {
      key_.emplace(std::invoke(selector, std::as_const(item_)));
      hash_ = hash_of(*key_);
    });
  }
  // kUsage: the selector threw, or the key's hash.
  Status status() const {
    return status_.ok()
               ? Status()
               : Status(Code::kUsage,
                        "the item wasn't enqueued: its key selector threw: " + status_.message());
  }
  // Makes the item in a slot.
  void operator()(void* place, OperationRecord& record) {
    record.key_hash.store(hash_, std::memory_order_release);
    with_operation_key(*key_, hash_, [&](std::string_view text) { record.key.store(text); });
    ::new (place) KeyedItem<Item, Key>(std::move(item_), std::move(*key_));
  }

 private:
  Item& item_;
  std::optional<Key> key_;
  std::uint64_t hash_ = 0;
  Status status_;
};

// Makes the arrivals of items with keys.
template <class Item, class Key>
class KeyedArrivals {
 public:
  // Throws std::invalid_argument for a null selector.
  explicit KeyedArrivals(std::function<Key(const Item&)> selector)
      : selector_(std::move(selector)) {
    require_callable(selector_, "a key selector");
  }
  KeyedArrival<Item, Key> operator()(Item& item) const {
    return KeyedArrival<Item, Key>(item, selector_);
  }

 private:
  std::function<Key(const Item&)> selector_;
};

// ItemHandler of items with keys: the body gets the item alone.
template <class Item, class Key, class Body>
class KeyedBodyHandler final : public ItemHandler {
 public:
  explicit KeyedBodyHandler(Body body) : body_(std::move(body)) {}

  Status run(void* item, Operation& operation, std::shared_ptr<const void>&) override {
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
