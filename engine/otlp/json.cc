#include "mayfly/otlp/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "mayfly/base/json_text.h"

namespace mayfly::otlp {
namespace {

std::string hex_digits(std::uint64_t word) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; word >>= 4) text[i] = kDigits[word & 0xF];
  return text;
}

// JSON's own numbers lose digits of 64-bit integers in many readers.
std::string quoted(std::integral auto number) { return '"' + std::to_string(number) + '"'; }

std::string unix_time(std::int64_t ns) { return quoted(std::max<std::int64_t>(ns, 0)); }

// The shortest text that is read back as the same number.
std::string real(double number) {
  if (std::isnan(number)) return "\"NaN\"";
  if (std::isinf(number)) return number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  return std::string(text, end);
}

JsonText value_of(const Value& value) {
  JsonText json = JsonText::object();
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          json.add("stringValue", held);
        } else if constexpr (std::is_same_v<Held, bool>) {
          json.add("boolValue", held);
        } else if constexpr (std::is_same_v<Held, double>) {
          json.add_json("doubleValue", real(held));
        } else {
          json.add_json("intValue", quoted(held));
        }
      },
      value);
  return json;
}

// Nothing where there are none.
void add_attributes(JsonText& to, const Attributes& attributes) {
  if (attributes.empty()) return;
  JsonText list = JsonText::array();
  for (auto one = attributes.begin(); one != attributes.end(); ++one) {
    const auto same = [&](const Attribute& other) { return other.key == one->key; };
    if (std::any_of(one + 1, attributes.end(), same)) continue;
    list.add(JsonText::object().add("key", one->key).add("value", value_of(one->value)));
  }
  to.add("attributes", list);
}

void add_ids(JsonText& to, const TraceId& trace, const SpanId& span) {
  if (trace.is_set()) to.add("traceId", hex(trace));
  if (span.is_set()) to.add("spanId", hex(span));
}

template <class Enum>
int number_of(Enum value) {
  return static_cast<int>(value);
}

const char* text_of(Severity severity) {
  switch (severity) {
    case Severity::kTrace:
      return "TRACE";
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarn:
      return "WARN";
    case Severity::kError:
      return "ERROR";
    case Severity::kFatal:
      return "FATAL";
    case Severity::kUnspecified:
      break;
  }
  return "";
}

JsonText json_of(const LogRecord& record);
JsonText json_of(const Metric& metric);
JsonText json_of(const NumberPoint& point);
JsonText json_of(const HistogramPoint& point);
JsonText json_of(const Span& span);
JsonText json_of(const SpanEvent& event);

template <class Records>
JsonText list_of(const Records& records) {
  JsonText list = JsonText::array();
  for (const auto& record : records) list.add(json_of(record));
  return list;
}

JsonText json_of(const LogRecord& record) {
  JsonText json = JsonText::object();
  json.add_json("timeUnixNano", unix_time(record.time_unix_ns));
  json.add_json(
      "observedTimeUnixNano",
      unix_time(record.observed_unix_ns == 0 ? record.time_unix_ns : record.observed_unix_ns));
  if (record.severity != Severity::kUnspecified) {
    json.add("severityNumber", number_of(record.severity))
        .add("severityText", text_of(record.severity));
  }
  json.add("body", value_of(record.body));
  add_attributes(json, record.attributes);
  add_ids(json, record.trace_id, record.span_id);
  return json;
}

// What all points begin with.
template <class Point>
JsonText point_of(const Point& point) {
  JsonText json = JsonText::object();
  add_attributes(json, point.attributes);
  if (point.start_unix_ns > 0) json.add_json("startTimeUnixNano", unix_time(point.start_unix_ns));
  json.add_json("timeUnixNano", unix_time(point.time_unix_ns));
  return json;
}

JsonText json_of(const NumberPoint& point) {
  JsonText json = point_of(point);
  if (const auto* whole = std::get_if<std::int64_t>(&point.value)) {
    json.add_json("asInt", quoted(*whole));
  } else {
    json.add_json("asDouble", real(std::get<double>(point.value)));
  }
  return json;
}

JsonText json_of(const HistogramPoint& point) {
  JsonText json = point_of(point);
  json.add_json("count", quoted(point.count)).add_json("sum", real(point.sum));
  if (point.min) json.add_json("min", real(*point.min));
  if (point.max) json.add_json("max", real(*point.max));
  std::string buckets;
  for (const std::uint64_t count : point.buckets) {
    buckets += (buckets.empty() ? "" : ",") + quoted(count);
  }
  std::string bounds;
  for (const double bound : point.bounds) bounds += (bounds.empty() ? "" : ",") + real(bound);
  return json.add_json("bucketCounts", '[' + buckets + ']')
      .add_json("explicitBounds", '[' + bounds + ']');
}

JsonText json_of(const Metric& metric) {
  JsonText json = JsonText::object();
  json.add("name", metric.name);
  if (!metric.description.empty()) json.add("description", metric.description);
  if (!metric.unit.empty()) json.add("unit", metric.unit);
  if (const auto* gauge = std::get_if<Gauge>(&metric.data)) {
    json.add("gauge", JsonText::object().add("dataPoints", list_of(gauge->points)));
  } else if (const auto* sum = std::get_if<Sum>(&metric.data)) {
    json.add("sum", JsonText::object()
                        .add("dataPoints", list_of(sum->points))
                        .add("aggregationTemporality", number_of(sum->temporality))
                        .add("isMonotonic", sum->monotonic));
  } else {
    const auto& histogram = std::get<Histogram>(metric.data);
    json.add("histogram", JsonText::object()
                              .add("dataPoints", list_of(histogram.points))
                              .add("aggregationTemporality", number_of(histogram.temporality)));
  }
  return json;
}

JsonText json_of(const SpanEvent& event) {
  JsonText json = JsonText::object();
  json.add_json("timeUnixNano", unix_time(event.time_unix_ns)).add("name", event.name);
  add_attributes(json, event.attributes);
  return json;
}

JsonText json_of(const Span& span) {
  JsonText json = JsonText::object();
  add_ids(json, span.trace_id, span.span_id);
  if (span.parent_span_id.is_set()) json.add("parentSpanId", hex(span.parent_span_id));
  json.add("name", span.name)
      .add("kind", number_of(span.kind))
      .add_json("startTimeUnixNano", unix_time(span.start_unix_ns))
      .add_json("endTimeUnixNano", unix_time(span.end_unix_ns));
  add_attributes(json, span.attributes);
  if (!span.events.empty()) json.add("events", list_of(span.events));
  if (span.status != SpanStatus::kUnset) {
    JsonText status = JsonText::object();
    status.add("code", number_of(span.status));
    if (!span.status_message.empty()) status.add("message", span.status_message);
    json.add("status", status);
  }
  return json;
}

// {"resourceLogs":[{"resource":{...},"scopeLogs":[{"scope":{...},"logRecords":[...]}]}]}
std::string request(const Resource& resource, const Scope& scope, const char* by_resource,
                    const char* by_scope, const char* name, const JsonText& records) {
  JsonText resource_json = JsonText::object();
  add_attributes(resource_json, resource.attributes);
  JsonText scope_json = JsonText::object();
  scope_json.add("name", scope.name);
  if (!scope.version.empty()) scope_json.add("version", scope.version);
  const JsonText of_scope = JsonText::object().add("scope", scope_json).add(name, records);
  const JsonText of_resource = JsonText::object()
                                   .add("resource", resource_json)
                                   .add(by_scope, JsonText::array().add(of_scope));
  return JsonText::object().add(by_resource, JsonText::array().add(of_resource)).text();
}

}  // namespace

std::string hex(const TraceId& id) { return hex_digits(id.high) + hex_digits(id.low); }
std::string hex(const SpanId& id) { return hex_digits(id.value); }

std::string logs_request(const Resource& resource, const Scope& scope,
                         std::span<const LogRecord> records) {
  return request(resource, scope, "resourceLogs", "scopeLogs", "logRecords", list_of(records));
}

std::string metrics_request(const Resource& resource, const Scope& scope,
                            std::span<const Metric> metrics) {
  return request(resource, scope, "resourceMetrics", "scopeMetrics", "metrics", list_of(metrics));
}

std::string traces_request(const Resource& resource, const Scope& scope,
                           std::span<const Span> spans) {
  return request(resource, scope, "resourceSpans", "scopeSpans", "spans", list_of(spans));
}

}  // namespace mayfly::otlp
