// Lets so many rows be in flight beyond it; the others wait for an answer. For tests.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kMax };
enum Counter : std::uint32_t { kTaken, kReturned, kHighest };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("max", "8", {"1", "1000000"}, "Rows in flight beyond the node."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"taken", "Permits taken."},
    {"returned", "Permits given back."},
    {"highest", "Most permits out at a time."},
};

struct Permits : sdk::Node {
  void configure(const sdk::Options& options) {
    max = static_cast<std::uint64_t>(options.integer(kMax));
  }

  void process(sdk::Slice slice) {
    for (const std::uint16_t row : slice.rows()) {
      // A new row must not overtake those that wait.
      const bool behind = !slice.resumed() && host.held(0) + waiting > 0;
      if (out == max || behind) {
        slice.hold(row, 0);
        if (!slice.resumed()) ++waiting;
        continue;
      }
      ++out;
      host.count(kTaken);
      if (out > highest) host.count(kHighest, out - highest), highest = out;
    }
    waiting = 0;
  }

  void on_completion(sdk::Slice slice) {
    out -= slice.size();
    host.count(kReturned, slice.size());
    host.resume(0, max - out);
  }

  std::uint64_t max = 1;
  std::uint64_t out = 0;
  std::uint64_t highest = 0;
  std::uint64_t waiting = 0;  // held by this call, not yet by the host
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Permits>({
    .name = "permits",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
