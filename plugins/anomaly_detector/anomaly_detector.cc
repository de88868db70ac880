// Passes rows; tells when more signals of a kind came within a time than is usual, and when values
// of a column are unusual.
#include <optional>
#include <string>

#include "mayfly/base/glob.h"
#include "mayfly/policy/sliding_count.h"
#include "mayfly/policy/usual_value.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::NewestTimes;

enum Option : std::uint32_t { kSignals, kThreshold, kWindow, kName, kColumn, kBound, kMemory };
enum Counter : std::uint32_t { kMatches, kAnomalies, kOutliers };
enum Signal : std::uint32_t { kDetected, kCleared, kOutlier };

constexpr std::uint32_t kTimer = 0;

constexpr mayfly_option kOptions[] = {
    sdk::signals(
        sdk::list_option("signals", "error.*", {"1", nullptr}, "The signals that are counted.")),
    sdk::runtime(sdk::int_option("threshold", "5", {"1", "1000000"},
                                 "Signals within the window that are an anomaly.")),
    sdk::duration_option("window", "10s", {"1ms", "24h"}, "How long a signal counts."),
    sdk::text_option("name", "", "The argument of its signals, to tell several nodes apart."),
    sdk::text_option("column", "",
                     "A column of numbers whose unusual values are told, too; empty: none."),
    sdk::float_option("bound", "6", {"0.1", "1000"},
                      "Of column: standard deviations from the mean beyond which a value is "
                      "unusual."),
    sdk::int_option("memory", "1000", {"10", "1000000000"},
                    "Of column: about how many of the last values say what is usual."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row."}};
constexpr mayfly_named kCounters[] = {
    {"matches", "Signals that were counted."},
    {"anomalies", "Times that the threshold was reached."},
    {"outliers", "Rows whose value in column was unusual."},
};
constexpr mayfly_named kRaises[] = {
    {"anomaly.detected", "The threshold was reached; retracted when it isn't any more."},
    {"anomaly.cleared", "Fewer signals than the threshold are in the window again."},
    {"anomaly.value", "Values of column were unusual; the argument is how many."},
};

struct AnomalyDetector : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    name = options.text(kName);
    // Its own signals would keep it going for ever.
    for (std::uint64_t i = 0; i < options.list_size(kSignals); ++i) {
      const mayfly::Glob glob(options.list_at(kSignals, i));
      for (const mayfly_named& own : kRaises) {
        const std::string stem = std::string(own.name) + ":";
        const bool own_name = !name.empty() && glob.matches(stem + name);
        if (!glob.matches(own.name) && !own_name &&
            glob.verdict(stem) != mayfly::Glob::Verdict::kAll) {
          continue;
        }
        return host.fail(sdk::Failure::kConfig,
                         "signals: expected globs that don't match its own signals, found \"" +
                             glob.pattern() + "\", which matches " + own.name +
                             "; name what it is to count more closely");
      }
    }
    column_name = options.text(kColumn);
    usual.emplace(
        mayfly::UsualValueOptions{.memory = static_cast<std::uint64_t>(options.integer(kMemory)),
                                  .bound = options.number(kBound)});
    newest.emplace(static_cast<std::size_t>(options.integer(kThreshold)),
                   options.duration_ns(kWindow));
    return MAYFLY_OK;
  }

  mayfly_result open() {
    column.reset();
    if (column_name.empty()) return MAYFLY_OK;
    column = sdk::find_column(host.schema(), column_name);
    if (!column) {
      return host.fail(sdk::Failure::kConfig,
                       "column: " + sdk::unknown_column(host.schema(), column_name));
    }
    const std::int32_t type = host.schema().columns[*column].type;
    if (type == MAYFLY_INT64 || type == MAYFLY_FLOAT64 || type == MAYFLY_ANY) return MAYFLY_OK;
    return host.fail(sdk::Failure::kConfig,
                     "column: expected one of numbers, found \"" + column_name + "\"");
  }

  void process(sdk::Slice slice) {
    if (!column) return;
    const mayfly_column& cells = slice.batch().columns[*column];
    std::uint64_t outliers = 0;
    for (const std::uint16_t row : slice.rows()) {
      if (mayfly::is_null(cells, row) || mayfly::is_exception(cells, row)) continue;
      const std::int32_t kind = mayfly::kind_of(cells, row);
      if (kind == MAYFLY_INT64) outliers += usual->add(static_cast<double>(cells.cells[row].i64));
      if (kind == MAYFLY_FLOAT64) outliers += usual->add(cells.cells[row].f64);
    }
    if (outliers == 0) return;
    host.count(kOutliers, outliers);
    host.raise(kOutlier, outliers);
  }

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
  std::optional<mayfly::UsualValue> usual;
  std::string column_name;
  std::optional<std::uint32_t> column;  // from open on
  std::string name;
  bool told = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<AnomalyDetector>({
    .name = "anomaly_detector",
    .version = "0.1.0",
    .summary = "Tells when signals come too often, and when values of a column are unusual.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
