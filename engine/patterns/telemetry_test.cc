#include "mayfly/patterns/telemetry.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/otlp/scripted_transport.h"
#include "mayfly/otlp/memory_transport.h"
#include "mayfly/work/work_coordinator.h"
#include "tests/support/http_server.h"
#include "tests/support/otlp_check.h"

namespace mayfly {
namespace {

using otlp::Kind;
using otlp::MemoryTransport;
using testing::HttpReceived;
using testing::HttpServer;
using testing::OtlpMessage;
using testing::ScriptedTransport;
using testing::valid_otlp;

using Names = std::vector<std::string>;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Names names_in(const SignalSink& sink, std::string_view glob) {
  Names names;
  for (const Signal& signal : sink.sense(glob)) names.push_back(signal.name);
  return names;
}

// All requests of a kind, as protobuf read them.
std::string read(const MemoryTransport& kept, Kind kind) {
  const OtlpMessage message = kind == Kind::kLogs     ? OtlpMessage::kLogsRequest
                              : kind == Kind::kTraces ? OtlpMessage::kTraceRequest
                                                      : OtlpMessage::kMetricsRequest;
  std::string text;
  for (const std::string& body : kept.bodies(kind)) text += valid_otlp(message, body);
  return text;
}

struct Fixture {
  ManualClock clock;
  SignalSink sink{clock};
  std::shared_ptr<MemoryTransport> kept = std::make_shared<MemoryTransport>();

  TelemetryOptions options(std::shared_ptr<otlp::Transport> transport = nullptr) {
    return {.service_name = "orders",
            .signals = &sink,
            .seed = 1,
            .transport = transport ? transport : kept};
  }
};

TEST_CASE_FIXTURE(Fixture, "telemetry: a watched sink's signals become log records") {
  TelemetrySignalHandler telemetry(clock, options());
  const SignalSubscription watch = telemetry.watch(sink);
  sink.raise("order.done:42", 7);
  clock.advance(kSecond);
  sink.raise("error.timeout:api");
  CHECK(telemetry.flush(kNever));
  const std::string logs = read(*kept, Kind::kLogs);
  CHECK(has(logs, R"(key: "service.name" value { string_value: "orders" })"));
  CHECK(has(logs, R"(key: "signal" value { string_value: "order.done" })"));
  CHECK(has(logs, R"(key: "operation" value { int_value: 7 })"));
  CHECK(has(logs, R"(key: "key" value { string_value: "42" })"));
  CHECK(has(logs, R"(key: "depth" value { int_value: 1 })"));
  CHECK(has(logs, "time_unix_nano: 1700000001000000000"));
  CHECK(has(logs, "time_unix_nano: 1700000002000000000"));
  CHECK(has(logs, R"(severity_text: "ERROR")"));
  CHECK(has(logs, R"(key: "exception.message" value { string_value: "api" })"));
  CHECK(telemetry.processed() == 2);
  CHECK(telemetry.queued() == 0);
  CHECK(telemetry.dropped() == 0);
}

TEST_CASE_FIXTURE(Fixture, "telemetry: a caused signal says how deep it is") {
  TelemetrySignalHandler telemetry(clock, options());
  const SignalSubscription watch = telemetry.watch(sink);
  const SignalSubscription chain =
      sink.subscribe("first", [&](const SignalEvent&) { sink.raise("second"); });
  sink.raise("first");
  CHECK(telemetry.flush(kNever));
  CHECK(has(read(*kept, Kind::kLogs), R"(key: "depth" value { int_value: 2 })"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: only what the pattern names is sent, and never its own") {
  TelemetrySignalHandler telemetry(clock, options());
  const SignalSubscription some = telemetry.watch(sink, "order.*, telemetry.*");
  sink.raise("order.done");
  sink.raise("other");
  sink.raise("telemetry.dropped:1");
  CHECK(telemetry.flush(kNever));
  CHECK(telemetry.processed() == 1);
}

TEST_CASE_FIXTURE(
    Fixture, "telemetry: with a full queue another signal is dropped; the others arrive (C151)") {
  const auto collector = std::make_shared<ScriptedTransport>();
  collector->hang();
  SignalSink raised(clock);
  Names answers;
  {
    TelemetryOptions small = options(collector);
    small.queue_max = 3;
    small.batch_max = 1;
    TelemetrySignalHandler telemetry(clock, small);
    const SignalSubscription watch = raised.subscribe("*", [&](const SignalEvent& event) {
      answers.push_back(telemetry.on_signal(event) ? "taken" : "dropped");
    });
    raised.raise("a");
    collector->wait_for(1);
    for (const char* name : {"b", "c", "d", "e", "f"}) raised.raise(name);
    CHECK(answers == Names{"taken", "taken", "taken", "taken", "dropped", "dropped"});
    CHECK(telemetry.dropped() == 2);
    CHECK(telemetry.queued() == 4);
    collector->resume();
  }
  CHECK(collector->count() == 4);
  // Told once a second.
  CHECK(names_in(sink, "telemetry.dropped*") == Names{"telemetry.dropped:1"});
}

TEST_CASE_FIXTURE(Fixture, "telemetry: what a collector doesn't take is told by a signal") {
  const auto collector = std::make_shared<ScriptedTransport>();
  collector->answer(400, "no");
  TelemetrySignalHandler telemetry(clock, options(collector));
  const SignalSubscription watch = telemetry.watch(sink);
  sink.raise("a");
  CHECK(telemetry.flush(kNever));
  CHECK(telemetry.failed() == 1);
  CHECK(names_in(sink, "telemetry.*") == Names{"telemetry.export.failed:400"});
  // It isn't sent itself.
  CHECK(telemetry.queued() == 0);
}

TEST_CASE_FIXTURE(Fixture, "telemetry: perf becomes metrics, sent each interval and at the end") {
  {
    TelemetrySignalHandler telemetry(clock, options());
    const SignalSubscription watch = telemetry.watch(sink);
    sink.raise("perf.query:12ms");
    sink.raise("perf.query:30ms");
  }
  const std::string metrics = read(*kept, Kind::kMetrics);
  CHECK(has(metrics, R"(name: "perf.query" description)"));
  CHECK(has(metrics, "as_int: 2"));
  CHECK(has(metrics, R"(name: "perf.query.value")"));
  CHECK(has(metrics, "count: 2 sum: 42"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: from start to done is a span") {
  TelemetrySignalHandler telemetry(clock, options());
  const SignalSubscription watch = telemetry.watch(sink);
  sink.raise("window.flush.start:3");
  clock.advance(5 * kMillisecond);
  sink.raise("window.flush.done:3");
  CHECK(telemetry.flush(kNever));
  const std::string spans = read(*kept, Kind::kTraces);
  CHECK(has(spans, R"(name: "window.flush" kind: SPAN_KIND_INTERNAL)"));
  CHECK(has(spans,
            "start_time_unix_nano: 1700000001000000000 "
            "end_time_unix_nano: 1700000001005000000"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: operations are spans in the trace of their signals") {
  TelemetrySignalHandler telemetry(clock, options());
  const SignalSubscription watch = telemetry.watch(sink);
  OperationSnapshot operation{.id = 7,
                              .state = OperationState::kFailed,
                              .enqueued_ns = clock.now_ns() - 30,
                              .started_ns = clock.now_ns() - 20,
                              .finished_ns = clock.now_ns() - 10,
                              .key = "eu",
                              .error = "timeout"};
  sink.raise("order.read", 7);
  CHECK(telemetry.on_operation(operation));
  operation.started_ns = 0;
  CHECK_FALSE(telemetry.on_operation(operation));
  CHECK(telemetry.flush(kNever));
  const std::string spans = read(*kept, Kind::kTraces);
  CHECK(has(spans,
            "start_time_unix_nano: 1700000000999999980 "
            "end_time_unix_nano: 1700000000999999990"));
  CHECK(has(spans, R"(key: "waited_ns" value { int_value: 10 })"));
  CHECK(has(spans, R"(key: "key" value { string_value: "eu" })"));
  CHECK(has(spans, R"(status { message: "timeout" code: STATUS_CODE_ERROR })"));
  const std::size_t at = spans.find("trace_id: \"");
  CHECK(has(read(*kept, Kind::kLogs), spans.substr(at, 44)));
}

TEST_CASE("telemetry: every operation of a coordinator is a span") {
  const SystemClock clock;
  const auto kept = std::make_shared<MemoryTransport>();
  TelemetrySignalHandler telemetry(clock, {.transport = kept});
  {
    WorkCoordinator<int> work({.max_concurrency = 2,
                               .max_tracked_operations = 4,
                               .queue_capacity = 100,
                               .on_finalized = telemetry.operation_spans()},
                              [](int&) {});
    for (int i = 0; i < 10; ++i) REQUIRE(work.enqueue(i).ok());
    work.complete();
    REQUIRE(work.drain().ok());
    telemetry.on_operations(work.snapshot());
  }
  CHECK(telemetry.close());
  CHECK(telemetry.exporter().counts(Kind::kTraces).sent == 10);
  CHECK(has(read(*kept, Kind::kTraces), R"(name: "operation")"));
}

TEST_CASE("telemetry: over HTTP to a server, with a header, all three kinds, valid") {
  const SystemClock clock;
  HttpServer server;
  SignalSink sink(clock);
  {
    TelemetrySignalHandler telemetry(
        clock, {.endpoint = server.url(), .headers = {{"X-Token", "t"}}, .service_name = "orders"});
    const SignalSubscription watch = telemetry.watch(sink);
    sink.raise("perf.query:12ms");
    sink.raise("load.start");
    sink.raise("load.done");
    CHECK(telemetry.close());
    CHECK(telemetry.processed() == 6);
  }
  std::string targets;
  for (const HttpReceived& request : server.requests()) {
    CHECK(request.header("X-Token") == "t");
    targets += request.target;
    valid_otlp(request.target == "/v1/logs"     ? OtlpMessage::kLogsRequest
               : request.target == "/v1/traces" ? OtlpMessage::kTraceRequest
                                                : OtlpMessage::kMetricsRequest,
               request.body);
  }
  for (const char* path : {"/v1/logs", "/v1/traces", "/v1/metrics"}) CHECK(has(targets, path));
}

TEST_CASE("telemetry: a raiser doesn't wait for a server that never answers") {
  const SystemClock clock;
  HttpServer server;
  server.answer_rest({.silent = true});
  SignalSink sink(clock);
  TelemetrySignalHandler telemetry(
      clock, {.endpoint = server.url(), .queue_max = 10, .batch_max = 5, .shutdown_ns = 0});
  const SignalSubscription watch = telemetry.watch(sink);
  // However long it takes: none of these waits for an answer, since there is none.
  for (int i = 0; i < 1000; ++i) sink.raise("busy");
  CHECK(telemetry.dropped() >= 980);
  CHECK(telemetry.dropped() + telemetry.queued() == 1000);
}

// Aims at signals that meet the end of the handler, and at metrics that are collected meanwhile.
TEST_CASE("telemetry: many threads raise until it is closed, and every record is counted") {
  const SystemClock clock;
  SignalSink sink(clock);
  const auto kept = std::make_shared<MemoryTransport>(1);
  TelemetrySignalHandler telemetry(clock, {.queue_max = 100,
                                           .batch_max = 10,
                                           .linger_ns = 0,
                                           .concurrency = 2,
                                           .metrics_interval_ns = kMillisecond,
                                           .signals = &sink,
                                           .transport = kept});
  const SignalSubscription watch = telemetry.watch(sink);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 1; t <= 4; ++t) {
      threads.emplace_back([&sink, t] {
        for (int i = 0; i < 200; ++i) {
          sink.raise("x.start", t);
          sink.raise("perf.step:1ms", t);
          sink.raise("x.done", t);
        }
      });
    }
    threads.emplace_back([&] { telemetry.close(); });
  }
  CHECK(telemetry.close());
  const otlp::ExportCounts counts = telemetry.exporter().counts(Kind::kLogs);
  CHECK(counts.accepted + counts.dropped == 4 * 200 * 3);
  CHECK(counts.sent == counts.accepted);
}

TEST_CASE_FIXTURE(Fixture, "telemetry: what can't be is refused") {
  const auto refusal = [&](TelemetryOptions wrong) -> std::string {
    try {
      TelemetrySignalHandler telemetry(clock, std::move(wrong));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal({}) == "");
  CHECK(refusal({.service_name = " "}) == "telemetry: expected a service name, found none");
  CHECK(has(refusal({.endpoint = "localhost"}), "telemetry: "));
  CHECK(has(refusal({.headers = {{"a b", "c"}}}), "telemetry: "));
  CHECK(refusal({.queue_max = 1}) ==
        "telemetry exporter: expected a queue that holds a batch or more");
}

}  // namespace
}  // namespace mayfly
