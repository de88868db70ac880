#include "mayfly/otlp/signal_records.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "mayfly/otlp/json.h"
#include "tests/support/otlp_check.h"

namespace mayfly::otlp {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'000'000'000;

// As text, empty where there is none.
std::string attribute(const Attributes& attributes, std::string_view key) {
  for (const Attribute& one : attributes) {
    if (one.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&one.value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&one.value)) return std::to_string(*number);
  }
  return "";
}

struct Fixture {
  SignalRecords records{1, kTime};
  std::int64_t now = kTime;

  SignalRecords::Made raise(std::string_view name, std::uint64_t operation = 0) {
    return records.take({.name = name, .unix_ns = ++now, .operation = operation});
  }
};

TEST_CASE_FIXTURE(Fixture, "signals: each is a log record with signal, operation, key and depth") {
  const LogRecord log =
      records.take({.name = "order.done:42:eu", .unix_ns = kTime, .operation = 7, .depth = 3}).log;
  CHECK(std::get<std::string>(log.body) == "order.done:42:eu");
  CHECK(log.time_unix_ns == kTime);
  CHECK(log.severity == Severity::kInfo);
  CHECK(attribute(log.attributes, "event.name") == "mayfly.signal");
  CHECK(attribute(log.attributes, "signal") == "order.done");
  CHECK(attribute(log.attributes, "operation") == "7");
  CHECK(attribute(log.attributes, "key") == "42:eu");
  CHECK(attribute(log.attributes, "depth") == "3");
  const LogRecord bare = raise("ready").log;
  CHECK(attribute(bare.attributes, "key") == "");
  CHECK(attribute(bare.attributes, "operation") == "");
  CHECK(attribute(bare.attributes, "depth") == "");
  CHECK_FALSE(bare.trace_id.is_set());
}

TEST_CASE_FIXTURE(Fixture,
                  "signals: errors are exceptions, failures warnings, perf is for debugging") {
  const LogRecord error = raise("error.timeout:api").log;
  CHECK(error.severity == Severity::kError);
  CHECK(attribute(error.attributes, "exception.type") == "error.timeout");
  CHECK(attribute(error.attributes, "exception.message") == "api");
  CHECK(attribute(raise("error").log.attributes, "exception.message") == "error");
  CHECK(raise("write.error:disk full").log.severity == Severity::kError);
  const LogRecord failed = raise("job.failed:x").log;
  CHECK(failed.severity == Severity::kWarn);
  CHECK(attribute(failed.attributes, "exception.type") == "");
  CHECK(raise("warning.low").log.severity == Severity::kWarn);
  CHECK(raise("perf.query:5ms").log.severity == Severity::kDebug);
  CHECK(raise("terror").log.severity == Severity::kInfo);
}

TEST_CASE_FIXTURE(Fixture, "signals: from start to done is a span") {
  CHECK_FALSE(raise("window.flush.start:12").span);
  const SignalRecords::Made end = raise("window.flush.done:12");
  REQUIRE(end.span);
  CHECK(end.span->name == "window.flush");
  CHECK(end.span->start_unix_ns == kTime + 1);
  CHECK(end.span->end_unix_ns == kTime + 2);
  CHECK(end.span->status == SpanStatus::kOk);
  CHECK(attribute(end.span->attributes, "key") == "12");
  CHECK(end.log.span_id == end.span->span_id);
  CHECK(end.log.trace_id == end.span->trace_id);
  CHECK_FALSE(raise("window.flush.done:12").span);
}

TEST_CASE_FIXTURE(Fixture, "signals: every pair of words that begin and end") {
  for (const char* begin : {"start", "starting", "started", "begin"}) {
    for (const char* end : {"done", "completed", "finished", "end", "ended", "failed", "error"}) {
      raise(std::string("x.") + begin);
      const auto span = raise(std::string("x.") + end).span;
      REQUIRE(span);
      const bool failed = std::string(end) == "failed" || std::string(end) == "error";
      CHECK(span->status == (failed ? SpanStatus::kError : SpanStatus::kOk));
    }
  }
  CHECK(records.open_spans() == 0);
}

TEST_CASE_FIXTURE(Fixture, "signals: spans that overlap are told apart by operation and argument") {
  raise("stage.start:1", 5);
  raise("stage.start:1", 6);
  raise("stage.start:2", 6);
  const auto second = raise("stage.done:2", 6).span;
  REQUIRE(second);
  CHECK(second->start_unix_ns == kTime + 3);
  const auto other = raise("stage.failed:disk", 5).span;
  REQUIRE(other);
  CHECK(other->start_unix_ns == kTime + 1);
  // Another argument, and the only one open.
  CHECK(attribute(other->attributes, "result") == "disk");
  CHECK(other->status_message == "disk");
  raise("stage.start:8", 6);
  // Of two that may be meant none is.
  CHECK_FALSE(raise("stage.done:9", 6).span);
  CHECK_FALSE(raise("stage.done:1", 7).span);
  CHECK(records.open_spans() == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "signals: an operation's signals within its span are events, in one trace") {
  raise("http.started", 9);
  const LogRecord progress = raise("progress:50", 9).log;
  raise("progress:50", 10);
  raise("read.start", 9);
  const auto inner = raise("read.done", 9).span;
  const auto outer = raise("http.completed", 9).span;
  REQUIRE(inner);
  REQUIRE(outer);
  CHECK(progress.span_id == outer->span_id);
  CHECK(progress.trace_id == outer->trace_id);
  CHECK(inner->trace_id == outer->trace_id);
  CHECK(inner->parent_span_id == outer->span_id);
  CHECK_FALSE(outer->parent_span_id.is_set());
  REQUIRE(outer->events.size() == 1);
  CHECK(outer->events[0].name == "progress:50");
}

TEST_CASE_FIXTURE(Fixture, "signals: spans that never end, and their events, are bounded") {
  for (std::size_t i = 0; i < SignalRecords::kSpansMax + 5; ++i) {
    raise("lost.start:" + std::to_string(i));
  }
  CHECK(records.open_spans() == SignalRecords::kSpansMax);
  CHECK_FALSE(raise("lost.done:0").span);
  CHECK(raise("lost.done:5").span);
  raise("busy.start", 3);
  for (std::size_t i = 0; i < 2 * SignalRecords::kEventsMax; ++i) raise("tick", 3);
  const auto busy = raise("busy.done", 3).span;
  REQUIRE(busy);
  CHECK(busy->events.size() == SignalRecords::kEventsMax);
}

TEST_CASE_FIXTURE(Fixture, "signals: perf is counted, and its numbers are a histogram") {
  CHECK(records.metrics(now).empty());
  raise("perf.query:7ms");
  raise("perf.query:700.5ms");
  raise("perf.query:none");
  raise("perf.start");
  const auto metrics = records.metrics(kTime + 99);
  REQUIRE(metrics.size() == 3);
  CHECK(metrics[0].name == "perf.query");
  const NumberPoint& count = std::get<Sum>(metrics[0].data).points.at(0);
  CHECK(std::get<std::int64_t>(count.value) == 3);
  CHECK(count.start_unix_ns == kTime);
  CHECK(count.time_unix_ns == kTime + 99);
  CHECK(metrics[1].name == "perf.query.value");
  CHECK(metrics[1].unit == "ms");
  const HistogramPoint& values = std::get<Histogram>(metrics[1].data).points.at(0);
  CHECK(values.count == 2);
  CHECK(values.sum == 707.5);
  CHECK(*values.min == 7);
  CHECK(*values.max == 700.5);
  CHECK(values.buckets.size() == values.bounds.size() + 1);
  CHECK(values.buckets[2] == 1);
  CHECK(values.buckets[9] == 1);
  CHECK(metrics[2].name == "perf.start");
  testing::valid_otlp(testing::OtlpMessage::kMetricsRequest,
                      metrics_request({}, {"x", ""}, metrics));
}

TEST_CASE_FIXTURE(Fixture,
                  "signals: names of metrics are bounded, what is beyond counts as other") {
  for (std::size_t i = 0; i < SignalRecords::kStemsMax + 10; ++i) {
    raise("perf.x" + std::to_string(i));
  }
  const auto metrics = records.metrics(now);
  CHECK(metrics.size() == SignalRecords::kStemsMax + 1);
  for (const Metric& metric : metrics) {
    if (metric.name != "perf.other") continue;
    CHECK(std::get<std::int64_t>(std::get<Sum>(metric.data).points.at(0).value) == 10);
  }
}

TEST_CASE_FIXTURE(Fixture, "signals: any name is taken") {
  for (const char* name : {"", ":", ":x", ".", ".start", "start", "x.start:", "..done", "perf:inf",
                           "perf:nan", "perf:-5", "perf:1e400", "\xff.start:\xff"}) {
    testing::valid_otlp(testing::OtlpMessage::kLogsRequest,
                        logs_request({}, {"x", ""}, {{raise(name, 1).log}}));
  }
}

TEST_CASE_FIXTURE(Fixture, "signals: ids differ, and are never none") {
  std::set<std::uint64_t> spans;
  std::set<std::uint64_t> traces;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    spans.insert(records.new_span_id().value);
    CHECK(records.trace_of(i).is_set());
    CHECK(records.trace_of(i) == records.trace_of(i));
    traces.insert(records.trace_of(i).low);
  }
  CHECK(spans.size() == 10'000);
  CHECK(traces.size() == 10'000);
  CHECK(records.trace_of(0) != records.trace_of(0));
  CHECK(SignalRecords(2, 0).trace_of(1) != records.trace_of(1));
}

}  // namespace
}  // namespace mayfly::otlp
