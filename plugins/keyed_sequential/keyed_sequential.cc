// Rows of a key one after the other, those of different keys beside each other.
#include <optional>

#include "mayfly/sdk/keyed_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kKey, kPerKey, kLimit };

constexpr mayfly_option kOptions[] = {
    sdk::key_option("key", "Columns; rows in which they are equal have the same key."),
    sdk::runtime(sdk::int_option("per_key", "1", {"1", "1000000000"},
                                 "Rows of a key that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("limit", "1024", {"1", "1000000000"},
                                 "Rows of all keys that may be in flight beyond it at a time.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows; those of a key in order."}};
constexpr auto kCounters =
    sdk::permit_counters("Rows that had to wait for one of their key, or for the limit.");

struct KeyedSequential : sdk::Node {
  void configure(const sdk::Options& options) {
    key.configure(options, kKey, "key");
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)),
                 static_cast<std::uint64_t>(options.integer(kPerKey)));
  }

  mayfly_result open() { return key.open(host); }

  void process(sdk::Slice slice) { gate->admit(host, key, slice); }
  void on_completion(sdk::Slice slice) { gate->answered(host, key, slice); }
  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const auto value = static_cast<std::uint64_t>(options.integer(option));
    option == kLimit ? gate->set_limit(host, value) : gate->set_per_key(host, value);
  }

  sdk::KeyColumns key;
  std::optional<sdk::KeyedGate<>> gate;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<KeyedSequential>({
    .name = "keyed_sequential",
    .version = "0.1.0",
    .summary = "Lets rows of a key pass one after the other, and those of others beside them.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
