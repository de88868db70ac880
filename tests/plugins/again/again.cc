// Stands at writer.failed: sends rows round again after a delay, so many times. For tests.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kDelay, kTimes };
enum Counter : std::uint32_t { kRounds };
enum Reason : std::uint16_t { kExhausted };

constexpr mayfly_option kOptions[] = {
    sdk::duration_option("delay", "1ms", {"0s", "1h"}, "How long a failed row waits."),
    sdk::int_option("times", "1000000", {"0", "1000000"}, "Attempts after which it is rejected."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows to try again."}};
constexpr mayfly_named kCounters[] = {{"rounds", "Rows sent round."}};
constexpr mayfly_named kReasons[] = {{"exhausted", "the row failed too often"}};

struct Again : sdk::Node {
  void configure(const sdk::Options& options) {
    delay_ns = options.duration_ns(kDelay);
    times = static_cast<std::uint64_t>(options.integer(kTimes));
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) {
      host.count(kRounds, slice.size());
      return;
    }
    for (const std::uint16_t row : slice.rows()) {
      if (slice.batch().attempt[row] > times) {
        slice.reject(row, kExhausted);
      } else {
        slice.hold(row, 0, slice.now_ns() + delay_ns + 1);
      }
    }
  }

  std::int64_t delay_ns = 0;
  std::uint64_t times = 0;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Again>({
    .name = "again",
    .version = "0.1.0",
    .summary = "Sends failed rows round again.",
    .flags = MAYFLY_HOLDS | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
