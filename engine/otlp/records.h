// What telemetry consists of, as OpenTelemetry's data model has it: log records, metrics, spans,
// and the resource and scope that they come from.
//
// Plain values, that own what they hold. Times are nanoseconds since 1970, UTC; those before it are
// sent as 0, which says "unknown".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mayfly::otlp {

// What an attribute or a log record's body may be. Text that isn't UTF-8 is made so when it is
// encoded.
using Value = std::variant<std::string, bool, std::int64_t, double>;

// A named value.
struct Attribute {
  std::string key;
  Value value;
};

// Of the same key the last one counts.
using Attributes = std::vector<Attribute>;

// Who sends: service.name, service.version, host.name and the like.
struct Resource {
  Attributes attributes;
};

// The part of the program that made the records.
struct Scope {
  std::string name;
  std::string version;
};

// 16 bytes, the same in all spans and log records of one trace. Both halves 0: none.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  bool is_set() const { return (high | low) != 0; }
  friend bool operator==(const TraceId&, const TraceId&) = default;
};

// 8 bytes. 0: none.
struct SpanId {
  std::uint64_t value = 0;

  bool is_set() const { return value != 0; }
  friend bool operator==(const SpanId&, const SpanId&) = default;
};

// The first of each of the four that OpenTelemetry has of a kind.
enum class Severity : std::uint8_t {
  kUnspecified = 0,
  kTrace = 1,
  kDebug = 5,
  kInfo = 9,
  kWarn = 13,
  kError = 17,
  kFatal = 21,
};

// Something that happened at a moment.
struct LogRecord {
  std::int64_t time_unix_ns = 0;
  std::int64_t observed_unix_ns = 0;  // when it was made a record; 0: at its time
  Severity severity = Severity::kUnspecified;
  Value body;
  Attributes attributes;
  TraceId trace_id = {};  // what it belongs to, if anything
  SpanId span_id = {};
};

// One number of a metric.
struct NumberPoint {
  Attributes attributes;
  std::int64_t start_unix_ns = 0;  // of sums: since when it has been counted
  std::int64_t time_unix_ns = 0;
  std::variant<std::int64_t, double> value;
};

// How many values lay between which bounds.
struct HistogramPoint {
  Attributes attributes;
  std::int64_t start_unix_ns = 0;
  std::int64_t time_unix_ns = 0;
  std::uint64_t count = 0;
  double sum = 0;
  std::optional<double> min = std::nullopt;
  std::optional<double> max = std::nullopt;
  std::vector<double> bounds;          // ascending; the upper ends, inclusive
  std::vector<std::uint64_t> buckets;  // one more than there are bounds
};

// Whether a point counts from the start on, or from the point before.
enum class Temporality : std::uint8_t { kDelta = 1, kCumulative = 2 };

// Values of a moment, which can't be added up: a depth, a temperature.
struct Gauge {
  std::vector<NumberPoint> points;
};

// Values that add up. A monotonic one never falls.
struct Sum {
  bool monotonic = true;
  Temporality temporality = Temporality::kCumulative;
  std::vector<NumberPoint> points;
};

// Values whose distribution counts.
struct Histogram {
  Temporality temporality = Temporality::kCumulative;
  std::vector<HistogramPoint> points;
};

// What is measured, with its values.
struct Metric {
  std::string name;
  std::string description;
  std::string unit;  // as UCUM has it: "s", "By", "1", "{row}"
  std::variant<Gauge, Sum, Histogram> data;
};

// Which part of a conversation a span is.
enum class SpanKind : std::uint8_t {
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5,
};

// How the work of a span ended.
enum class SpanStatus : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };

// Something that happened within a span.
struct SpanEvent {
  std::int64_t time_unix_ns = 0;
  std::string name;
  Attributes attributes;
};

// Work that has a beginning and an end.
struct Span {
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_span_id = {};
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  std::int64_t start_unix_ns = 0;
  std::int64_t end_unix_ns = 0;
  Attributes attributes;
  std::vector<SpanEvent> events;
  SpanStatus status = SpanStatus::kUnset;
  std::string status_message;  // of errors
};

}  // namespace mayfly::otlp
