// Lets rows pass, but for some first attempts, which fail. For tests and benchmarks.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kFailing };
enum Counter : std::uint32_t { kFailed };
enum Reason : std::uint16_t { kFailedOnce };
enum Port : std::uint16_t { kOut, kFailedPort };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("failing", "0", {"0", "1000"}, "First attempts that fail, of 1,000."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows."}, {"failed", "Rows whose attempt failed."}};
constexpr mayfly_named kCounters[] = {{"failed", "Attempts that failed."}};
constexpr mayfly_named kReasons[] = {{"failed_once", "its first attempt failed"}};

struct Flaky : sdk::Sink {
  void configure(const sdk::Options& options) {
    failing = static_cast<std::uint64_t>(options.integer(kFailing));
  }

  void process(sdk::Slice slice) {
    if (failing == 0) return;
    std::uint64_t failed = 0;
    for (const std::uint16_t row : slice.rows()) {
      if (slice.batch().attempt[row] > 0) continue;
      // Spread over the rows: every so many, not the first of each thousand.
      const bool fails = (seen + failing) / 1000 != seen / 1000;
      seen += failing;
      if (!fails) continue;
      slice.fail(row, kFailedPort, kFailedOnce);
      ++failed;
    }
    if (failed > 0) host.count(kFailed, failed);
  }

  std::uint64_t failing = 0;
  std::uint64_t seen = 0;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::sink<Flaky>({
    .name = "flaky",
    .version = "0.1.0",
    .summary = "Fails the first attempts of some rows.",
    .flags = MAYFLY_FAILS_ATTEMPTS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
