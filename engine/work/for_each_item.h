// How for_each holds an item between taking it from its range and handing it to the body, and how
// it calls the body.
//
// A range that can be walked again (forward) isn't copied from: an iterator is held, and the body
// gets what it refers to. An item of a single-pass range is gone when the range moves on: it is
// held as a value, copied where that is possible, else moved out of the range.
#pragma once

#include <concepts>
#include <exception>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>

#include "mayfly/base/status.h"
#include "mayfly/work/no_memory.h"
#include "mayfly/work/operation.h"

namespace mayfly {

template <class Range>
using ForEachHeld =
    std::conditional_t<std::ranges::forward_range<Range>, std::ranges::iterator_t<Range>,
                       std::ranges::range_value_t<Range>>;

// Takes hold of the item the iterator is at.
template <class Range>
ForEachHeld<Range> for_each_hold(const std::ranges::iterator_t<Range>& at) {
  if constexpr (std::ranges::forward_range<Range>) {
    return at;
  } else if constexpr (std::constructible_from<std::ranges::range_value_t<Range>,
                                               std::ranges::range_reference_t<Range>>) {
    return std::ranges::range_value_t<Range>(*at);
  } else {
    return std::ranges::range_value_t<Range>(std::ranges::iter_move(at));
  }
}

// The held item: a reference into the range, what its iterator makes, or the held value.
template <class Range>
decltype(auto) for_each_item(ForEachHeld<Range>& held) {
  if constexpr (std::ranges::forward_range<Range>) {
    return *held;
  } else {
    return static_cast<std::ranges::range_value_t<Range>&&>(held);
  }
}

// What the body is offered.
template <class Range>
using ForEachItem = decltype(for_each_item<Range>(std::declval<ForEachHeld<Range>&>()));

// body(item, operation) or body(item). An item that is none of the range's own objects is passed as
// an rvalue, or as an lvalue to bodies that want one.
template <class Body, class Item, class... Rest>
concept ForEachCallable = std::invocable<Body&, Item, Rest&...> ||
    (!std::is_lvalue_reference_v<Item> &&
     std::invocable<Body&, std::remove_reference_t<Item>&, Rest&...>);

template <class Item, class Body, class... Rest>
decltype(auto) for_each_pass(Body& body, std::remove_reference_t<Item>& item, Rest&... rest) {
  if constexpr (std::invocable<Body&, Item, Rest&...>) {
    return body(static_cast<Item&&>(item), rest...);
  } else {
    return body(item, rest...);
  }
}

// Calls; what is thrown becomes a Status.
template <class Call>
Status for_each_guarded(Call&& call) {
  using Answer = std::invoke_result_t<Call&>;
  static_assert(std::is_void_v<Answer> || std::same_as<Answer, Status>,
                "a body of for_each returns void or mayfly::Status");
  try {
    if constexpr (std::is_void_v<Answer>) {
      call();
      return {};
    } else {
      return call();
    }
  } catch (const std::exception& error) {
    return failure_of(error.what());
  } catch (...) {
    return failure_of("something that isn't a std::exception was thrown");
  }
}

}  // namespace mayfly
