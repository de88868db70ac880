// Bounds the rows in flight beyond it, by a limit that signals double and halve.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/policy/concurrency_scale.h"
#include "mayfly/sdk/permit_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::ConcurrencyScale;

enum Option : std::uint32_t { kUpOn, kDownOn, kMin, kMax, kCooldown, kLimit };
enum Counter : std::uint32_t { kRaised = sdk::kPermitCounters, kLowered };
enum Signal : std::uint32_t { kLimitChanged };

constexpr std::uint32_t kTimer = 0;

constexpr mayfly_option kOptions[] = {
    sdk::signals(sdk::list_option("up_on", "load.high", {"1", "64"},
                                  "Each of these signals asks for twice the limit.")),
    sdk::signals(sdk::list_option("down_on", "load.low", {"1", "64"},
                                  "Each of these signals asks for half the limit.")),
    sdk::int_option("min", "64", {"1", "1000000000"}, "The lowest limit, and the first."),
    sdk::int_option("max", "4096", {"1", "1000000000"}, "The highest limit."),
    sdk::duration_option("cooldown", "200ms", {"0s", "24h"}, "Between two changes of the limit."),
    sdk::runtime(sdk::int_option("limit", "0", {"0", "1000000000"},
                                 "Sets the limit, within min and max, from where signals go on; "
                                 "0: leaves it as it is.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr auto kCounters = sdk::permit_counters("Rows that had to wait for a permit.",
                                                {{"raised", "Times that the limit became higher."},
                                                 {"lowered", "Times that it became lower."}});
constexpr mayfly_named kRaises[] = {
    {"concurrency.limit", "The limit changed; the argument is the new one."},
};

struct DynamicConcurrency : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    const auto min = static_cast<std::uint32_t>(options.integer(kMin));
    const auto max = static_cast<std::uint32_t>(options.integer(kMax));
    if (min > max) {
      return host.fail(sdk::Failure::kConfig, "min: expected at most max (" + std::to_string(max) +
                                                  "), found " + std::to_string(min) +
                                                  "; give both, or a lower min");
    }
    scale.emplace(mayfly::ScaleOptions{
        .min = min, .max = max, .cooldown_ns = options.duration_ns(kCooldown)});
    if (const std::int64_t limit = options.integer(kLimit); limit > 0) {
      scale->set(static_cast<std::uint32_t>(limit));
    }
    gate.emplace(scale->limit());
    return MAYFLY_OK;
  }

  void process(sdk::Slice slice) { gate->admit(host, slice); }
  void on_completion(sdk::Slice slice) { gate->answered(host, slice); }

  void on_signal(std::span<const mayfly_signal> signals) {
    const std::int64_t now = host.now_ns();
    for (const mayfly_signal& signal : signals) {
      // Those of one option come together, so the newest of all may have come already.
      if (signal.at_ns < newest_ns) continue;
      newest_ns = signal.at_ns;
      signal.listen == sdk::listen_of(kUpOn) ? scale->up(now) : scale->down(now);
    }
    update(now);
  }

  void on_timer(std::uint32_t, std::int64_t now_ns) {
    scale->advance(now_ns);
    update(now_ns);
  }

  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t, const sdk::Options& options) {
    const std::int64_t limit = options.integer(kLimit);
    if (limit > 0) scale->set(static_cast<std::uint32_t>(limit));
    update(host.now_ns());
  }

  // Takes over what the scale says, and tells.
  void update(std::int64_t now) {
    const std::uint64_t before = gate->permits().limit();
    const std::uint64_t limit = scale->limit();
    if (limit != before) {
      host.count(limit > before ? kRaised : kLowered);
      host.raise(kLimitChanged, limit);
      gate->set_limit(host, limit);
    }
    const std::int64_t due = scale->due_ns();
    due == mayfly::kNever ? host.cancel_timer(kTimer) : host.set_timer(kTimer, std::max(due, now));
  }

  std::optional<ConcurrencyScale> scale;
  std::optional<sdk::PermitGate> gate;
  std::int64_t newest_ns = INT64_MIN;  // of the signals that were acted on
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<DynamicConcurrency>({
    .name = "dynamic_concurrency",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it, by a limit that signals double and halve.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
