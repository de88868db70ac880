// Rows of a key one after the other, those of different keys beside each other.
#include <optional>

#include "mayfly/sdk/keyed_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kKey, kPerKey, kLimit };
enum Counter : std::uint32_t { kPassed, kAnswered, kFailed, kWaited, kHighest };

constexpr mayfly_option kOptions[] = {
    sdk::key_option("key", "Columns; rows in which they are equal have the same key."),
    sdk::runtime(sdk::int_option("per_key", "1", {"1", "1000000000"},
                                 "Rows of a key that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("limit", "1024", {"1", "1000000000"},
                                 "Rows of all keys that may be in flight beyond it at a time.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows; those of a key in order."}};
constexpr mayfly_named kCounters[] = {
    {"passed", "Rows that took a permit."},
    {"answered", "Permits given back; passed less answered are in flight."},
    {"failed", "Of those the ones whose attempt failed, or that ended as dead letters."},
    {"waited", "Rows that had to wait for one of their key, or for the limit."},
    {"highest", "Most rows in flight at a time."},
};

struct KeyedSequential : sdk::Node {
  void configure(const sdk::Options& options) {
    key.configure(options, kKey);
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)),
                 static_cast<std::uint64_t>(options.integer(kPerKey)));
  }

  mayfly_result open() { return key.open(host); }

  void process(sdk::Slice slice) {
    std::uint64_t waiting = 0;
    if (!slice.resumed()) {
      for (const std::uint16_t row : slice.rows()) waiting += gate->admit(key, slice, row) ? 0 : 1;
    }
    if (waiting > 0) host.count(kWaited, waiting);
    if (waiting < slice.size()) host.count(kPassed, slice.size() - waiting);
    const std::uint64_t highest = gate->permits().highest();
    if (highest > told) host.count(kHighest, highest - told);
    told = highest;
  }

  void on_completion(sdk::Slice slice) {
    host.count(kAnswered, slice.size());
    if (const std::uint64_t failed = slice.failed(); failed > 0) host.count(kFailed, failed);
    gate->answered(host, key, slice);
  }

  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const auto value = static_cast<std::uint64_t>(options.integer(option));
    option == kLimit ? gate->set_limit(host, value) : gate->set_per_key(host, value);
  }

  sdk::KeyColumns key;
  std::optional<sdk::KeyedGate<>> gate;
  std::uint64_t told = 0;  // of the counter `highest`
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
