// Delays, refuses and drops rows by chance: for tests of what stands behind and before it.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/base/unit_text.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::Rng;

enum Option : std::uint32_t {
  kErrorRatio,
  kDropRatio,
  kDelayRatio,
  kDelayMin,
  kDelayMax,
  kSeed,
};
enum Counter : std::uint32_t { kErrors, kDrops, kDelays };
enum Reason : std::uint16_t { kInjectedError, kInjectedDrop };
enum Signal : std::uint32_t { kErrorFault };

constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::float_option("error_ratio", "0", {"0", "1"},
                                   "Share of the rows that go to the dead-letter table.")),
    sdk::runtime(
        sdk::float_option("drop_ratio", "0", {"0", "1"}, "Share of the rows that are dropped.")),
    sdk::runtime(
        sdk::float_option("delay_ratio", "1", {"0", "1"}, "Share of the other rows that wait.")),
    sdk::duration_option("delay_min", "0s", {"0s", "24h"}, "How long a row waits at least."),
    sdk::duration_option("delay_max", nullptr, {"0s", "24h"},
                         "How long at most; as long as delay_min if not set."),
    sdk::int_option("seed", "1", {"0", nullptr}, "Another seed, other rows."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, those that wait later."}};
constexpr mayfly_named kCounters[] = {
    {"errors", "Rows that were refused."},
    {"drops", "Rows that were dropped."},
    {"delays", "Rows that waited."},
};
constexpr mayfly_named kReasons[] = {
    {"injected_error", "the fault node refused it by chance"},
    {"injected_drop", "the fault node dropped it by chance"},
};
constexpr mayfly_named kRaises[] = {
    {"error.fault", "Rows were refused or dropped; the argument is how many."},
};

struct Fault : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    error_ratio = options.number(kErrorRatio);
    drop_ratio = options.number(kDropRatio);
    delay_ratio = options.number(kDelayRatio);
    delay_min_ns = options.duration_ns(kDelayMin);
    delay_max_ns = options.is_set(kDelayMax) ? options.duration_ns(kDelayMax) : delay_min_ns;
    rng.emplace(static_cast<std::uint64_t>(options.integer(kSeed)));
    if (error_ratio + drop_ratio > 1) {
      return host.fail(sdk::Failure::kConfig,
                       "drop_ratio: expected no more than 1 together with error_ratio, found " +
                           mayfly::format_number(error_ratio + drop_ratio));
    }
    if (delay_max_ns < delay_min_ns) {
      return host.fail(sdk::Failure::kConfig,
                       "delay_max: expected delay_min (" + mayfly::format_duration(delay_min_ns) +
                           ") or more, found " + mayfly::format_duration(delay_max_ns));
    }
    return MAYFLY_OK;
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) return;
    std::uint64_t errors = 0;
    std::uint64_t drops = 0;
    std::uint64_t delays = 0;
    for (const std::uint16_t row : slice.rows()) {
      // As many draws for each row, so that other ratios leave the others' lots as they are.
      const double fate = rng->unit();
      const double waits = rng->unit();
      const double time = rng->unit();
      if (fate < error_ratio) {
        slice.reject(row, kInjectedError);
        ++errors;
      } else if (fate < error_ratio + drop_ratio) {
        slice.drop(row, kInjectedDrop);
        ++drops;
      } else if (delay_max_ns > 0 && waits < delay_ratio) {
        slice.hold(row, kTag, due(slice.now_ns(), time));
        ++delays;
      }
    }
    if (errors > 0) host.count(kErrors, errors);
    if (drops > 0) host.count(kDrops, drops);
    if (delays > 0) host.count(kDelays, delays);
    if (errors + drops > 0) host.raise(kErrorFault, errors + drops);
  }

  std::int64_t due(std::int64_t now, double time) const {
    const double more = time * static_cast<double>(delay_max_ns - delay_min_ns);
    return mayfly::deadline_after(now, delay_min_ns + static_cast<std::int64_t>(more));
  }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    // Together they may be more than 1 now: then errors come first.
    if (option == kErrorRatio) error_ratio = options.number(kErrorRatio);
    if (option == kDropRatio) drop_ratio = options.number(kDropRatio);
    if (option == kDelayRatio) delay_ratio = options.number(kDelayRatio);
  }

  std::optional<Rng> rng;  // from configure on
  double error_ratio = 0;
  double drop_ratio = 0;
  double delay_ratio = 0;
  std::int64_t delay_min_ns = 0;
  std::int64_t delay_max_ns = 0;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Fault>({
    .name = "fault",
    .version = "0.1.0",
    .summary = "Delays, refuses and drops rows by chance, for tests.",
    .flags = MAYFLY_HOLDS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
}))
