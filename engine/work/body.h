// Bodies: what coordinators accept as one, and what becomes of what it returns or throws.
//
//   body(item) or body(item, operation), returning nothing or a Status. What it throws fails the
//   operation with the exception's text.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "mayfly/base/status.h"
#include "mayfly/work/callable.h"
#include "mayfly/work/no_memory.h"
#include "mayfly/work/operation.h"
#include "mayfly/work/work_core.h"

namespace mayfly {

template <class Body, class Item>
concept TakesOperation = std::invocable<Body&, Item&, Operation&>;
template <class Body, class Item>
concept BodyOf = TakesOperation<Body, Item> || std::invocable<Body&, Item&>;

// Calls it one way or the other.
template <class Item, BodyOf<Item> Body>
decltype(auto) call_body(Body& body, Item& item, Operation& operation) {
  if constexpr (TakesOperation<Body, Item>) {
    return std::invoke(body, item, operation);
  } else {
    return std::invoke(body, item);
  }
}

// Runs `call`; what it throws becomes a Status.
template <class Call>
Status status_of(Call call) {
  try {
    if constexpr (std::same_as<decltype(call()), Status>) {
      return call();
    } else {
      call();
      return {};
    }
  } catch (const std::exception& error) {
    return failure_of(error.what());
  } catch (...) {
    return failure_of("the body threw something that is no std::exception");
  }
}

// ItemHandler of items that are run as they are.
template <class Item, class Body>
class BodyHandler final : public ItemHandler {
 public:
  explicit BodyHandler(Body body) : body_(std::move(body)) {}

  Status run(void* item, Operation& operation, std::shared_ptr<const void>&) override {
    return status_of([&] { return call_body(body_, *static_cast<Item*>(item), operation); });
  }
  void destroy(void* item) override { static_cast<Item*>(item)->~Item(); }

 private:
  Body body_;
};

}  // namespace mayfly
