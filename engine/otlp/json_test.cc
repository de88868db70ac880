// What is sent, word by word, and as protobuf reads it by OpenTelemetry's published definitions.
#include "mayfly/otlp/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "tests/support/otlp_check.h"

namespace mayfly::otlp {
namespace {

using testing::OtlpMessage;
using testing::read_otlp;
using testing::valid_otlp;

constexpr std::int64_t kTime = 1'700'000'000'123'456'789;
const Resource kResource{{{"service.name", std::string("orders")}}};
const Scope kScope{"mayfly", "0.1.0"};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string as_read(const LogRecord& record) {
  return valid_otlp(OtlpMessage::kLogsRequest, logs_request(kResource, kScope, {&record, 1}));
}
std::string as_read(const Metric& metric) {
  return valid_otlp(OtlpMessage::kMetricsRequest, metrics_request(kResource, kScope, {&metric, 1}));
}
std::string as_read(const Span& span) {
  return valid_otlp(OtlpMessage::kTraceRequest, traces_request(kResource, kScope, {&span, 1}));
}

TEST_CASE("otlp: a log record, word by word") {
  const LogRecord record{.time_unix_ns = kTime,
                         .severity = Severity::kError,
                         .body = std::string("error.timeout:api"),
                         .attributes = {{"operation", std::int64_t{7}}, {"late", true}},
                         .trace_id = {0x0102030405060708, 0x090a0b0c0d0e0f10},
                         .span_id = {0xfedcba9876543210}};
  CHECK(
      logs_request(kResource, kScope, {&record, 1}) ==
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":)"
      R"({"stringValue":"orders"}}]},"scopeLogs":[{"scope":{"name":"mayfly","version":"0.1.0"},)"
      R"("logRecords":[{"timeUnixNano":"1700000000123456789",)"
      R"("observedTimeUnixNano":"1700000000123456789","severityNumber":17,"severityText":"ERROR",)"
      R"("body":{"stringValue":"error.timeout:api"},"attributes":[{"key":"operation","value":)"
      R"({"intValue":"7"}},{"key":"late","value":{"boolValue":true}}],)"
      R"("traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"fedcba9876543210"}]}]}]})");
}

TEST_CASE("otlp: protobuf reads a log record as it was meant") {
  const std::string read = as_read(LogRecord{.time_unix_ns = kTime,
                                             .observed_unix_ns = kTime + 5,
                                             .severity = Severity::kWarn,
                                             .body = std::string("late"),
                                             .attributes = {{"ratio", 0.25}},
                                             .trace_id = {1, 2},
                                             .span_id = {3}});
  CHECK(has(read, "time_unix_nano: 1700000000123456789"));
  CHECK(has(read, "observed_time_unix_nano: 1700000000123456794"));
  CHECK(has(read, "severity_number: SEVERITY_NUMBER_WARN severity_text: \"WARN\""));
  CHECK(has(read, "body { string_value: \"late\" }"));
  CHECK(has(read, "attributes { key: \"ratio\" value { double_value: 0.25 } }"));
  CHECK(has(read, "trace_id: \"00000000000000010000000000000002\""));
  CHECK(has(read, "span_id: \"0000000000000003\""));
  CHECK(has(read, "scope { name: \"mayfly\" version: \"0.1.0\" }"));
  CHECK(has(read, "key: \"service.name\" value { string_value: \"orders\" }"));
}

TEST_CASE("otlp: protobuf knows every severity, and none is sent for none") {
  for (const auto severity : {Severity::kTrace, Severity::kDebug, Severity::kInfo, Severity::kWarn,
                              Severity::kError, Severity::kFatal}) {
    const std::string read = as_read(LogRecord{.time_unix_ns = kTime, .severity = severity});
    const std::size_t text = read.find("severity_text: \"") + 16;
    const std::string name = read.substr(text, read.find('"', text) - text);
    CHECK(has(read, "severity_number: SEVERITY_NUMBER_" + name + " "));
  }
  CHECK_FALSE(has(as_read(LogRecord{.time_unix_ns = kTime}), "severity"));
}

TEST_CASE("otlp: 64-bit integers arrive whole, at both ends") {
  for (const std::int64_t number :
       {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, (std::int64_t{1} << 53) + 1, INT64_MAX}) {
    const std::string read = as_read(LogRecord{.time_unix_ns = kTime, .body = number});
    CHECK(has(read, "int_value: " + std::to_string(number) + " "));
  }
}

TEST_CASE("otlp: numbers that JSON has none for arrive") {
  const auto body = [](double number) {
    return as_read(LogRecord{.time_unix_ns = kTime, .body = number});
  };
  CHECK(has(body(std::nan("")), "double_value: nan"));
  CHECK(has(body(std::numeric_limits<double>::infinity()), "double_value: inf"));
  CHECK(has(body(-std::numeric_limits<double>::infinity()), "double_value: -inf"));
  CHECK(has(body(std::numeric_limits<double>::max()), "double_value: 1.7976931348623157e+308"));
  CHECK(has(body(2.2250738585072014e-308), "double_value: 2.2250738585072014e-308"));
  CHECK(has(body(0.1), "double_value: 0.1 "));
}

TEST_CASE("otlp: what isn't UTF-8 becomes it, in values and in keys") {
  const std::string read = as_read(LogRecord{.time_unix_ns = kTime,
                                             .body = std::string("a\xff\xc0\x80z\0\n\"", 8),
                                             .attributes = {{"k\xed\xa0\x80", std::string("ü")}}});
  CHECK(has(read, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"));
  CHECK(has(read, "key: \"k\xef\xbf\xbd"));
  CHECK(has(read, "string_value: \"ü\""));
}

TEST_CASE("otlp: of attributes of one key the last one is sent") {
  const std::string read = as_read(LogRecord{
      .time_unix_ns = kTime, .attributes = {{"a", std::int64_t{1}}, {"b", true}, {"a", false}}});
  CHECK_FALSE(has(read, "int_value: 1"));
  CHECK(has(read,
            "attributes { key: \"b\" value { bool_value: true } } "
            "attributes { key: \"a\" value { bool_value: false } }"));
}

TEST_CASE("otlp: times before 1970 are sent as unknown") {
  CHECK(has(logs_request(kResource, kScope, {{LogRecord{.time_unix_ns = -5}}}),
            R"("timeUnixNano":"0")"));
}

TEST_CASE("otlp: a sum says since when, whether it may fall, and its values") {
  const Metric metric{.name = "rows.written",
                      .description = "Rows that were committed.",
                      .unit = "{row}",
                      .data = Sum{.monotonic = true,
                                  .temporality = Temporality::kCumulative,
                                  .points = {{.attributes = {{"node", std::string("writer")}},
                                              .start_unix_ns = kTime - 10,
                                              .time_unix_ns = kTime,
                                              .value = std::int64_t{1} << 60},
                                             {.time_unix_ns = kTime, .value = -2.5}}}};
  const std::string read = as_read(metric);
  CHECK(has(read,
            "name: \"rows.written\" description: \"Rows that were committed.\" unit: "
            "\"{row}\" sum {"));
  CHECK(has(read, "start_time_unix_nano: 1700000000123456779 time_unix_nano: 1700000000123456789"));
  CHECK(has(read, "as_int: 1152921504606846976"));
  CHECK(has(read, "as_double: -2.5"));
  CHECK(
      has(read, "aggregation_temporality: AGGREGATION_TEMPORALITY_CUMULATIVE is_monotonic: true"));
}

TEST_CASE("otlp: a gauge has values and nothing else") {
  const std::string read = as_read(Metric{
      .name = "queue.depth", .data = Gauge{{{.time_unix_ns = kTime, .value = std::int64_t{3}}}}});
  CHECK(has(read, "gauge { data_points { time_unix_nano: 1700000000123456789 as_int: 3 } }"));
}

TEST_CASE("otlp: a histogram has one bucket more than bounds") {
  const std::string read = as_read(Metric{.name = "http.duration",
                                          .unit = "ms",
                                          .data = Histogram{.temporality = Temporality::kDelta,
                                                            .points = {{.start_unix_ns = kTime - 1,
                                                                        .time_unix_ns = kTime,
                                                                        .count = 3,
                                                                        .sum = 12.5,
                                                                        .min = 0.5,
                                                                        .max = 11,
                                                                        .bounds = {1, 10},
                                                                        .buckets = {1, 1, 1}}}}});
  CHECK(has(read, "count: 3 sum: 12.5"));
  CHECK(has(read, "explicit_bounds: 1 explicit_bounds: 10"));
  CHECK(has(read, "bucket_counts: 1 bucket_counts: 1 bucket_counts: 1"));
  CHECK(has(read, "min: 0.5 max: 11"));
  CHECK(has(read, "AGGREGATION_TEMPORALITY_DELTA"));
}

TEST_CASE("otlp: a span has its ids, its times, its events and how it ended") {
  const Span span{.trace_id = {0xaabbccddeeff0011, 0x2233445566778899},
                  .span_id = {0x1},
                  .parent_span_id = {0x2},
                  .name = "window.flush",
                  .kind = SpanKind::kProducer,
                  .start_unix_ns = kTime,
                  .end_unix_ns = kTime + 1000,
                  .attributes = {{"rows", std::int64_t{12}}},
                  .events = {{kTime + 5, "progress:50", {{"done", std::int64_t{50}}}}},
                  .status = SpanStatus::kError,
                  .status_message = "disk full"};
  const std::string read = as_read(span);
  CHECK(has(read, "trace_id: \"aabbccddeeff00112233445566778899\" span_id: \"0000000000000001\""));
  CHECK(has(read,
            "parent_span_id: \"0000000000000002\" name: \"window.flush\" kind: "
            "SPAN_KIND_PRODUCER start_time_unix_nano: 1700000000123456789 "
            "end_time_unix_nano: 1700000000123457789"));
  CHECK(
      has(read, "events { time_unix_nano: 1700000000123456794 name: \"progress:50\" attributes {"));
  CHECK(has(read, "status { message: \"disk full\" code: STATUS_CODE_ERROR }"));
}

TEST_CASE("otlp: protobuf knows every kind of span and every status") {
  for (const auto kind : {SpanKind::kInternal, SpanKind::kServer, SpanKind::kClient,
                          SpanKind::kProducer, SpanKind::kConsumer}) {
    CHECK(has(as_read(Span{.trace_id = {1, 1}, .span_id = {1}, .name = "x", .kind = kind}),
              "kind: SPAN_KIND_"));
  }
  const Span ok{.trace_id = {1, 1}, .span_id = {1}, .name = "x", .status = SpanStatus::kOk};
  CHECK(has(as_read(ok), "status { code: STATUS_CODE_OK }"));
  CHECK_FALSE(has(as_read(Span{.trace_id = {1, 1}, .span_id = {1}, .name = "x"}), "status"));
}

TEST_CASE("otlp: requests without records are valid too") {
  CHECK(has(valid_otlp(OtlpMessage::kLogsRequest, logs_request({}, {"x", ""}, {})), "scope_logs"));
}

// The check itself: it must be able to fail.
TEST_CASE("otlp: protobuf refuses what the definitions don't have") {
  const auto refused = [](const char* json) {
    return !read_otlp(OtlpMessage::kTraceRequest, json).ok();
  };
  CHECK(refused(R"({"resourceSpan":[]})"));
  CHECK(refused(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]})"));
  CHECK(refused(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"AAAAAAAAAAE="}]}]}]})"));
  CHECK(
      refused(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"000000000000000G"}]}]}]})"));
  CHECK(refused(R"({"resourceSpans":)"));
  CHECK_FALSE(refused(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":1}]}]}]})"));
}

}  // namespace
}  // namespace mayfly::otlp
