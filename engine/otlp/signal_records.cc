#include "mayfly/otlp/signal_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace mayfly::otlp {
namespace {

// OpenTelemetry's defaults.
constexpr std::array<double, 15> kBounds = {0,   5,   10,   25,   50,   75,   100,  250,
                                            500, 750, 1000, 2500, 5000, 7500, 10000};

// What a signal's name says of a span.
enum class Mark { kNone, kBegin, kEnd, kFailed };

Mark mark_of(std::string_view word) {
  for (const std::string_view begin : {"start", "starting", "started", "begin"}) {
    if (word == begin) return Mark::kBegin;
  }
  for (const std::string_view end : {"done", "completed", "finished", "end", "ended"}) {
    if (word == end) return Mark::kEnd;
  }
  return word == "failed" || word == "error" ? Mark::kFailed : Mark::kNone;
}

Severity severity_of(std::string_view stem) {
  if (stem.starts_with("error") || stem.ends_with(".error")) return Severity::kError;
  if (stem.starts_with("warn") || stem.ends_with(".failed")) return Severity::kWarn;
  return stem.starts_with("perf") ? Severity::kDebug : Severity::kInfo;
}

std::int64_t whole(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

// splitmix64's finalizer.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

SignalRecords::SignalRecords(std::uint64_t seed, std::int64_t since_unix_ns)
    : rng_(seed), trace_high_(rng_.next() | 1), since_unix_ns_(since_unix_ns) {}

TraceId SignalRecords::trace_of(std::uint64_t operation) {
  if (operation == 0) return {rng_.next() | 1, rng_.next()};
  return {trace_high_, mixed(operation)};
}

SpanId SignalRecords::new_span_id() {
  // 0 says that there is none.
  std::uint64_t id = 0;
  while (id == 0) id = rng_.next();
  return {id};
}

SignalRecords::Made SignalRecords::take(const SeenSignal& signal) {
  const std::size_t colon = signal.name.find(':');
  const std::string_view stem = signal.name.substr(0, colon);
  const std::string_view argument =
      colon == signal.name.npos ? std::string_view() : signal.name.substr(colon + 1);
  const std::size_t dot = stem.rfind('.');
  const Mark mark = dot == stem.npos || dot == 0 ? Mark::kNone : mark_of(stem.substr(dot + 1));

  Made made;
  LogRecord& log = made.log;
  log.time_unix_ns = signal.unix_ns;
  log.severity = severity_of(stem);
  log.body = std::string(signal.name);
  log.attributes.reserve(7);
  log.attributes.push_back({"event.name", std::string("mayfly.signal")});
  log.attributes.push_back({"signal", std::string(stem)});
  if (signal.operation != 0) log.attributes.push_back({"operation", whole(signal.operation)});
  if (!argument.empty()) log.attributes.push_back({"key", std::string(argument)});
  if (signal.depth != 0) log.attributes.push_back({"depth", std::int64_t{signal.depth}});
  if (log.severity == Severity::kError) {
    log.attributes.push_back({"exception.type", std::string(stem)});
    log.attributes.push_back(
        {"exception.message", std::string(argument.empty() ? signal.name : argument)});
  }
  if (stem.starts_with("perf")) measure(stem, argument);

  if (mark == Mark::kBegin) begin_span(signal, stem.substr(0, dot), argument);
  OpenSpan* span = signal.operation == 0 ? nullptr : newest_of(signal.operation);
  if (signal.operation != 0) log.trace_id = trace_of(signal.operation);
  if (span != nullptr) {
    log.span_id = span->span.span_id;
    if (mark == Mark::kNone && span->span.events.size() < kEventsMax) {
      span->span.events.push_back({signal.unix_ns, std::string(signal.name), {}});
    }
  }
  if (mark == Mark::kEnd || mark == Mark::kFailed) {
    made.span = end_span(signal, stem.substr(0, dot), argument, mark == Mark::kFailed);
    if (made.span) {
      log.trace_id = made.span->trace_id;
      log.span_id = made.span->span_id;
    }
  }
  return made;
}

SignalRecords::OpenSpan* SignalRecords::newest_of(std::uint64_t operation) {
  const auto found = std::find_if(open_.rbegin(), open_.rend(), [&](const OpenSpan& open) {
    return open.operation == operation;
  });
  return found == open_.rend() ? nullptr : &*found;
}

void SignalRecords::begin_span(const SeenSignal& signal, std::string_view name,
                               std::string_view argument) {
  OpenSpan open;
  open.operation = signal.operation;
  open.argument = argument;
  open.span.trace_id = trace_of(signal.operation);
  open.span.span_id = new_span_id();
  open.span.name = name;
  open.span.start_unix_ns = signal.unix_ns;
  if (signal.operation != 0) {
    // Within what the operation has begun before.
    if (const OpenSpan* outer = newest_of(signal.operation)) {
      open.span.parent_span_id = outer->span.span_id;
    }
    open.span.attributes.push_back({"operation", whole(signal.operation)});
  }
  if (!argument.empty()) open.span.attributes.push_back({"key", std::string(argument)});
  if (open_.size() == kSpansMax) open_.pop_front();
  open_.push_back(std::move(open));
}

std::optional<Span> SignalRecords::end_span(const SeenSignal& signal, std::string_view name,
                                            std::string_view argument, bool failed) {
  auto found = open_.end();
  std::size_t candidates = 0;
  bool same_argument = false;
  for (auto open = open_.begin(); open != open_.end(); ++open) {
    if (open->operation != signal.operation || open->span.name != name) continue;
    ++candidates;
    const bool same = open->argument == argument;
    if (same || !same_argument) found = open;
    same_argument = same_argument || same;
  }
  if (candidates == 0 || (!same_argument && candidates > 1)) return std::nullopt;
  Span span = std::move(found->span);
  if (!same_argument && !argument.empty()) {
    span.attributes.push_back({"result", std::string(argument)});
  }
  open_.erase(found);
  span.end_unix_ns = std::max(signal.unix_ns, span.start_unix_ns);
  span.status = failed ? SpanStatus::kError : SpanStatus::kOk;
  if (failed) span.status_message = argument.empty() ? signal.name : argument;
  return span;
}

void SignalRecords::measure(std::string_view stem, std::string_view argument) {
  auto found = measured_.find(stem);
  if (found == measured_.end()) {
    if (measured_.size() >= kStemsMax) stem = "perf.other";
    found = measured_.try_emplace(std::string(stem)).first;
  }
  Measured& measured = found->second;
  ++measured.count;
  double value = 0;
  const auto [end, error] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return;
  HistogramPoint& values = measured.values;
  if (values.count == 0) {
    measured.unit = std::string(end, argument.data() + argument.size());
    values.bounds.assign(kBounds.begin(), kBounds.end());
    values.buckets.assign(kBounds.size() + 1, 0);
    values.min = values.max = value;
  }
  ++values.count;
  values.sum += value;
  values.min = std::min(*values.min, value);
  values.max = std::max(*values.max, value);
  ++values.buckets[static_cast<std::size_t>(
      std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin())];
}

std::vector<Metric> SignalRecords::metrics(std::int64_t now_unix_ns) const {
  std::vector<Metric> metrics;
  for (const auto& [stem, measured] : measured_) {
    metrics.push_back({.name = stem,
                       .description = "Signals of this name.",
                       .unit = "{signal}",
                       .data = Sum{.points = {{.attributes = {},
                                               .start_unix_ns = since_unix_ns_,
                                               .time_unix_ns = now_unix_ns,
                                               .value = whole(measured.count)}}}});
    if (measured.values.count == 0) continue;
    HistogramPoint values = measured.values;
    values.start_unix_ns = since_unix_ns_;
    values.time_unix_ns = now_unix_ns;
    metrics.push_back({.name = stem + ".value",
                       .description = "The numbers behind the colon of these signals.",
                       .unit = measured.unit,
                       .data = Histogram{.points = {std::move(values)}}});
  }
  return metrics;
}

}  // namespace mayfly::otlp
