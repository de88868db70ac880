// Counts signals that begin something and those that end it, and ends that came too early. For
// tests.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

// Named first, and so looked for first: what ends must not be heard before what began.
enum Option : std::uint32_t { kEnded, kBegun, kTick };
enum Counter : std::uint32_t { kHeard, kEarly, kTicks };

constexpr mayfly_option kOptions[] = {
    sdk::signals(sdk::list_option("ended", nullptr, {}, "What ends.")),
    sdk::signals(sdk::list_option("begun", nullptr, {}, "What begins.")),
    sdk::duration_option("tick", "0s", {"0s", "1h"}, "A timer from open on; 0s: none."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row."}};
constexpr mayfly_named kCounters[] = {
    {"heard", "Signals that were heard."},
    {"early", "Ends of what hadn't begun."},
    {"ticks", "Times that the timer was due."},
};

struct Hears : sdk::Node {
  void configure(const sdk::Options& options) { tick_ns = options.duration_ns(kTick); }

  void open() { wait(host.now_ns()); }

  void on_timer(std::uint32_t, std::int64_t now) {
    host.count(kTicks);
    wait(now);
  }
  void wait(std::int64_t now) const {
    if (tick_ns > 0) host.set_timer(0, now + tick_ns);
  }

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

  std::int64_t tick_ns = 0;
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
