// Passes rows; tells when more signals of a kind came within a time than is usual.
#include <optional>
#include <string>

#include "mayfly/base/glob.h"
#include "mayfly/policy/sliding_count.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::NewestTimes;

enum Option : std::uint32_t { kSignals, kThreshold, kWindow, kName };
enum Counter : std::uint32_t { kMatches, kAnomalies };
enum Signal : std::uint32_t { kDetected, kCleared };

constexpr std::uint32_t kTimer = 0;

constexpr mayfly_option kOptions[] = {
    sdk::signals(
        sdk::list_option("signals", "error.*", {"1", nullptr}, "The signals that are counted.")),
    sdk::runtime(sdk::int_option("threshold", "5", {"1", "1000000"},
                                 "Signals within the window that are an anomaly.")),
    sdk::duration_option("window", "10s", {"1ms", "24h"}, "How long a signal counts."),
    sdk::text_option("name", "", "The argument of its signals, to tell several nodes apart."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row."}};
constexpr mayfly_named kCounters[] = {
    {"matches", "Signals that were counted."},
    {"anomalies", "Times that the threshold was reached."},
};
constexpr mayfly_named kRaises[] = {
    {"anomaly.detected", "The threshold was reached; retracted when it isn't any more."},
    {"anomaly.cleared", "Fewer signals than the threshold are in the window again."},
};

struct AnomalyDetector : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    name = options.text(kName);
    // Its own signals would keep it going for ever.
    for (std::uint64_t i = 0; i < options.list_size(kSignals); ++i) {
      const mayfly::Glob glob(options.list_at(kSignals, i));
      for (const mayfly_named& own : kRaises) {
        std::string signal = own.name;
        if (!name.empty()) signal.append(":").append(name);
        if (!glob.matches(signal)) continue;
        return host.fail(sdk::Failure::kConfig,
                         "signals: expected globs that don't match its own signals, found \"" +
                             glob.pattern() + "\", which matches " + signal +
                             "; name what it is to count more closely");
      }
    }
    newest.emplace(static_cast<std::size_t>(options.integer(kThreshold)),
                   options.duration_ns(kWindow));
    return MAYFLY_OK;
  }

  void process(sdk::Slice) {}

  void on_signal(std::span<const mayfly_signal> signals) {
    host.count(kMatches, signals.size());
    for (const mayfly_signal& signal : signals) newest->add(signal.at_ns);
    update(host.now_ns());
  }

  void on_timer(std::uint32_t, std::int64_t now) { update(now); }

  void set_option(std::uint32_t, const sdk::Options& options) {
    newest->resize(static_cast<std::size_t>(options.integer(kThreshold)));
    update(host.now_ns());
  }

  void update(std::int64_t now) {
    const bool is_anomalous = newest->full(now);
    if (is_anomalous) {
      host.set_timer(kTimer, newest->full_until_ns());
    } else {
      host.cancel_timer(kTimer);
    }
    if (is_anomalous == told) return;
    told = is_anomalous;
    if (told) {
      host.count(kAnomalies);
      host.raise(kDetected, name);
    } else {
      host.retract(kDetected, name);
      host.raise(kCleared, name);
    }
  }

  std::optional<NewestTimes> newest;
  std::string name;
  bool told = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<AnomalyDetector>({
    .name = "anomaly_detector",
    .version = "0.1.0",
    .summary = "Tells when more signals of a kind come within a time than is usual.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
