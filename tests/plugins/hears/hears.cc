// Counts signals that begin something and those that end it, and ends that came too early. For
// tests.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

// Named first, and so looked for first: what ends must not be heard before what began.
enum Option : std::uint32_t { kEnded, kBegun };
enum Counter : std::uint32_t { kHeard, kEarly };

constexpr mayfly_option kOptions[] = {
    sdk::signals(sdk::list_option("ended", nullptr, {}, "What ends.")),
    sdk::signals(sdk::list_option("begun", nullptr, {}, "What begins.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row."}};
constexpr mayfly_named kCounters[] = {
    {"heard", "Signals that were heard."},
    {"early", "Ends of what hadn't begun."},
};

struct Hears : sdk::Node {
  void process(sdk::Slice) {}

  void on_signal(std::span<const mayfly_signal> signals) {
    host.count(kHeard, signals.size());
    for (const mayfly_signal& signal : signals) {
      if (signal.listen == sdk::listen_of(kBegun)) {
        ++begun;
      } else if (begun > 0) {
        --begun;
      } else {
        host.count(kEarly);
      }
    }
  }

  std::uint64_t begun = 0;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Hears>({
    .name = "hears",
    .version = "0.1.0",
    .summary = "Counts signals in the order in which they come.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
