// Passes rows; sends the pipeline's signals, figures and some of its rows' ways to an OpenTelemetry
// collector, from a thread of its own.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/net/http_text.h"
#include "mayfly/otlp/exporter.h"
#include "mayfly/otlp/http_transport.h"
#include "mayfly/otlp/signal_records.h"
#include "mayfly/sdk/plugin.h"
#include "plugins/telemetry/pipeline_records.h"

namespace {

namespace sdk = mayfly::sdk;
namespace otlp = mayfly::otlp;
using mayfly::deadline_after;
using mayfly::kSecond;
using mayfly::telemetry::metrics_of;
using mayfly::telemetry::RowSampler;
using mayfly::telemetry::span_of;

enum Option : std::uint32_t {
  kEndpoint,
  kHeaders,
  kServiceName,
  kResource,
  kSignals,
  kSampleRatio,
  kMetricsInterval,
  kQueue,
  kBatch,
  kLinger,
  kTimeout,
  kRetries,
  kShutdown,
};
enum Counter : std::uint32_t {
  kHeard,
  kSpans,
  kSent,
  kDropped,
  kFailed,
  kRequests,
  kRetriesMade,
};
enum Signal : std::uint32_t { kExportFailed, kDroppedSignal };
enum Timer : std::uint32_t { kMetricsTimer, kDropsTimer };

constexpr mayfly_option kOptions[] = {
    sdk::text_option("endpoint", "http://localhost:4318",
                     "Where the collector is; /v1/logs, /v1/metrics and /v1/traces are appended."),
    sdk::list_option("headers", "", {}, "Further fields of each request, as \"Name: value\"."),
    sdk::text_option("service_name", "mayfly", "What the collector knows the pipeline by."),
    sdk::list_option("resource", "", {}, "Further attributes of the pipeline, as \"name=value\"."),
    sdk::signals(sdk::list_option("signals", "*", {}, "The signals that are sent as logs.")),
    sdk::runtime(sdk::float_option("sample_ratio", "0", {"0", "1"},
                                   "Which part of the rows is sent as spans.")),
    sdk::duration_option("metrics_interval", "10s", {"0s", "1h"},
                         "How often the pipeline's figures are sent; 0s: never."),
    sdk::int_option("queue", "5000", {"1", "1000000"},
                    "Records that wait; those beyond are dropped and counted."),
    sdk::int_option("batch", "512", {"1", "10000"}, "Records of a request; no more than queue."),
    sdk::duration_option("linger", "1s", {"0s", "1h"}, "How long a batch waits to be full."),
    sdk::duration_option("timeout", "10s", {"1ms", "1h"}, "How long a request may take."),
    sdk::int_option("retries", "5", {"0", "100"},
                    "How often a request is sent again that may be taken later."),
    sdk::duration_option("shutdown", "2s", {"0s", "1m"},
                         "How long the end of the pipeline waits for the collector at most."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row, at once."}};
constexpr mayfly_named kCounters[] = {
    {"signals", "Signals that were made log records."},
    {"spans", "Rows that were made spans."},
    {"sent", "Records that the collector took."},
    {"dropped", "Records that were dropped, since the queue was full."},
    {"failed", "Records that the collector refused, or that were given up."},
    {"requests", "Requests."},
    {"retries", "Requests that were sent again."},
};
constexpr mayfly_named kRaises[] = {
    {"telemetry.export.failed",
     "A batch was refused or given up; the argument is why: 400, no-connection, rejected."},
    {"telemetry.dropped", "Records were dropped; the argument is how many. Once a second at most."},
};

constexpr std::string_view kOwnSignals = "telemetry.";
constexpr std::size_t kFailuresMax = 64;  // told of at once; all are counted
constexpr std::int64_t kLogEveryNs = 60 * kSecond;

// What the exporter's threads leave for the node.
struct Failures {
  std::mutex mutex;
  std::vector<otlp::ExportFailure> list;
};

struct Telemetry : sdk::Sink {
  // What waits is sent, unless the collector doesn't take it. No retries, so that a collector that
  // isn't there holds up nobody.
  ~Telemetry() {
    if (!exporter) return;
    if (looked_unix_ns != 0) offer_figures();
    exporter->close(deadline_after(clock.now_ns(), shutdown_ns));
    tell();
    log_losses();
  }

  mayfly_result configure(const sdk::Options& options) {
    mayfly_result result = MAYFLY_OK;  // each mistake is told
    sending.emplace();
    endpoint = std::string(options.text(kEndpoint));
    if (const mayfly::Status status = otlp::check_endpoint(endpoint); !status.ok()) {
      result = host.fail(sdk::Failure::kConfig, "endpoint: " + status.message());
    }
    for (std::uint64_t i = 0; i < options.list_size(kHeaders); ++i) {
      mayfly::Result<mayfly::HttpHeader> header =
          mayfly::parse_http_header(options.list_at(kHeaders, i));
      if (!header.ok()) {
        result = host.fail(sdk::Failure::kConfig, "headers: entry " + std::to_string(i + 1) + ": " +
                                                      header.status().message());
        continue;
      }
      headers.push_back(std::move(header).value());
    }
    const std::string_view service = options.text(kServiceName);
    if (service.find_first_not_of(" \t") == service.npos) {
      result = host.fail(sdk::Failure::kConfig, "service_name: expected a name, found none");
    }
    sending->resource.attributes.push_back({"service.name", std::string(service)});
    for (std::uint64_t i = 0; i < options.list_size(kResource); ++i) {
      const std::string_view entry = options.list_at(kResource, i);
      const std::size_t equals = entry.find('=');
      if (equals == entry.npos || equals == 0) {
        result = host.fail(sdk::Failure::kConfig,
                           "resource: expected name=value, found \"" + std::string(entry) + "\"");
        continue;
      }
      sending->resource.attributes.push_back(
          {std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1))});
    }
    sending->scope = {"mayfly.telemetry", "0.1.0"};
    sending->queue_max = static_cast<std::size_t>(options.integer(kQueue));
    sending->batch_max =
        std::min(static_cast<std::size_t>(options.integer(kBatch)), sending->queue_max);
    sending->linger_ns = options.duration_ns(kLinger);
    sending->timeout_ns = options.duration_ns(kTimeout);
    sending->retry.max_retries = static_cast<std::uint32_t>(options.integer(kRetries));
    sending->retries_at_end = false;
    metrics_interval_ns = options.duration_ns(kMetricsInterval);
    shutdown_ns = options.duration_ns(kShutdown);
    ratio = options.number(kSampleRatio);
    return result;
  }

  void open() {
    started_unix_ns = host.unix_ns();
    records.emplace(host.random(), started_unix_ns);
    sampler.set_ratio(ratio, [this] { return host.random(); });
    sending->seed = host.random();
    sending->on_failure = [this](const otlp::ExportFailure& failure) {
      const std::lock_guard lock(failures.mutex);
      if (failures.list.size() < kFailuresMax) failures.list.push_back(failure);
    };
    sending->on_progress = [waker = host.waker()] { waker.wake(); };
    exporter.emplace(clock,
                     std::make_shared<otlp::HttpTransport>(clock, endpoint, std::move(headers)),
                     *sending);
    if (metrics_interval_ns > 0) {
      host.set_timer(kMetricsTimer, deadline_after(host.now_ns(), metrics_interval_ns));
    }
  }

  // Rows leave by port 0.
  void process(sdk::Slice slice) { inside += slice.size(); }

  void on_completion(sdk::Slice slice) {
    inside -= std::min<std::uint64_t>(inside, slice.size());
    if (sampler.active()) sample(slice);
    // Perhaps nothing comes any more, and nobody is asked for figures again.
    if (inside == 0 && metrics_interval_ns > 0) look();
  }

  void sample(const sdk::Slice& slice) {
    const std::int64_t unix_ns = host.unix_ns();
    const std::int64_t now = host.now_ns();
    std::uint64_t made = 0;
    sampler.each(
        slice.size(), [this] { return host.random(); },
        [&](std::uint64_t i) {
          const std::uint16_t row = slice.rows()[i];
          // A failed attempt is no answer yet.
          if (slice.outcome(row) == MAYFLY_PENDING) return;
          const std::int64_t took = now - slice.batch().enqueued_ns[row];
          exporter->offer(span_of(slice.batch(), row, unix_ns - took, unix_ns, records->trace_of(0),
                                  records->new_span_id()));
          ++made;
        });
    if (made == 0) return;
    host.count(kSpans, made);
    tell();
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    const std::int64_t unix_ns = host.unix_ns() - host.now_ns();
    std::uint64_t heard = 0;
    for (const mayfly_signal& signal : signals) {
      const std::string_view name = sdk::to_view(signal.name);
      if (name.starts_with(kOwnSignals)) continue;
      otlp::SignalRecords::Made made =
          records->take({.name = name, .unix_ns = unix_ns + signal.at_ns});
      if (made.span) exporter->offer(*std::move(made.span));
      exporter->offer(std::move(made.log));
      ++heard;
    }
    if (heard == 0) return;
    host.count(kHeard, heard);
    tell();
  }

  void on_timer(std::uint32_t timer, std::int64_t now_ns) {
    if (timer == kMetricsTimer) {
      look();
      offer_figures();
      host.set_timer(kMetricsTimer, deadline_after(now_ns, metrics_interval_ns));
    } else {
      drops_told = false;
    }
    tell();
  }

  void on_wake(std::int64_t) { tell(); }

  void drain(std::int64_t) {
    if (metrics_interval_ns > 0) look();
    exporter->send_now();
    tell();
  }

  void set_option(std::uint32_t, const sdk::Options& options) {
    ratio = options.number(kSampleRatio);
    sampler.set_ratio(ratio, [this] { return host.random(); });
  }

  // The pipeline's figures of this moment. They are sent at the end, when the names that the host
  // gave may be gone: so these are copies.
  void look() {
    if (figures.empty()) {
      figures.resize(host.metrics({}));
      host.metrics(figures);
      for (const mayfly_metric& figure : figures) {
        names.emplace_back(sdk::to_view(figure.instance));
        names.emplace_back(sdk::to_view(figure.name));
      }
    } else {
      host.metrics(figures);
    }
    for (std::size_t i = 0; i < figures.size(); ++i) {
      figures[i].instance = sdk::to_text(names[2 * i]);
      figures[i].name = sdk::to_text(names[2 * i + 1]);
    }
    looked_unix_ns = host.unix_ns();
  }

  void offer_figures() {
    for (otlp::Metric& metric : metrics_of(figures, started_unix_ns, looked_unix_ns)) {
      exporter->offer(std::move(metric));
    }
    for (otlp::Metric& metric : records->metrics(looked_unix_ns))
      exporter->offer(std::move(metric));
  }

  // Counters, signals and the log, as far as the exporter has come.
  void tell() {
    const otlp::ExportCounts counts = exporter->counts();
    const auto rise = [this](std::uint32_t counter, std::uint64_t now, std::uint64_t& before) {
      if (now > before) host.count(counter, now - before);
      return now - std::exchange(before, now);
    };
    rise(kSent, counts.sent, told.sent);
    rise(kFailed, counts.failed + counts.rejected, told.failed);
    rise(kRequests, counts.requests, told.requests);
    rise(kRetriesMade, counts.retries, told.retries);
    untold_drops += rise(kDropped, counts.dropped, told.dropped);
    if (untold_drops > 0 && !drops_told) {
      log(drops_logged_ns,
          "its queue is full, so that records are dropped: the collector is slow or "
          "away, or there are more than it takes; raise queue, or lower "
          "sample_ratio; further drops are counted for a minute");
      host.raise(kDroppedSignal, std::exchange(untold_drops, 0));
      drops_told = true;
      host.set_timer(kDropsTimer, deadline_after(host.now_ns(), kSecond));
    }
    std::vector<otlp::ExportFailure> failed;
    {
      const std::lock_guard lock(failures.mutex);
      failed.swap(failures.list);
    }
    for (const otlp::ExportFailure& failure : failed) {
      host.raise(kExportFailed, failure.word);
      log(failures_logged_ns, "the collector didn't take " + std::to_string(failure.records) +
                                  (failure.records == 1 ? " record (" : " records (") +
                                  std::string(name_of(failure.kind)) + "): " + failure.message +
                                  "; further failures are counted for a minute");
    }
  }

  // A warning, unless there was one of its kind a short time ago.
  void log(std::optional<std::int64_t>& logged_ns, std::string_view text) const {
    const std::int64_t now = host.now_ns();
    if (logged_ns && now - *logged_ns < kLogEveryNs) return;
    logged_ns = now;
    host.log(sdk::LogLevel::kWarn, text);
  }

  // At the end, whatever was said before.
  void log_losses() const {
    const std::uint64_t lost = told.dropped + told.failed;
    if (lost == 0) return;
    host.log(sdk::LogLevel::kWarn, std::to_string(lost) + " of " +
                                       std::to_string(lost + told.sent) + " records didn't reach " +
                                       endpoint + ": " + std::to_string(told.dropped) +
                                       " were dropped from a full queue, " +
                                       std::to_string(told.failed) + " refused or given up");
  }

  const mayfly::SystemClock clock;  // of the exporter's threads
  std::optional<otlp::ExporterOptions> sending;
  std::string endpoint;
  std::vector<mayfly::HttpHeader> headers;
  std::int64_t metrics_interval_ns = 0;
  std::int64_t shutdown_ns = 0;
  double ratio = 0;
  std::int64_t started_unix_ns = 0;
  std::optional<otlp::SignalRecords> records;
  RowSampler sampler;
  std::uint64_t inside = 0;            // rows that have passed and aren't answered
  std::vector<mayfly_metric> figures;  // of looked_unix_ns
  std::vector<std::string> names;      // of each its instance and name
  std::int64_t looked_unix_ns = 0;
  otlp::ExportCounts told;
  std::uint64_t untold_drops = 0;
  bool drops_told = false;  // within the last second
  std::optional<std::int64_t> failures_logged_ns;
  std::optional<std::int64_t> drops_logged_ns;
  Failures failures;
  std::optional<otlp::Exporter> exporter;  // last: its threads use the others
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::sink<Telemetry>({
    .name = "telemetry",
    .version = "0.1.0",
    .summary = "Sends signals, figures and rows' ways to an OpenTelemetry collector.",
    .flags = MAYFLY_KEEPS_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
