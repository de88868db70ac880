// Bounds the rows in flight beyond it; the others wait, in order.
#include <optional>

#include "mayfly/sdk/permit_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kLimit };
enum Counter : std::uint32_t { kPassed, kAnswered, kFailed, kWaited, kHighest };

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::int_option("limit", "1024", {"1", "1000000000"},
                                 "Rows that may be in flight beyond it at a time.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"passed", "Rows that took a permit."},
    {"answered", "Permits given back; passed less answered are in flight."},
    {"failed", "Of those the ones whose attempt failed, or that ended as dead letters."},
    {"waited", "Rows that had to wait for a permit."},
    {"highest", "Most rows in flight at a time."},
};

struct FixedWork : sdk::Node {
  void configure(const sdk::Options& options) {
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)));
  }

  void process(sdk::Slice slice) {
    const std::uint64_t waiting = gate->admit(slice);
    if (waiting > 0) host.count(kWaited, waiting);
    if (waiting < slice.size()) host.count(kPassed, slice.size() - waiting);
    tell_highest();
  }

  void on_completion(sdk::Slice slice) {
    host.count(kAnswered, slice.size());
    if (const std::uint64_t failed = slice.failed(); failed > 0) host.count(kFailed, failed);
    gate->answered(host, slice.size());
  }

  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t, const sdk::Options& options) {
    gate->set_limit(host, static_cast<std::uint64_t>(options.integer(kLimit)));
  }

  void tell_highest() {
    const std::uint64_t highest = gate->permits().highest();
    if (highest > told) host.count(kHighest, highest - told);
    told = highest;
  }

  std::optional<sdk::PermitGate> gate;
  std::uint64_t told = 0;  // of the counter `highest`
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
