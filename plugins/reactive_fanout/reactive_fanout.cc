// Bounds the rows in flight beyond it, and to fewer while what is behind it falls back.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/policy/reactive_limit.h"
#include "mayfly/sdk/permit_gate.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::ReactiveLimit;
using mayfly::ReactiveOptions;

enum Option : std::uint32_t {
  kMax,
  kMin,
  kBackpressureThreshold,
  kReliefThreshold,
  kSlowAfter,
  kAdjustCooldown,
};
enum Counter : std::uint32_t { kDrops = sdk::kPermitCounters, kReliefs };
enum Signal : std::uint32_t { kBackpressure, kStage2Failed };

constexpr std::uint32_t kTimer = 0;

constexpr mayfly_option kOptions[] = {
    sdk::int_option("max", "1024", {"1", "1000000000"},
                    "Rows that may be in flight beyond it at a time."),
    sdk::int_option("min", "16", {"1", "1000000000"}, "As many while what is behind it is slow."),
    sdk::runtime(sdk::int_option("backpressure_threshold", "256", {"1", "1000000000"},
                                 "Rows that are pending beyond it when the limit drops to min.")),
    sdk::int_option("relief_threshold", "8", {"0", "1000000000"},
                    "It returns to max when no more than so many are pending."),
    sdk::duration_option("slow_after", "100ms", {"0s", "24h"},
                         "A row is pending that has been in flight for longer; 0s: each that is."),
    sdk::duration_option("adjust_cooldown", "200ms", {"0s", "24h"},
                         "From a change of the limit to the next drop."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr auto kCounters = sdk::permit_counters("Rows that had to wait for a permit.",
                                                {{"drops", "Times that the limit dropped to min."},
                                                 {"reliefs", "Times that it returned to max."}});
constexpr mayfly_named kRaises[] = {
    {"stage2.backpressure", "The limit dropped to min; retracted when it returns to max."},
    {"stage2.failed", "Rows failed, or ended as dead letters."},
};

struct ReactiveFanout : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    const ReactiveOptions made = {
        .min = static_cast<std::uint64_t>(options.integer(kMin)),
        .max = static_cast<std::uint64_t>(options.integer(kMax)),
        .backpressure = static_cast<std::uint64_t>(options.integer(kBackpressureThreshold)),
        .relief = static_cast<std::uint64_t>(options.integer(kReliefThreshold)),
        .slow_after_ns = options.duration_ns(kSlowAfter),
        .cooldown_ns = options.duration_ns(kAdjustCooldown),
    };
    if (made.min > made.max) {
      return refuse("min: expected at most max", made.max, made.min, "give both, or a lower min");
    }
    if (made.backpressure > made.max) {
      return refuse("backpressure_threshold: expected at most max", made.max, made.backpressure,
                    "more than max are never pending");
    }
    if (made.relief >= made.backpressure) {
      return refuse("relief_threshold: expected less than backpressure_threshold",
                    made.backpressure, made.relief, "give both, or a lower relief_threshold");
    }
    if (made.slow_after_ns == 0 && made.min > made.relief) {
      return refuse("min: expected at most relief_threshold", made.relief, made.min,
                    "min rows would be pending for as long as others wait, so give slow_after "
                    "a time, or a lower min");
    }
    limit.emplace(made);
    gate.emplace(made.max);
    return MAYFLY_OK;
  }
  mayfly_result refuse(const char* expected, std::uint64_t bound, std::uint64_t found,
                       const char* advice) {
    return host.fail(sdk::Failure::kConfig, std::string(expected) + " (" + std::to_string(bound) +
                                                "), found " + std::to_string(found) + "; " +
                                                advice);
  }

  void process(sdk::Slice slice) {
    const std::uint64_t passed = gate->admit(host, slice);
    if (passed > 0) limit->passed(passed, slice.now_ns());
    update(slice.now_ns());
  }

  void on_completion(sdk::Slice slice) {
    if (slice.failed() > 0) host.raise(kStage2Failed);
    limit->answered(slice.size());
    update(slice.now_ns());
    gate->answered(host, slice);
  }

  void on_timer(std::uint32_t, std::int64_t now_ns) { update(now_ns); }
  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    limit->set_backpressure(static_cast<std::uint64_t>(options.integer(option)));
    update(host.now_ns());
  }

  void update(std::int64_t now) {
    if (limit->update(now)) {
      host.count(limit->behind() ? kDrops : kReliefs);
      limit->behind() ? host.raise(kBackpressure) : host.retract(kBackpressure);
      gate->set_limit(host, limit->limit());
    }
    const std::int64_t due = limit->due_ns();
    due == mayfly::kNever ? host.cancel_timer(kTimer)
                          : host.set_timer(kTimer, std::max(due, now + 1));
  }

  std::optional<ReactiveLimit> limit;
  std::optional<sdk::PermitGate> gate;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<ReactiveFanout>({
    .name = "reactive_fanout",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it, and to fewer while what takes them is slow.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
