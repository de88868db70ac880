// Lets rows whose attempt failed wait, longer each time, and sends them on for the next one.
#include <algorithm>
#include <optional>
#include <utility>

#include "mayfly/base/rng.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::RetryOptions;
using mayfly::RetryPolicy;
using mayfly::Rng;

enum Option : std::uint32_t {
  kMaxRetries,
  kInitialDelay,
  kBackoffMultiplier,
  kMaxDelay,
  kJitter,
  kMaxTime,
  kOnExhausted,
  kReleaseOn,
};
enum Counter : std::uint32_t { kRetries, kExhausted, kSucceeded };
enum Reason : std::uint16_t { kRetriesExhausted };
enum Signal : std::uint32_t { kAttemptFailed, kGaveUp, kSucceededAfterRetry };
enum class OnExhausted : std::uint32_t { kHold, kDeadLetter, kDrop };

// Rows that wait for their next attempt have a due time; those without one have no attempt left.
constexpr std::uint64_t kWaiting = 0;
constexpr std::uint64_t kNoneLeft = 1;

constexpr mayfly_option kOptions[] = {
    sdk::int_option("max_retries", "3", {"0", "1000000"}, "Attempts after the first."),
    sdk::duration_option("initial_delay", "100ms", {"0s", "24h"}, "Before the first retry."),
    sdk::float_option("backoff_multiplier", "2", {"1", "1000"},
                      "Of each delay to the one before it."),
    sdk::duration_option("max_delay", "2s", {"0s", "24h"}, "No delay is longer."),
    sdk::float_option("jitter", "0.25", {"0", "1"},
                      "Each delay is chosen within this share of itself, to both sides."),
    sdk::duration_option("max_time", "0s", {"0s", "8760h"},
                         "No attempt begins later than this after the row was made; 0s: no limit."),
    sdk::choice_option("on_exhausted", "hold", "hold|dead_letter|drop",
                       "What becomes of a row without attempts left: it is held, goes to the "
                       "dead-letter table, or is dropped."),
    sdk::signals(sdk::list_option("release_on", nullptr, {},
                                  "Each of these signals lets the rows that are held for want of "
                                  "attempts try once more.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows for their next attempt."}};
constexpr mayfly_named kCounters[] = {
    {"retries", "Rows sent for another attempt."},
    {"exhausted", "Rows that had no attempt left."},
    {"succeeded", "Rows that were written after a retry."},
};
constexpr mayfly_named kReasons[] = {{"retries_exhausted", "every attempt to write it failed"}};
constexpr mayfly_named kListens[] = {
    {"pool.stalled",
     "Nothing moves, since there is no free batch: some of the rows without attempts "
     "left try once more, and all when one of them is written."}};
constexpr mayfly_named kRaises[] = {
    {"retry.attempt.failed", "Rows came that wait for another attempt; the argument is how many."},
    {"retry.exhausted", "Rows have no attempt left; the argument is how many."},
    {"retry.succeeded.after.retry", "Rows were written after all; the argument is how many."},
};

struct Retry : sdk::Node {
  void configure(const sdk::Options& options) {
    // Those that need more than 2^31 retries in a row would wait for years.
    policy.emplace(RetryOptions{
        .max_retries = static_cast<std::uint32_t>(options.integer(kMaxRetries)),
        .initial_delay_ns = options.duration_ns(kInitialDelay),
        .multiplier = options.number(kBackoffMultiplier),
        .max_delay_ns = options.duration_ns(kMaxDelay),
        .jitter = options.number(kJitter),
        .deadline_ns = options.duration_ns(kMaxTime),
    });
    on_exhausted = static_cast<OnExhausted>(options.choice(kOnExhausted));
  }

  void open() { rng.emplace(host.random()); }

  void process(sdk::Slice slice) {
    if (slice.resumed()) {
      host.count(kRetries, slice.size());
      return;
    }
    const mayfly_batch& batch = slice.batch();
    const std::int64_t now = slice.now_ns();
    // One draw for all rows of a slice: they are of one batch, and come back as one slice, which
    // the writer takes with one statement. What came in other slices has other delays.
    const Rng draw(rng->next());
    std::uint64_t waiting = 0;
    std::uint64_t none_left = 0;
    for (const std::uint16_t row : slice.rows()) {
      const std::uint32_t failed = batch.attempt[row];
      if (failed == 0) continue;  // not tried yet
      Rng same = draw;
      auto delay = policy->next_delay_ns(failed - 1, now - batch.enqueued_ns[row], same);
      if (!delay && tries_on(now)) delay = std::max(policy->options().max_delay_ns, kBusyNs);
      if (delay) {
        // A due time of 0 is none.
        slice.hold(row, kWaiting, std::max<std::int64_t>(mayfly::deadline_after(now, *delay), 1));
        ++waiting;
      } else {
        give_up(slice, row);
        ++none_left;
      }
    }
    if (waiting > 0) host.raise(kAttemptFailed, waiting);
    if (none_left > 0) {
      host.count(kExhausted, none_left);
      host.raise(kGaveUp, none_left);
    }
  }

  // Nothing would release a row that is held now: it goes on trying until the drain ends, or what
  // failed before the writer was back has come here.
  bool tries_on(std::int64_t now) const {
    return on_exhausted == OnExhausted::kHold && (draining || now < recovered_until_ns);
  }

  void give_up(sdk::Slice& slice, std::uint16_t row) {
    if (on_exhausted == OnExhausted::kDeadLetter) {
      slice.reject(row, kRetriesExhausted);
    } else if (on_exhausted == OnExhausted::kDrop) {
      slice.drop(row, kRetriesExhausted);
    } else {
      slice.hold(row, kNoneLeft);
    }
  }

  void on_completion(sdk::Slice slice) {
    std::uint64_t written = 0;
    for (const std::uint16_t row : slice.rows()) {
      if (slice.arrived(row)) ++written;
    }
    if (written == 0) return;
    if (std::exchange(probing, false)) {
      host.resume(kNoneLeft);
      recovered_until_ns = mayfly::deadline_after(slice.now_ns(), kOnTheirWayNs);
    }
    host.count(kSucceeded, written);
    host.raise(kSucceededAfterRetry, written);
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    for (const mayfly_signal& signal : signals) {
      if (signal.listen >= MAYFLY_LISTEN_OPTION) {
        host.resume(kNoneLeft);
      } else {
        probe();
      }
    }
  }

  // What is held here fills the pool, so that no other row will show that the writer is back.
  void probe() {
    const std::int64_t now = host.now_ns();
    if (now < next_probe_ns || host.held(kNoneLeft) == 0) return;
    next_probe_ns = mayfly::deadline_after(now, policy->options().max_delay_ns);
    probing = true;
    host.resume(kNoneLeft, kProbeRows);
  }

  void drain(std::int64_t) {
    draining = true;
    host.resume(kNoneLeft);
  }

  static constexpr std::uint64_t kProbeRows = 1000;
  // Longer than what failed during an outage takes to come here, but for the slowest transactions.
  static constexpr std::int64_t kOnTheirWayNs = mayfly::kSecond;
  // Between attempts of a drain, where no delay is set.
  static constexpr std::int64_t kBusyNs = mayfly::kMillisecond;

  std::optional<RetryPolicy> policy;
  std::optional<Rng> rng;  // from open on
  OnExhausted on_exhausted = OnExhausted::kHold;
  bool draining = false;
  bool probing = false;
  std::int64_t next_probe_ns = INT64_MIN;
  std::int64_t recovered_until_ns = INT64_MIN;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Retry>({
    .name = "retry",
    .version = "0.1.0",
    .summary = "Lets rows whose attempt failed wait, longer each time, and try again.",
    .flags = MAYFLY_HOLDS | MAYFLY_WANTS_COMPLETIONS | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
    .listens = kListens,
}))
