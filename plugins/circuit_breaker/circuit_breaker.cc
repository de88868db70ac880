// Stops rows while what takes them keeps failing, and tries again with a few.
#include <optional>
#include <string>
#include <string_view>

#include "mayfly/policy/circuit_breaker_policy.h"
#include "mayfly/sdk/plugin.h"
#include "plugins/circuit_breaker/earlier_failures.h"
#include "plugins/circuit_breaker/pass_times.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::BreakerOptions;
using mayfly::BreakerState;
using mayfly::CircuitBreakerPolicy;

enum Option : std::uint32_t {
  kMode,
  kThreshold,
  kRatio,
  kMinCalls,
  kWindow,
  kOpenFor,
  kProbes,
  kProbesToClose,
  kProbeTimeout,
  kSlowCall,
  kFailureSignals,
  kState,
  kName,
};
enum Counter : std::uint32_t { kFailures, kOpened, kProbesSent };
enum Signal : std::uint32_t { kFailure, kOpen, kHalfOpen, kClosed };
enum Listened : std::uint32_t { kOwnFailures };

constexpr std::uint32_t kTimer = 0;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::choice_option("mode", "count", "count|consecutive|ratio",
                       "What opens it: threshold failures in the window, threshold in a row, or a "
                       "ratio of the window's calls."),
    sdk::runtime(sdk::int_option("threshold", "5", {"1", "1000000"}, "Failures that open it.")),
    sdk::float_option("ratio", "0.5", {"0.000001", "1"}, "Of mode ratio: the share that opens it."),
    sdk::int_option("min_calls", "10", {"1", "1000000"},
                    "Of mode ratio: calls below which it stays closed."),
    sdk::duration_option("window", "30s", {"1ms", "24h"}, "How long a failure counts."),
    sdk::duration_option("open_for", "30s", {"1ms", "24h"}, "How long it stays open."),
    sdk::int_option("probes", "1", {"1", "65534"}, "Rows that may be out while it is half-open."),
    sdk::int_option("probes_to_close", "1", {"1", "1000000"}, "Probes that must succeed."),
    sdk::duration_option("probe_timeout", "30s", {"1ms", "24h"},
                         "A probe without an answer for so long has failed."),
    sdk::duration_option("slow_call", "0s", {"0s", "24h"},
                         "An answer that took longer counts as a failure; 0s: none does."),
    sdk::signals(sdk::list_option("failure_signals", nullptr, {},
                                  "Each of these signals counts as a failure, too.")),
    sdk::runtime(sdk::choice_option("state", "auto", "auto|open|closed",
                                    "auto; or open or closed, whatever happens.")),
    sdk::text_option("name", "", "The argument of its signals, to tell several breakers apart."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"failures", "Failures that were counted."},
    {"opened", "Times that it opened."},
    {"probes", "Rows sent while it was half-open."},
};
constexpr mayfly_named kRaises[] = {
    {"circuit-failure", "A failure was counted."},
    {"circuit-open", "It opened; retracted when it closes."},
    {"circuit-half-open", "It lets probes pass."},
    {"circuit-closed", "It closed."},
};
constexpr mayfly_named kListens[] = {
    {"circuit-failure*", "Its own failures of an earlier run, when a window has restored them."},
};

struct CircuitBreaker : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    name = options.text(kName);
    policy.emplace(BreakerOptions{
        .mode = static_cast<BreakerOptions::Mode>(options.choice(kMode)),
        .threshold = static_cast<std::uint32_t>(options.integer(kThreshold)),
        .ratio = options.number(kRatio),
        .min_calls = static_cast<std::uint32_t>(options.integer(kMinCalls)),
        .window_ns = options.duration_ns(kWindow),
        .open_ns = options.duration_ns(kOpenFor),
        .probes = static_cast<std::uint32_t>(options.integer(kProbes)),
        .probes_to_close = static_cast<std::uint32_t>(options.integer(kProbesToClose)),
        .probe_timeout_ns = options.duration_ns(kProbeTimeout),
        .slow_call_ns = options.duration_ns(kSlowCall),
    });
    force(options.choice(kState));
    return MAYFLY_OK;
  }

  void open() {
    opened_ns = host.now_ns();
    update(opened_ns);
  }

  void process(sdk::Slice slice) {
    const std::int64_t now = slice.now_ns();
    const BreakerState state = policy->state(now);
    const bool closed = state == BreakerState::kClosed || state == BreakerState::kForcedClosed;
    if (!closed || probes_let_go > 0) {
      bool behind = !closed && host.held(kTag) > 0;
      for (const std::uint16_t row : slice.rows()) {
        if (probes_let_go > 0 && slice.resumed()) {
          // Whatever the state is by now: held again, it would stand behind all that are held.
          --probes_let_go;
          policy->try_begin(now);
        } else if (behind || !policy->try_begin(now)) {
          slice.hold(row, kTag);
          behind = true;
        } else if (!closed) {
          host.count(kProbesSent);
        }
      }
      host.set_timer(kTimer, now);  // once they are held
    }
    if (policy->options().slow_call_ns > 0) times.passed(slice.batch(), now);
  }

  void on_completion(sdk::Slice slice) {
    const std::int64_t now = slice.now_ns();
    const bool probing = policy->state(now) == BreakerState::kHalfOpen;
    const std::int64_t slow_ns = policy->options().slow_call_ns;
    const bool slow = slow_ns > 0 && times.since(slice.batch(), now) > slow_ns;
    bool failed = false;
    bool succeeded = false;
    for (const std::uint16_t row : slice.rows()) {
      const std::uint8_t outcome = slice.outcome(row);
      // A row that the database refuses says that the database works.
      const bool good = slice.arrived(row) || outcome == MAYFLY_DEAD_LETTERED;
      if (outcome == MAYFLY_PENDING || (good && slow)) {
        failed = true;
        continue;
      }
      succeeded |= good;
      if (probing) good ? policy->succeeded(now) : policy->abandoned(now);
    }
    if (failed) {
      fail(now);
    } else if (succeeded && !probing) {
      policy->succeeded(now);
    }
    update(now);
  }

  // The batches of one transaction fail together: once.
  void fail(std::int64_t now) {
    if (now == last_failure_ns) return;
    last_failure_ns = now;
    policy->failed(now);
    tell_failure();
  }
  void tell_failure() {
    host.count(kFailures);
    host.raise(kFailure, name);
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    const std::int64_t now = host.now_ns();
    for (const mayfly_signal& signal : signals) {
      if (now - signal.at_ns >= policy->options().window_ns) continue;
      const auto breaker = failing_breaker(sdk::to_view(signal.name));
      if (signal.listen == kOwnFailures) {
        if (signal.at_ns < opened_ns && breaker == name && earlier.own()) {
          policy->note_failure(signal.at_ns, now);
        }
      } else if (!breaker) {
        if (signal.at_ns < opened_ns && !earlier.named()) continue;
        policy->note_failure(signal.at_ns, now);
        tell_failure();
      } else if (breaker != name) {
        // Told by the other breaker. Were it told again, two that count each other's failures would
        // never come to an end.
        policy->note_failure(signal.at_ns, now);
        if (signal.at_ns >= opened_ns) host.count(kFailures);
      }
    }
    update(now);
  }
  // Of a circuit-failure: the name of the breaker that raised it.
  static std::optional<std::string_view> failing_breaker(std::string_view signal) {
    const std::string_view stem = kRaises[kFailure].name;
    if (!signal.starts_with(stem)) return std::nullopt;
    signal.remove_prefix(stem.size());
    if (signal.empty()) return signal;
    return signal.front() == ':' ? std::optional(signal.substr(1)) : std::nullopt;
  }

  void on_timer(std::uint32_t, std::int64_t now_ns) { update(now_ns); }

  void drain(std::int64_t deadline_ns) {
    const std::int64_t now = host.now_ns();
    policy->drain(now, deadline_ns);
    update(now);
  }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const std::int64_t now = host.now_ns();
    if (option == kThreshold) {
      policy->set_threshold(static_cast<std::uint32_t>(options.integer(kThreshold)), now);
    } else {
      force(options.choice(kState));
    }
    update(now);
  }
  void force(std::uint32_t choice) {
    if (choice == 0) {
      policy->release();
    } else {
      policy->force(choice == 1 ? BreakerState::kForcedOpen : BreakerState::kForcedClosed);
    }
  }

  // Tells what has become of it, and lets go what may go.
  void update(std::int64_t now) {
    const BreakerState state = policy->state(now);
    const bool open = state == BreakerState::kOpen || state == BreakerState::kForcedOpen;
    const bool half_open = state == BreakerState::kHalfOpen;
    for (; probes_lost < policy->probes_lost(); ++probes_lost) tell_failure();
    if (state != told) tell(state);
    told = state;
    if (half_open) {
      const std::uint32_t out = policy->probes_out() + probes_let_go;
      if (out < policy->options().probes) let_probes_go(policy->options().probes - out);
    } else if (!open && host.held(kTag) > 0) {
      host.resume(kTag);
    }
    const std::int64_t due = policy->next_change_ns();
    due == mayfly::kNever ? host.cancel_timer(kTimer) : host.set_timer(kTimer, due);
  }

  // Each begins when it comes to process, as a probe of the state that it finds: signals and
  // options may have changed it by then.
  void let_probes_go(std::uint32_t rows_max) {
    const std::uint64_t rows = host.resume(kTag, rows_max);
    probes_let_go += static_cast<std::uint32_t>(rows);
    host.count(kProbesSent, rows);
  }

  void tell(BreakerState state) {
    if (state == BreakerState::kOpen || state == BreakerState::kForcedOpen) {
      host.count(kOpened);
      host.raise(kOpen, name);
    } else if (state == BreakerState::kHalfOpen) {
      host.raise(kHalfOpen, name);
    } else {
      host.retract(kOpen, name);
      host.raise(kClosed, name);
    }
  }

  std::optional<CircuitBreakerPolicy> policy;
  mayfly::circuit_breaker::PassTimes times;
  mayfly::circuit_breaker::EarlierFailures earlier;
  std::string name;
  BreakerState told = BreakerState::kClosed;
  // Rows resumed as probes that haven't come to process. What is resumed comes in that order, and
  // before what is new, so they are the first of the resumed rows.
  std::uint32_t probes_let_go = 0;
  std::int64_t opened_ns = 0;
  std::int64_t last_failure_ns = INT64_MIN;
  std::uint64_t probes_lost = 0;  // that were told
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<CircuitBreaker>({
    .name = "circuit_breaker",
    .version = "0.1.0",
    .summary = "Stops rows while what takes them keeps failing, and tries again with a few.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
    .listens = kListens,
}))
