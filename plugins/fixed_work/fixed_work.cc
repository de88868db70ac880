// Bounds the rows in flight beyond it; the others wait, in order.
#include <optional>

#include "mayfly/sdk/permit_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kLimit };

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::int_option("limit", "1024", {"1", "1000000000"},
                                 "Rows that may be in flight beyond it at a time.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr auto kCounters = sdk::permit_counters("Rows that had to wait for a permit.");

struct FixedWork : sdk::Node {
  void configure(const sdk::Options& options) {
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)));
  }

  void process(sdk::Slice slice) { gate->admit(host, slice); }
  void on_completion(sdk::Slice slice) { gate->answered(host, slice); }
  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t, const sdk::Options& options) {
    gate->set_limit(host, static_cast<std::uint64_t>(options.integer(kLimit)));
  }

  std::optional<sdk::PermitGate> gate;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<FixedWork>({
    .name = "fixed_work",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it; the others wait, in order.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
