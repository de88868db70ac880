// Calling a cache's factory: whatever it returns or throws becomes a value or a Status.
//
// A factory is called with the key and returns a V (or what a V is made from), a shared_ptr to one,
// or a Result of either.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mayfly/base/status.h"
#include "mayfly/cache/user_error.h"

namespace mayfly {

template <class T>
inline constexpr bool kIsResult = false;
template <class T>
inline constexpr bool kIsResult<Result<T>> = true;

// An empty std::function, or a null function pointer.
template <class Factory>
bool is_null_callable(const Factory& factory) {
  if constexpr (!std::is_function_v<Factory> && std::is_constructible_v<Factory, std::nullptr_t>) {
    return factory == nullptr;
  } else {
    return false;
  }
}

// What a factory returned, as what a cache keeps.
template <class V, class Made>
Result<std::shared_ptr<const V>> as_cached(Made&& made) {
  using Type = std::remove_cvref_t<Made>;
  if constexpr (kIsResult<Type>) {
    if (!made.ok()) return made.status();
    return as_cached<V>(std::forward<Made>(made).value());
  } else if constexpr (std::is_same_v<Type, std::shared_ptr<const V>> ||
                       std::is_same_v<Type, std::shared_ptr<V>>) {
    if (made == nullptr) {
      return Status(Code::kUsage, "a cache's factory: expected a value, found a null pointer");
    }
    return std::shared_ptr<const V>(std::forward<Made>(made));
  } else {
    return std::shared_ptr<const V>(std::make_shared<V>(std::forward<Made>(made)));
  }
}

// What came of a factory.
template <class K, class V>
struct Made {
  Result<std::shared_ptr<const V>> outcome;
  std::optional<K> key;    // a copy for the cache, if there is a value
  std::string error_type;  // if there is none
};

// `who` names the factory in messages.
template <class K, class V, class Factory>
Made<K, V> call_factory(const K& key, Factory& factory, std::string_view who) {
  try {
    Made<K, V> made{as_cached<V>(factory(key)), {}, {}};
    if (made.outcome.ok()) {
      made.key.emplace(key);
    } else {
      made.error_type = code_name(made.outcome.status().code());
    }
    return made;
  } catch (...) {
    UserError error = current_user_error(who);
    return {std::move(error.status), {}, std::move(error.type)};
  }
}

}  // namespace mayfly
