// The SDK: a plugin as a struct with member functions, over the C ABI. Header-only.
//
// A node derives from sdk::Node, a sink (a node that may have threads) from sdk::Sink, a source
// from sdk::Source, and has those members that it needs:
//
//   node    configure(const Options&)        open()          process(Slice)     [required]
//           on_timer(uint32_t id, int64_t now_ns)            on_signal(std::span<const
//           mayfly_signal>) on_completion(Slice)             drain(int64_t deadline_ns)
//           set_option(uint32_t option, const Options&): of it, this option alone
//   sink    the same, and on_wake(int64_t now_ns)
//   source  configure(const Options&)        open(const mayfly_position&)
//           poll(mayfly_batch&, int64_t deadline_ns)                            [required]
//           uint64_t fingerprint(uint64_t byte, std::span<char>)
//           progress(uint64_t& done, uint64_t& total)
//
// Each returns mayfly_result, or void for "always MAYFLY_OK". `host` is the host. The struct is
// made before configure and destroyed at the end; it must not keep mutable statics. An exception
// ends the instance with its text, it never crosses the boundary; still, don't use them on the path
// of rows.
//
// The file ends with the descriptor: MAYFLY_SDK_PLUGIN(sdk::node<State>({.name = "...", ...})).
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/sdk/host.h"
#include "mayfly/sdk/options.h"
#include "mayfly/sdk/slice.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

struct Node {
  Host host;
};
// Its threads call host.waker() alone, and have ended when the struct's destructor returns.
struct Sink : Node {};
struct Source {
  Host host;
};

// Tables must be static: the host keeps them.
struct Description {
  const char* name;
  const char* version;
  const char* summary;
  std::uint32_t flags = 0;
  std::span<const mayfly_option> options = {};
  std::span<const mayfly_named> ports = {};
  std::span<const mayfly_named> counters = {};
  std::span<const mayfly_named> reasons = {};
  std::span<const mayfly_named> raises = {};
  std::span<const mayfly_named> listens = {};
};

namespace detail {

template <class T>
constexpr mayfly_table table(std::span<const T> rows) {
  return {rows.data(), static_cast<std::uint32_t>(rows.size()), sizeof(T)};
}

template <class State>
State& of(void* state) {
  return *static_cast<State*>(state);
}

// Runs a member; no exception leaves.
template <class State, class F>
mayfly_result guarded(State& state, F&& member) noexcept {
  try {
    if constexpr (std::is_void_v<decltype(member())>) {
      member();
      return MAYFLY_OK;
    } else {
      return member();
    }
  } catch (const std::exception& e) {
    return state.host.fail(Failure::kInternal, e.what());
  } catch (...) {
    return state.host.fail(Failure::kInternal, "unknown exception");
  }
}

template <class State>
mayfly_result configure(void* state, const mayfly_host* host, mayfly_context* ctx,
                        const mayfly_value* values) noexcept {
  static_assert(std::is_nothrow_default_constructible_v<State>);
  State& made = *::new (state) State();
  made.host = Host(host, ctx);
  if constexpr (requires { made.configure(Options(values)); }) {
    return guarded(made, [&] { return made.configure(Options(values)); });
  }
  return MAYFLY_OK;
}

template <class State>
void destroy(void* state) noexcept {
  of<State>(state).~State();
}

template <class State>
constexpr mayfly_plugin describe(const Description& d, std::uint32_t kind) {
  mayfly_plugin plugin{};
  plugin.struct_size = sizeof(mayfly_plugin);
  plugin.abi_major = MAYFLY_ABI_MAJOR;
  plugin.abi_minor = MAYFLY_ABI_MINOR;
  plugin.name = d.name;
  plugin.version = d.version;
  plugin.summary = d.summary;
  plugin.kind = kind;
  plugin.flags = d.flags;
  plugin.options = table(d.options);
  plugin.ports = table(d.ports);
  plugin.counters = table(d.counters);
  plugin.reasons = table(d.reasons);
  plugin.raises = table(d.raises);
  plugin.listens = table(d.listens);
  plugin.state_size = sizeof(State);
  plugin.state_align = alignof(State);
  plugin.configure = &configure<State>;
  plugin.destroy = &destroy<State>;
  return plugin;
}

}  // namespace detail

template <class State>
constexpr mayfly_plugin node(const Description& description) {
  static_assert(std::is_base_of_v<Node, State>, "a node derives from sdk::Node or sdk::Sink");
  using detail::guarded;
  using detail::of;
  mayfly_plugin plugin = detail::describe<State>(description, MAYFLY_NODE);
  plugin.process = [](void* state, mayfly_slice* slice) noexcept -> mayfly_result {
    return guarded(of<State>(state), [&] { return of<State>(state).process(Slice(*slice)); });
  };
  if constexpr (requires(State & s) { s.open(); }) {
    plugin.open = [](void* state, const mayfly_position*) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] { return of<State>(state).open(); });
    };
  }
  if constexpr (requires(State & s) { s.on_timer(std::uint32_t{}, std::int64_t{}); }) {
    plugin.on_timer = [](void* state, std::uint32_t timer,
                         std::int64_t now_ns) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] { return of<State>(state).on_timer(timer, now_ns); });
    };
  }
  if constexpr (requires(State & s) { s.on_signal(std::span<const mayfly_signal>()); }) {
    plugin.on_signal = [](void* state, const mayfly_signal* signals,
                          std::uint32_t count) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] {
        return of<State>(state).on_signal(std::span<const mayfly_signal>(signals, count));
      });
    };
  }
  if constexpr (requires(State & s, const mayfly_slice& c) { s.on_completion(Slice(c)); }) {
    plugin.on_completion = [](void* state, const mayfly_slice* slice) noexcept -> mayfly_result {
      return guarded(of<State>(state),
                     [&] { return of<State>(state).on_completion(Slice(*slice)); });
    };
  }
  if constexpr (requires(State & s) { s.set_option(std::uint32_t{}, Options(nullptr)); }) {
    plugin.set_option = [](void* state, std::uint32_t option,
                           const mayfly_value* values) noexcept -> mayfly_result {
      return guarded(of<State>(state),
                     [&] { return of<State>(state).set_option(option, Options(values)); });
    };
  }
  if constexpr (requires(State & s) { s.drain(std::int64_t{}); }) {
    plugin.drain = [](void* state, std::int64_t deadline_ns) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] { return of<State>(state).drain(deadline_ns); });
    };
  }
  return plugin;
}

template <class State>
constexpr mayfly_plugin sink(const Description& description) {
  static_assert(std::is_base_of_v<Sink, State>, "a sink derives from sdk::Sink");
  using detail::guarded;
  using detail::of;
  mayfly_plugin plugin = node<State>(description);
  plugin.kind = MAYFLY_SINK;
  if constexpr (requires(State & s) { s.on_wake(std::int64_t{}); }) {
    plugin.on_wake = [](void* state, std::int64_t now_ns) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] { return of<State>(state).on_wake(now_ns); });
    };
  }
  return plugin;
}

template <class State>
constexpr mayfly_plugin source(const Description& description) {
  static_assert(std::is_base_of_v<Source, State>, "a source derives from sdk::Source");
  using detail::guarded;
  using detail::of;
  mayfly_plugin plugin = detail::describe<State>(description, MAYFLY_SOURCE);
  plugin.poll = [](void* state, mayfly_batch* batch,
                   std::int64_t deadline_ns) noexcept -> mayfly_result {
    return guarded(of<State>(state), [&] { return of<State>(state).poll(*batch, deadline_ns); });
  };
  if constexpr (requires(State & s, const mayfly_position& p) { s.open(p); }) {
    plugin.open = [](void* state, const mayfly_position* position) noexcept -> mayfly_result {
      return guarded(of<State>(state), [&] { return of<State>(state).open(*position); });
    };
  }
  if constexpr (requires(State & s) { s.fingerprint(std::uint64_t{}, std::span<char>()); }) {
    plugin.fingerprint = [](void* state, std::uint64_t byte, char* out,
                            std::uint64_t capacity) noexcept -> std::uint64_t {
      return of<State>(state).fingerprint(byte, std::span<char>(out, capacity));
    };
  }
  if constexpr (requires(State & s, std::uint64_t & n) { s.progress(n, n); }) {
    plugin.progress = [](void* state, std::uint64_t* done, std::uint64_t* total) noexcept {
      of<State>(state).progress(*done, *total);
    };
  }
  return plugin;
}

}  // namespace mayfly::sdk

#pragma GCC visibility pop

// The one exported symbol; stands last, at namespace scope outside any namespace.
#define MAYFLY_SDK_PLUGIN(...)                                                                    \
  extern "C" __attribute__((visibility("default"))) const mayfly_plugin* mayfly_plugin_v1(void) { \
    static constexpr mayfly_plugin kPlugin = __VA_ARGS__;                                         \
    return &kPlugin;                                                                              \
  }
