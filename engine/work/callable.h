// What is given to be called must be there.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

namespace mayfly {

// Functions and function objects that know of it may be null; throws std::invalid_argument then.
template <class Callable>
void require_callable(const Callable& callable, const char* what) {
  if constexpr (std::is_constructible_v<bool, const Callable&>) {
    if (!static_cast<bool>(callable)) {
      throw std::invalid_argument(std::string("expected ") + what + ", found a null one");
    }
  }
}

}  // namespace mayfly
