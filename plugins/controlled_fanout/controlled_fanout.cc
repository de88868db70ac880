// Bounds the rows in flight beyond it, in all and of each key, and tells when rows pile up.
#include <optional>
#include <string>

#include "mayfly/sdk/keyed_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kKey, kLimit, kPerKey, kSaturatedAt, kName };
enum Counter : std::uint32_t { kSaturations = sdk::kPermitCounters };
enum Signal : std::uint32_t { kSaturated };

constexpr mayfly_option kOptions[] = {
    sdk::key_option("key", "Columns; rows in which they are equal have the same key."),
    sdk::runtime(sdk::int_option("limit", "256", {"1", "1000000000"},
                                 "Rows of all keys that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("per_key", "16", {"1", "1000000000"},
                                 "Rows of a key that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("saturated_at", "1024", {"0", "1000000000"},
                                 "Rows that wait here when fanout.saturated is raised; 0: never.")),
    sdk::text_option("name", "", "The argument of its signal, to tell several nodes apart."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows; those of a key in order."}};
constexpr auto kCounters =
    sdk::permit_counters("Rows that had to wait for one of their key, or for the limit.",
                         {{"saturations", "Times that saturated_at was reached."}});
constexpr mayfly_named kRaises[] = {
    {"fanout.saturated", "saturated_at rows wait; retracted when no more than half of that do."},
};

struct ControlledFanout : sdk::Node {
  void configure(const sdk::Options& options) {
    key.configure(options, kKey, "key");
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)),
                 static_cast<std::uint64_t>(options.integer(kPerKey)));
    saturated_at = static_cast<std::uint64_t>(options.integer(kSaturatedAt));
    name = options.text(kName);
  }

  mayfly_result open() { return key.open(host); }

  void process(sdk::Slice slice) {
    gate->admit(host, key, slice);
    tell();
  }

  void on_completion(sdk::Slice slice) {
    gate->answered(host, key, slice);
    tell();
  }

  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const auto value = static_cast<std::uint64_t>(options.integer(option));
    if (option == kLimit) gate->set_limit(host, value);
    if (option == kPerKey) gate->set_per_key(host, value);
    if (option == kSaturatedAt) saturated_at = value;
    tell();
  }

  void tell() {
    const std::uint64_t waiting = gate->permits().waiting();
    if (!saturated && saturated_at > 0 && waiting >= saturated_at) {
      saturated = true;
      host.count(kSaturations);
      host.raise(kSaturated, name);
    } else if (saturated && waiting <= saturated_at / 2) {
      saturated = false;
      host.retract(kSaturated, name);
    }
  }

  sdk::KeyColumns key;
  std::optional<sdk::KeyedGate<>> gate;
  std::uint64_t saturated_at = 0;
  std::string name;
  bool saturated = false;  // as it was told
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<ControlledFanout>({
    .name = "controlled_fanout",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it, in all and of each key.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
