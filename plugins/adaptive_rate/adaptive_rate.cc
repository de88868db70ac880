// Lets rows pass at a rate; less of them after a signal says that it is too much.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/base/unit_text.h"
#include "mayfly/policy/aimd_rate.h"
#include "mayfly/policy/gcra.h"
#include "mayfly/policy/retry_after.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::AimdRate;
using mayfly::Gcra;
using mayfly::Rate;

enum Option : std::uint32_t {
  kRate,
  kPer,
  kBurst,
  kMinRate,
  kLimitSignals,
  kRetryAfter,
  kRetryAfterMax,
  kFactor,
  kStep,
  kQuiet,
  kCooldown,
  kDrain,
};
enum Counter : std::uint32_t { kHeld, kLimited, kCuts };
enum Signal : std::uint32_t { kLowered, kRaised, kRestored };
enum class Drain : std::uint32_t { kHurry, kKeep };

constexpr std::uint32_t kReleaseTimer = 0;
constexpr std::uint32_t kRaiseTimer = 1;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::required(sdk::int_option("rate", nullptr, {"1", "1000000000"},
                                               "Rows that pass in every per, at most."))),
    sdk::duration_option("per", "1s", {"1ms", "24h"}, "The time that rate and min_rate are for."),
    sdk::runtime(sdk::int_option("burst", "1", {"1", "1000000000"},
                                 "Rows that may pass at once after a pause.")),
    sdk::int_option("min_rate", "1", {"1", "1000000000"}, "No signal brings the rate below this."),
    sdk::signals(sdk::list_option("limit_signals", "rate-limit,rate-limit:*", {},
                                  "Each of these stops rows for the time that its argument says "
                                  "(such as 250ms), and cuts the rate.")),
    sdk::duration_option("retry_after", "1s", {"0s", "24h"},
                         "How long a signal stops rows that doesn't say it."),
    sdk::duration_option("retry_after_max", "1h", {"0s", "24h"},
                         "No signal stops rows for longer."),
    sdk::float_option("factor", "0.5", {"0.01", "0.99"}, "Of a cut: the new rate to the old one."),
    sdk::float_option("step", "0.1", {"0.001", "1"},
                      "Of an increase: the share of rate that is added."),
    sdk::duration_option("quiet", "5s", {"1ms", "24h"},
                         "Time without such a signal before each increase."),
    sdk::duration_option("cooldown", "200ms", {"0s", "24h"},
                         "Signals that come within this of a cut don't cut once more."),
    sdk::choice_option("drain", "hurry", "hurry|keep",
                       "At the end of the pipeline: hurry lets rows go faster if they would miss "
                       "the drain's deadline, keep leaves them to the next run."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"held", "Rows that had to wait."},
    {"limited", "Signals that told to slow down."},
    {"cuts", "Times that the rate was cut."},
};
constexpr mayfly_named kRaises[] = {
    {"rate.lowered", "The rate was cut; the argument is how many rows pass in every per now."},
    {"rate.raised", "The rate was increased; the argument as before."},
    {"rate.restored", "The rate is as configured again; the argument as before."},
};

struct AdaptiveRate : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    configured = options.integer(kRate);
    per_ns = options.duration_ns(kPer);
    burst = static_cast<std::uint64_t>(options.integer(kBurst));
    retry_after_ns = options.duration_ns(kRetryAfter);
    retry_after_max_ns = options.duration_ns(kRetryAfterMax);
    hurry = static_cast<Drain>(options.choice(kDrain)) == Drain::kHurry;
    const std::int64_t least = options.integer(kMinRate);
    if (configured > per_ns) {
      return host.fail(sdk::Failure::kConfig,
                       "rate: expected at most one row a nanosecond, found " +
                           std::to_string(configured) + " in " + mayfly::format_duration(per_ns) +
                           "; set a longer per");
    }
    if (least > configured) {
      return host.fail(sdk::Failure::kConfig,
                       "min_rate: expected at most the rate (" + std::to_string(configured) +
                           "), found " + std::to_string(least) + "; lower it, or raise the rate");
    }
    aimd.emplace(mayfly::AimdOptions{.max = static_cast<double>(configured),
                                     .min = static_cast<double>(least),
                                     .factor = options.number(kFactor),
                                     .step = options.number(kStep),
                                     .quiet_ns = options.duration_ns(kQuiet),
                                     .cooldown_ns = options.duration_ns(kCooldown)});
    gcra.emplace(now_rate());
    return MAYFLY_OK;
  }

  void open() { opened_ns = host.now_ns(); }

  void process(sdk::Slice slice) {
    // Each had its turn when it was let go.
    if (slice.resumed()) return;
    const std::int64_t now = slice.now_ns();
    const bool behind = host.held(kTag) > 0 || now < blocked_until_ns;
    const std::uint64_t pass = behind ? 0 : gcra->acquire_some(now, slice.size());
    if (pass == slice.size()) return;
    for (const std::uint16_t row : slice.rows().subspan(pass)) slice.hold(row, kTag);
    host.count(kHeld, slice.size() - pass);
    host.set_timer(kReleaseTimer, now);  // once they are held
  }

  void on_timer(std::uint32_t timer, std::int64_t now) {
    if (timer == kRaiseTimer && aimd->advance(now)) tell(aimd->due_ns() == mayfly::kNever, now);
    update(now);
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    const std::int64_t now = host.now_ns();
    for (const mayfly_signal& signal : signals) {
      host.count(kLimited);
      // One that a window has kept from an earlier run says nothing about this rate.
      if (signal.at_ns >= opened_ns && aimd->cut(now)) {
        host.count(kCuts);
        retune(now);
        host.raise(kLowered, rounded());
      }
      const std::int64_t wait =
          mayfly::parse_retry_after_ns(sdk::to_view(signal.name)).value_or(retry_after_ns);
      block(mayfly::deadline_after(signal.at_ns, std::min(wait, retry_after_max_ns)), now);
    }
    update(now);
  }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const std::int64_t now = host.now_ns();
    if (option == kBurst) {
      burst = static_cast<std::uint64_t>(options.integer(kBurst));
      retune(now);
    } else {
      configured = std::min(options.integer(kRate), per_ns);
      if (aimd->set_max(static_cast<double>(configured))) {
        tell(aimd->due_ns() == mayfly::kNever, now);
      }
    }
    update(now);
  }

  void drain(std::int64_t deadline_ns) {
    const std::int64_t now = host.now_ns();
    const std::uint64_t waiting = host.held(kTag);
    if (waiting == 0) return;
    // Half of the time is for what comes behind.
    const std::int64_t time = std::max<std::int64_t>((deadline_ns - now) / 2, 0);
    if (hurry && gcra->wait_ns(now, waiting) > time) {
      blocked_until_ns = 0;
      if (static_cast<std::uint64_t>(time) < waiting) {
        host.resume(kTag);
      } else {
        gcra.emplace(mayfly::rate_of(static_cast<double>(waiting), time, burst));
      }
    }
    update(now);
  }

  Rate now_rate() const { return mayfly::rate_of(aimd->rate(), per_ns, burst); }
  std::uint64_t rounded() const { return static_cast<std::uint64_t>(aimd->rate() + 0.5); }

  void tell(bool restored, std::int64_t now) {
    retune(now);
    host.raise(restored ? kRestored : kRaised, rounded());
  }

  void retune(std::int64_t now) {
    if (now >= blocked_until_ns) {
      gcra->set_rate(now_rate(), now);
      return;
    }
    // The block keeps its length, whatever the rate is.
    gcra.emplace(now_rate());
    gcra->block_until(blocked_until_ns);
  }

  void block(std::int64_t until_ns, std::int64_t now) {
    if (until_ns <= std::max(now, blocked_until_ns)) return;
    blocked_until_ns = until_ns;
    gcra->block_until(until_ns);
  }

  // Lets go what may go, and comes back for the others.
  void update(std::int64_t now) {
    const std::int64_t raise = aimd->due_ns();
    raise == mayfly::kNever ? host.cancel_timer(kRaiseTimer) : host.set_timer(kRaiseTimer, raise);
    std::uint64_t waiting = host.held(kTag);
    if (waiting > 0 && now >= blocked_until_ns) {
      const std::uint64_t pass = gcra->acquire_some(now, waiting);
      if (pass > 0) waiting -= host.resume(kTag, pass);
    }
    if (waiting == 0) {
      host.cancel_timer(kReleaseTimer);
      return;
    }
    // Fast rates let several go at a time, but never more than the burst keeps for them.
    const double in_a_round = gcra->rate().events * (static_cast<double>(mayfly::kMillisecond) /
                                                     static_cast<double>(gcra->rate().per_ns));
    const std::uint64_t some =
        std::min({static_cast<std::uint64_t>(in_a_round) + 1, gcra->rate().burst, waiting});
    host.set_timer(kReleaseTimer, std::max(mayfly::deadline_after(now, gcra->wait_ns(now, some)),
                                           blocked_until_ns));
  }

  std::optional<AimdRate> aimd;
  std::optional<Gcra> gcra;
  std::int64_t configured = 1;
  std::int64_t per_ns = mayfly::kSecond;
  std::uint64_t burst = 1;
  std::int64_t retry_after_ns = 0;
  std::int64_t retry_after_max_ns = 0;
  std::int64_t opened_ns = 0;
  std::int64_t blocked_until_ns = 0;
  bool hurry = true;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<AdaptiveRate>({
    .name = "adaptive_rate",
    .version = "0.1.0",
    .summary = "Lets rows pass at a rate, and slows down when signals say that it is too much.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
