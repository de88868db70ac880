// Passes rows; writes signals to the log as they come, but not more of them than can be read.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/policy/gcra.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::Gcra;

enum Option : std::uint32_t { kSignals, kLevel, kRate, kBurst, kEarlier };
enum Counter : std::uint32_t { kMatches, kLogged, kSuppressed };

constexpr std::uint32_t kTimer = 0;
constexpr std::size_t kNameMax = 256;  // bytes of a signal's name that are shown

constexpr mayfly_option kOptions[] = {
    sdk::signals(
        sdk::list_option("signals", "error.*", {"1", nullptr}, "The signals that are logged.")),
    sdk::runtime(sdk::choice_option("level", "warn", "debug|info|warn|error",
                                    "The level that they are logged at.")),
    sdk::int_option("rate", "10", {"1", "1000000"}, "Lines a second; further ones are counted."),
    sdk::int_option("burst", "100", {"1", "1000000"}, "Lines that may come at once."),
    sdk::bool_option("earlier", "false",
                     "Whether signals are logged that were raised before the pipeline began."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row."}};
constexpr mayfly_named kCounters[] = {
    {"matches", "Signals that matched."},
    {"logged", "Signals that were logged."},
    {"suppressed", "Signals that were counted in place of being logged."},
};

struct SignalLogWatcher : sdk::Node {
  void configure(const sdk::Options& options) {
    gcra.emplace(mayfly::Rate{.events = static_cast<std::uint64_t>(options.integer(kRate)),
                              .per_ns = mayfly::kSecond,
                              .burst = static_cast<std::uint64_t>(options.integer(kBurst))});
    level = static_cast<sdk::LogLevel>(options.choice(kLevel));
    earlier = options.flag(kEarlier);
  }

  void open() { opened_ns = host.now_ns(); }

  void process(sdk::Slice) {}

  void on_signal(std::span<const mayfly_signal> signals) {
    const std::int64_t now = host.now_ns();
    for (const mayfly_signal& signal : signals) {
      if (!earlier && signal.at_ns < opened_ns) continue;
      host.count(kMatches);
      // Those that wait to be told of come first.
      if (suppressed > 0 || !gcra->try_acquire(now)) {
        host.count(kSuppressed);
        // From the first on, however many follow.
        if (suppressed++ == 0) host.set_timer(kTimer, mayfly::deadline_after(now, kTellAfterNs));
        continue;
      }
      host.count(kLogged);
      host.log(level, "signal " + shown(sdk::to_view(signal.name)));
    }
  }

  void on_timer(std::uint32_t, std::int64_t) { tell_suppressed(); }

  void drain(std::int64_t) { tell_suppressed(); }

  void set_option(std::uint32_t, const sdk::Options& options) {
    level = static_cast<sdk::LogLevel>(options.choice(kLevel));
  }

  void tell_suppressed() {
    host.cancel_timer(kTimer);
    if (suppressed == 0) return;
    host.log(level, std::to_string(suppressed) +
                        " more signals came than are logged; raise rate or burst to see them");
    suppressed = 0;
  }

  // A name may come from anywhere: one line, and not a long one.
  static std::string shown(std::string_view name) {
    std::string text(name.substr(0, kNameMax));
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    if (text.size() < name.size()) text += "...";
    return text;
  }

  static constexpr std::int64_t kTellAfterNs = mayfly::kSecond;

  std::optional<Gcra> gcra;
  sdk::LogLevel level = sdk::LogLevel::kWarn;
  std::int64_t opened_ns = 0;
  std::uint64_t suppressed = 0;
  bool earlier = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<SignalLogWatcher>({
    .name = "signal_log_watcher",
    .version = "0.1.0",
    .summary = "Writes signals to the log as they come, each once.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
