// Plugins for the tests of engine/config: descriptors alone, nothing runs.
#pragma once

#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/plugin/registry.h"

namespace mayfly::test {

template <class T, std::size_t N>
constexpr mayfly_table table(const T (&rows)[N]) {
  return {rows, N, sizeof(T)};
}

inline constexpr mayfly_named kOut[] = {{"out", "All rows."}};
inline constexpr mayfly_named kLeftRight[] = {{"left", "Some rows."}, {"right", "The others."}};
inline constexpr mayfly_named kRaisesTick[] = {{"feed.tick", "Now and then."}};
inline constexpr mayfly_named kListensTick[] = {{"feed.*", "Ticks."}};
inline constexpr mayfly_named kListensNobody[] = {{"breaker.opened", "A breaker opened."}};
inline constexpr mayfly_named kListensArgument[] = {{"write.done:*rows*", "A commit."}};

inline constexpr mayfly_option kFeedOptions[] = {
    {"path", MAYFLY_OPTION_TEXT, MAYFLY_OPTION_REQUIRED | MAYFLY_OPTION_UNIQUE, nullptr, nullptr,
     nullptr, nullptr, "Where the rows are."},
    {"rate", MAYFLY_OPTION_INT, 0, "10", "1", "100", nullptr, "Rows a second."},
    {"format", MAYFLY_OPTION_CHOICE, 0, "csv", nullptr, nullptr, "csv|ndjson", "Of the file."},
};
inline constexpr mayfly_option kWaitOptions[] = {
    {"delay", MAYFLY_OPTION_DURATION, MAYFLY_OPTION_RUNTIME, "100ms", "1ms", "1h", nullptr,
     "How long."},
};
inline constexpr mayfly_option kHeedfulOptions[] = {
    {"stop_on", MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, "throttled,throttled:*", nullptr,
     nullptr, nullptr, "What stops it."},
};
inline constexpr mayfly_option kPickyOptions[] = {
    {"low", MAYFLY_OPTION_INT, 0, "1", nullptr, nullptr, nullptr, "The lower bound."},
    {"high", MAYFLY_OPTION_INT, 0, "2", nullptr, nullptr, nullptr, "The upper bound."},
    {"step", MAYFLY_OPTION_INT, 0, "1", nullptr, nullptr, nullptr, "From one to the next."},
};

inline mayfly_result accept(void*, const mayfly_host*, mayfly_context*, const mayfly_value*) {
  return MAYFLY_OK;
}
inline mayfly_result refuse_low_over_high(void*, const mayfly_host* host, mayfly_context* ctx,
                                          const mayfly_value* values) {
  constexpr std::string_view kLow = "low: expected at most high";
  constexpr std::string_view kOther = "lowest: not today";
  if (values[1].i64 == 6)
    return host->fail(ctx, MAYFLY_FAIL_CONFIG, {kOther.data(), kOther.size()});
  if (values[0].i64 <= values[1].i64) return MAYFLY_OK;
  return host->fail(ctx, MAYFLY_FAIL_CONFIG, {kLow.data(), kLow.size()});
}
inline mayfly_result end(void*, mayfly_batch*, std::int64_t) { return MAYFLY_END; }
inline mayfly_result open(void*, const mayfly_position*) { return MAYFLY_OK; }
inline mayfly_result process(void*, mayfly_slice*) { return MAYFLY_OK; }
inline mayfly_result set_option(void*, std::uint32_t, const mayfly_value*) { return MAYFLY_OK; }
inline mayfly_result on_completion(void*, const mayfly_slice*) { return MAYFLY_OK; }
inline mayfly_result on_signal(void*, const mayfly_signal*, std::uint32_t) { return MAYFLY_OK; }

constexpr mayfly_plugin plugin(const char* name, std::uint32_t kind, std::uint32_t flags) {
  mayfly_plugin p{};
  p.struct_size = sizeof p;
  p.abi_major = MAYFLY_ABI_MAJOR;
  p.abi_minor = MAYFLY_ABI_MINOR;
  p.name = name;
  p.version = "1";
  p.summary = "For tests.";
  p.kind = kind;
  p.flags = flags;
  p.ports = table(kOut);
  p.configure = &accept;
  p.open = &open;
  if (kind == MAYFLY_SOURCE) p.poll = &end;
  if (kind != MAYFLY_SOURCE) p.process = &process;
  return p;
}

// feed, relay, fork, wait, maybe, post, told, gate, once, explode, ticker, lonely, counting, picky,
// heedful.
inline PluginRegistry plugins() {
  static const mayfly_plugin kFeed = [] {
    mayfly_plugin p = plugin("feed", MAYFLY_SOURCE, 0);
    p.options = table(kFeedOptions);
    p.raises = table(kRaisesTick);
    return p;
  }();
  static const mayfly_plugin kRelay = plugin("relay", MAYFLY_NODE, MAYFLY_KEEPS_ORDER);
  static const mayfly_plugin kFork = [] {
    mayfly_plugin p = plugin("fork", MAYFLY_NODE, MAYFLY_KEEPS_ORDER);
    p.ports = table(kLeftRight);
    return p;
  }();
  static const mayfly_plugin kWait = [] {
    mayfly_plugin p = plugin("wait", MAYFLY_NODE, MAYFLY_HOLDS | MAYFLY_DELAYS);
    p.options = table(kWaitOptions);
    p.set_option = &set_option;
    return p;
  }();
  static const mayfly_plugin kMaybe = [] {
    mayfly_plugin p = plugin("maybe", MAYFLY_NODE, MAYFLY_KEEPS_ORDER | MAYFLY_OPTIONAL_PORTS);
    p.ports = table(kLeftRight);
    return p;
  }();
  static const mayfly_plugin kPost = [] {
    mayfly_plugin p = plugin("post", MAYFLY_SINK, MAYFLY_HOLDS | MAYFLY_OPTIONAL_PORTS);
    p.ports = table(kLeftRight);
    return p;
  }();
  static const mayfly_plugin kTold = [] {
    mayfly_plugin p =
        plugin("told", MAYFLY_NODE, MAYFLY_HOLDS | MAYFLY_DELAYS | MAYFLY_WANTS_COMPLETIONS);
    p.on_completion = &on_completion;
    return p;
  }();
  static const mayfly_plugin kGate = plugin("gate", MAYFLY_NODE, MAYFLY_HOLDS);
  static const mayfly_plugin kOnce = plugin("once", MAYFLY_NODE, MAYFLY_ASKED_ONCE);
  static const mayfly_plugin kExplode =
      plugin("explode", MAYFLY_NODE, MAYFLY_TRANSFORMS | MAYFLY_SPLITS);
  const auto listener = [](const char* name, mayfly_table listens) {
    mayfly_plugin p = plugin(name, MAYFLY_NODE, 0);
    p.listens = listens;
    p.on_signal = &on_signal;
    return p;
  };
  static const mayfly_plugin kTicker = listener("ticker", table(kListensTick));
  static const mayfly_plugin kLonely = listener("lonely", table(kListensNobody));
  static const mayfly_plugin kCounting = listener("counting", table(kListensArgument));
  static const mayfly_plugin kPicky = [] {
    mayfly_plugin p = plugin("picky", MAYFLY_NODE, 0);
    p.options = table(kPickyOptions);
    p.configure = &refuse_low_over_high;
    return p;
  }();
  static const mayfly_plugin kHeedful = [] {
    mayfly_plugin p = plugin("heedful", MAYFLY_NODE, 0);
    p.options = table(kHeedfulOptions);
    p.on_signal = &on_signal;
    return p;
  }();
  PluginRegistry registry;
  for (const mayfly_plugin* p :
       {&kFeed, &kRelay, &kFork, &kWait, &kTold, &kGate, &kOnce, &kMaybe, &kPost, &kExplode,
        &kTicker, &kLonely, &kCounting, &kPicky, &kHeedful}) {
    if (const Status added = registry.add(p); !added.ok()) std::abort();
  }
  return registry;
}

}  // namespace mayfly::test
