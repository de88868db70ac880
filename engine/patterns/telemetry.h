// TelemetrySignalHandler: sends signals to an OpenTelemetry collector, as log records, metrics and
// spans, by OTLP/HTTP in JSON.
//
//   TelemetrySignalHandler telemetry(clock, {.service_name = "orders"});
//   const auto watch = telemetry.watch(sink);                   // every signal
//   WorkOptions{.on_finalized = telemetry.operation_spans()};   // and every operation, as it
//   telemetry.on_operations(work.snapshot());                   // leaves the window, or at the end
//
// What becomes of a signal is said in mayfly/otlp/signal_records.h: all are log records; "error..."
// are exceptions, "perf..." also metrics, and X.start to X.done is a span. Whoever raises never
// waits: a record is queued, or dropped and counted when the queue is full; batches, retries and
// requests are the exporter's (mayfly/otlp/exporter.h), on threads of its own. Signals that begin
// with "telemetry." are its own, and never sent. The sink of the same kind for pipelines is the
// plugin `telemetry`.
//
// SIGNALS  If the options name a sink: telemetry.export.failed:WHY for each batch that wasn't taken
//          ("400", "no-connection", "rejected"), telemetry.dropped:N at most once a second.
// END      The destructor sends what waits for up to shutdown_ns, then cancels. Subscriptions end
//          before it.
// THREADS  Any may call anything. The clock and the sink are borrowed.
// UNITS    Nanoseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/net/http_text.h"
#include "mayfly/otlp/exporter.h"
#include "mayfly/otlp/signal_records.h"
#include "mayfly/otlp/transport.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/operation_snapshot.h"

namespace mayfly {

// Where to, in whose name, and how much of it at a time.
struct TelemetryOptions {
  std::string endpoint = "http://localhost:4318";  // "/v1/logs" and so on are appended
  std::vector<HttpHeader> headers = {};
  std::string service_name = "mayfly";
  otlp::Attributes resource = {};  // further ones
  std::size_t queue_max = 5000;    // records
  std::size_t batch_max = 512;
  std::int64_t linger_ns = kSecond;
  std::int64_t timeout_ns = 10 * kSecond;
  RetryOptions retry = otlp::ExporterOptions{}.retry;
  int concurrency = 1;  // requests at once
  std::int64_t metrics_interval_ns = 60 * kSecond;
  std::int64_t shutdown_ns = 5 * kSecond;
  SignalSink* signals = nullptr;  // hears of failures; null: nobody
  std::uint64_t seed = 0;         // of ids; 0: the machine's
  // Null: HTTP to the endpoint. Else endpoint and headers mean nothing.
  std::shared_ptr<otlp::Transport> transport = nullptr;
};

class TelemetrySignalHandler {
 public:
  // std::invalid_argument: an endpoint or a header that can't be, a blank service name, and what
  // Exporter refuses.
  TelemetrySignalHandler(const Clock& clock, TelemetryOptions options);
  ~TelemetrySignalHandler();
  TelemetrySignalHandler(const TelemetrySignalHandler&) = delete;
  TelemetrySignalHandler& operator=(const TelemetrySignalHandler&) = delete;

  // False: its log record was dropped, and counted.
  bool on_signal(const SignalEvent& event);
  // From now on, until the subscription ends.
  [[nodiscard]] SignalSubscription watch(SignalSink& sink, std::string_view patterns = "*");

  // A span from an operation's start to its end, in the trace of its signals. False: it was
  // dropped, or never ran.
  bool on_operation(const OperationSnapshot& operation);
  // For WorkOptions::on_finalized, of those that leave the coordinator's window; the handler must
  // outlive it.
  std::function<void(const OperationSnapshot&)> operation_spans();
  // For those that are left in the window at the end: on_operations(work.snapshot()). Those that
  // haven't ended are left out.
  void on_operations(std::span<const OperationSnapshot> operations);

  // Whether all that was queued before was sent or given up within timeout_ns.
  bool flush(std::int64_t timeout_ns);
  // As the destructor, and whether everything could be sent or given up in time. Idempotent.
  bool close();

  std::uint64_t queued() const { return exporter_->counts().queued; }
  // The collector took them.
  std::uint64_t processed() const { return exporter_->counts().sent; }
  // The queue was full.
  std::uint64_t dropped() const { return exporter_->counts().dropped; }
  // They weren't taken, or not in time.
  std::uint64_t failed() const {
    const otlp::ExportCounts counts = exporter_->counts();
    return counts.failed + counts.rejected;
  }
  // For records of the program's own.
  otlp::Exporter& exporter() { return *exporter_; }

 private:
  std::int64_t unix_ns_of(std::int64_t clock_ns) const;
  std::vector<otlp::Metric> metrics() const;
  bool offered(bool taken);

  const Clock& clock_;
  SignalSink* const signals_;
  const std::int64_t shutdown_ns_;
  mutable std::mutex mutex_;  // of what follows
  otlp::SignalRecords records_;
  std::uint64_t untold_drops_ = 0;
  std::int64_t told_ns_ = 0;                  // when telemetry.dropped was raised last; 0: never
  std::unique_ptr<otlp::Exporter> exporter_;  // last: its threads use the others
};

}  // namespace mayfly
