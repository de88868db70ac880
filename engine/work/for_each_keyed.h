// for_each_keyed: one pass over a range in which items of the same key wait for each other.
//
//   mayfly::for_each_keyed(orders, {.max_concurrency = 8},
//                          [](const Order& order) { return order.customer; },
//                          [](Order& order) { ship(order); });
//
// As for_each (for_each.h), and:
//
// KEYS       At most max_concurrency_per_key bodies of one key run at once, and they start in the
//            range's order. A key that is busy holds up only itself: its items are set aside while
//            those behind them run. Keys need std::hash and ==, which don't throw.
//            key_selector(item) is called once for each item, by one thread at a time; an item for
//            which it throws fails.
// MEMORY     At most queue_capacity items set aside (0: max_tracked_operations); once there are
//            that many, all of busy keys, the range isn't read further until one of them starts. A
//            key is forgotten when none of its items runs or waits.
// THREADS    As for_each, always with threads of its own: ForEachOptions::blocking = false is
//            refused.
// OPERATION  Operation::key() and the snapshots have the key's text: of strings themselves, of what
//            fmt can format the formatted text, of others nothing. An item's wait counts from when
//            it was read.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "mayfly/work/for_each.h"
#include "mayfly/work/keyed_items.h"

namespace mayfly {

// What can give a key for each of a range's items.
template <class KeySelector, class Range>
concept ForEachKeySelector = std::ranges::input_range<Range> && std::invocable < KeySelector&,
        std::remove_reference_t<ForEachItem<Range>>
& > &&requires(const ForEachKey<KeySelector, Range>& key) {
  { std::hash<ForEachKey<KeySelector, Range>>()(key) } -> std::convertible_to<std::size_t>;
  { key == key } -> std::convertible_to<bool>;
};

// See above.
template <std::ranges::input_range Range, class KeySelector, class Body>
requires ForEachKeySelector<KeySelector, std::remove_reference_t<Range>> &&
    ForEachBody<std::remove_reference_t<Body>, std::remove_reference_t<Range>>
        ForEachResult for_each_keyed(Range&& range, const WorkOptions& options,
                                     const ForEachOptions& how, KeySelector key_selector,
                                     Body&& body) {
  using Plain = std::remove_reference_t<Range>;
  require_callable(key_selector, "a key selector");
  ForEachRun run = for_each_checked_run<Plain, Body>(options, how, ForEachKind::kKeyed, body);
  KeyedItems<Plain, KeySelector> items(range, key_selector, run);
  return for_each_pass_over<Plain>(run, items, for_each_workers(range, options),
                                   std::forward<Body>(body));
}

// The same with ForEachOptions' defaults.
template <std::ranges::input_range Range, class KeySelector, class Body>
requires ForEachKeySelector<KeySelector, std::remove_reference_t<Range>> &&
    ForEachBody<std::remove_reference_t<Body>, std::remove_reference_t<Range>>
        ForEachResult for_each_keyed(Range&& range, const WorkOptions& options,
                                     KeySelector key_selector, Body&& body) {
  return for_each_keyed(std::forward<Range>(range), options, ForEachOptions(),
                        std::move(key_selector), std::forward<Body>(body));
}

}  // namespace mayfly
