#include "mayfly/patterns/telemetry.h"

#include <algorithm>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include "mayfly/otlp/http_transport.h"

namespace mayfly {
namespace {

constexpr std::string_view kOwnSignals = "telemetry.";

std::uint64_t seed_of(std::uint64_t given) {
  if (given != 0) return given;
  std::random_device machine;
  return std::uint64_t{machine()} << 32 | machine();
}

otlp::Resource resource_of(const TelemetryOptions& options) {
  if (options.service_name.find_first_not_of(" \t") == std::string::npos) {
    throw std::invalid_argument("telemetry: expected a service name, found none");
  }
  otlp::Resource resource{{{"service.name", options.service_name}}};
  resource.attributes.insert(resource.attributes.end(), options.resource.begin(),
                             options.resource.end());
  return resource;
}

std::int64_t whole(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

const char* name_of(OperationState state) {
  switch (state) {
    case OperationState::kPending:
      return "pending";
    case OperationState::kRunning:
      return "running";
    case OperationState::kSucceeded:
      return "succeeded";
    case OperationState::kFailed:
      return "failed";
    case OperationState::kSkipped:
      return "skipped";
    case OperationState::kCancelled:
      break;
  }
  return "cancelled";
}

}  // namespace

TelemetrySignalHandler::TelemetrySignalHandler(const Clock& clock, TelemetryOptions options)
    : clock_(clock),
      signals_(options.signals),
      shutdown_ns_(options.shutdown_ns),
      records_(seed_of(options.seed), clock.wall_us() * kMicrosecond) {
  otlp::ExporterOptions exporter;
  exporter.resource = resource_of(options);
  exporter.scope = {"mayfly.signals", ""};
  exporter.queue_max = options.queue_max;
  exporter.batch_max = options.batch_max;
  exporter.linger_ns = options.linger_ns;
  exporter.timeout_ns = options.timeout_ns;
  exporter.retry = options.retry;
  exporter.concurrency = options.concurrency;
  exporter.seed = seed_of(options.seed);
  exporter.collect = [this] { return metrics(); };
  exporter.collect_interval_ns = options.metrics_interval_ns;
  if (signals_ != nullptr) {
    exporter.on_failure = [this](const otlp::ExportFailure& failure) {
      signals_->raise("telemetry.export.failed:" + failure.word);
    };
  }
  if (options.transport == nullptr) {
    options.transport = std::make_shared<otlp::HttpTransport>(clock, std::move(options.endpoint),
                                                              std::move(options.headers));
  }
  exporter_ =
      std::make_unique<otlp::Exporter>(clock, std::move(options.transport), std::move(exporter));
}

TelemetrySignalHandler::~TelemetrySignalHandler() { close(); }

bool TelemetrySignalHandler::close() {
  return exporter_->close(deadline_after(clock_.now_ns(), shutdown_ns_));
}

bool TelemetrySignalHandler::flush(std::int64_t timeout_ns) {
  return exporter_->flush(deadline_after(clock_.now_ns(), timeout_ns));
}

std::int64_t TelemetrySignalHandler::unix_ns_of(std::int64_t clock_ns) const {
  return clock_.wall_us() * kMicrosecond - (clock_.now_ns() - clock_ns);
}

bool TelemetrySignalHandler::on_signal(const SignalEvent& event) {
  if (event.name().starts_with(kOwnSignals)) return true;
  otlp::SignalRecords::Made made;
  {
    const std::lock_guard lock(mutex_);
    made = records_.take({.name = event.name(),
                          .unix_ns = unix_ns_of(event.at_ns()),
                          .operation = event.operation(),
                          .depth = event.depth()});
  }
  if (made.span) offered(exporter_->offer(*std::move(made.span)));
  return offered(exporter_->offer(std::move(made.log)));
}

bool TelemetrySignalHandler::offered(bool taken) {
  if (taken || signals_ == nullptr) return taken;
  std::uint64_t drops = 0;
  {
    const std::lock_guard lock(mutex_);
    ++untold_drops_;
    const std::int64_t now = clock_.now_ns();
    if (told_ns_ == 0 || now - told_ns_ >= kSecond) {
      told_ns_ = now;
      drops = std::exchange(untold_drops_, 0);
    }
  }
  if (drops > 0) signals_->raise("telemetry.dropped:" + std::to_string(drops));
  return false;
}

SignalSubscription TelemetrySignalHandler::watch(SignalSink& sink, std::string_view patterns) {
  return sink.subscribe(patterns, [this](const SignalEvent& event) { on_signal(event); });
}

bool TelemetrySignalHandler::on_operation(const OperationSnapshot& operation) {
  if (operation.started_ns == 0 || operation.finished_ns == 0) return false;
  otlp::Span span;
  {
    const std::lock_guard lock(mutex_);
    span.trace_id = records_.trace_of(operation.id);
    span.span_id = records_.new_span_id();
  }
  span.name = "operation";
  span.start_unix_ns = unix_ns_of(operation.started_ns);
  span.end_unix_ns = unix_ns_of(operation.finished_ns);
  span.attributes = {{"operation", whole(operation.id)},
                     {"state", std::string(name_of(operation.state))},
                     {"waited_ns", operation.waited_ns()}};
  if (!operation.key.empty()) span.attributes.push_back({"key", operation.key});
  span.status = operation.failed() ? otlp::SpanStatus::kError : otlp::SpanStatus::kOk;
  if (operation.failed()) span.status_message = operation.error;
  return offered(exporter_->offer(std::move(span)));
}

std::function<void(const OperationSnapshot&)> TelemetrySignalHandler::operation_spans() {
  return [this](const OperationSnapshot& operation) { on_operation(operation); };
}

void TelemetrySignalHandler::on_operations(std::span<const OperationSnapshot> operations) {
  for (const OperationSnapshot& operation : operations) on_operation(operation);
}

std::vector<otlp::Metric> TelemetrySignalHandler::metrics() const {
  const std::int64_t now = clock_.wall_us() * kMicrosecond;
  const std::lock_guard lock(mutex_);
  return records_.metrics(now);
}

}  // namespace mayfly
