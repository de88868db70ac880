// FunctionRef: a function object that somebody else owns, as two words: for callbacks that are called
// before the function that takes them returns, without the allocation std::function may need.
//
// Owns nothing: the callable has to live as long as the reference is used, which an argument of a
// call does. Threads: those of the callable.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace mayfly {

template <class Signature>
class FunctionRef;

// Whatever the callable throws passes through.
template <class R, class... Arguments>
class FunctionRef<R(Arguments...)> {
 public:
  // Implicit: so that a lambda can be an argument.
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef> &&
                                              std::is_invocable_r_v<R, F&, Arguments...>>>
  FunctionRef(F&& callable)  // NOLINT(google-explicit-constructor)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Arguments... arguments) -> R {
          return static_cast<R>((*static_cast<std::remove_reference_t<F>*>(object))(
              std::forward<Arguments>(arguments)...));
        }) {}

  R operator()(Arguments... arguments) const {
    return call_(object_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* object_;
  R (*call_)(void*, Arguments...);
};

}  // namespace mayfly
