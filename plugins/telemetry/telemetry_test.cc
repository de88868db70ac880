// The node with a server on loopback for a collector. Its own thread sends by the machine's clock;
// the node's time stands still.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/http_server.h"
#include "tests/support/otlp_check.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using testing::HttpReceived;
using testing::HttpServer;
using testing::OtlpMessage;

using testing::Names;
using testing::Ordinals;
using testing::try_node;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct Fixture {
  HttpServer server;
  std::unique_ptr<NodeHarness> node;

  // Records go at once, and figures never, unless the test says otherwise.
  NodeHarness& make(std::vector<RawOption> options = {}) {
    const auto add = [&](const char* name, auto value) {
      for (const RawOption& option : options) {
        if (option.name == name) return;
      }
      options.push_back({name, value});
    };
    add("endpoint", server.url());
    add("linger", std::string("0s"));
    add("metrics_interval", std::string("0s"));
    node = testing::open_node("telemetry", options);
    return *node;
  }
  // Until the node has heard of so many that were sent or have failed.
  void wait_for(const char* counter, std::uint64_t count) {
    while (node->counter(counter) < count) REQUIRE(node->wait_for_wake());
  }
  // All that has come of a kind, as protobuf read it.
  std::string read(const char* path) const {
    const std::string target = path;
    std::string text;
    for (const HttpReceived& request : server.requests()) {
      if (request.target != target) continue;
      text += testing::valid_otlp(target == "/v1/logs"     ? OtlpMessage::kLogsRequest
                                  : target == "/v1/traces" ? OtlpMessage::kTraceRequest
                                                           : OtlpMessage::kMetricsRequest,
                                  request.body);
    }
    return text;
  }
};

TEST_CASE_FIXTURE(Fixture, "telemetry: every row passes at once, in order") {
  make();
  for (int i = 0; i < 10; ++i) node->push_rows(100);
  CHECK(node->port(0).size() == 1000);
  CHECK(node->held() == 0);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE_FIXTURE(Fixture, "telemetry: signals arrive as log records, when they were raised") {
  make({{"service_name", std::string("orders")},
        {"resource", Names{"deployment.environment=test", "a=b=c"}},
        {"headers", Names{"Authorization: Bearer x"}}});
  node->signal("order.done:42");
  node->advance(kSecond);
  node->signal("error.timeout:api");
  wait_for("sent", 2);
  const std::string logs = read("/v1/logs");
  CHECK(has(logs, R"(key: "service.name" value { string_value: "orders" })"));
  CHECK(has(logs, R"(key: "deployment.environment" value { string_value: "test" })"));
  CHECK(has(logs, R"(key: "a" value { string_value: "b=c" })"));
  CHECK(has(logs, R"(key: "signal" value { string_value: "order.done" })"));
  CHECK(has(logs, R"(key: "key" value { string_value: "42" })"));
  CHECK(has(logs, "time_unix_nano: 1700000001000000000"));
  CHECK(has(logs, "time_unix_nano: 1700000002000000000"));
  CHECK(has(logs, R"(severity_text: "ERROR")"));
  CHECK(server.requests()[0].header("Authorization") == "Bearer x");
  CHECK(node->counter("signals") == 2);
  CHECK(node->violations().empty());
}

TEST_CASE_FIXTURE(Fixture, "telemetry: only signals that are named are sent, and never its own") {
  make({{"signals", Names{"order.*", "telemetry.*"}}});
  node->signal("other");
  node->signal("telemetry.dropped:3");
  node->signal("order.done");
  wait_for("sent", 1);
  CHECK(node->counter("signals") == 1);
}

TEST_CASE_FIXTURE(Fixture, "telemetry: from start to done is a span") {
  make();
  node->signal("write.start");
  node->advance(5 * kMillisecond);
  node->signal("write.done:3rows");
  wait_for("sent", 3);
  CHECK(has(read("/v1/traces"),
            "start_time_unix_nano: 1700000001000000000 "
            "end_time_unix_nano: 1700000001005000000"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: rows are spans from when they were made to their answers") {
  make({{"sample_ratio", 1.0}});
  node->push_rows(3);
  node->advance(2 * kSecond);
  // A failed attempt is no answer.
  node->complete(Ordinals{0}, MAYFLY_PENDING);
  node->complete(Ordinals{0, 1}, MAYFLY_WRITTEN);
  node->complete(Ordinals{2}, MAYFLY_DEAD_LETTERED);
  wait_for("sent", 3);
  CHECK(node->counter("spans") == 3);
  const std::string spans = read("/v1/traces");
  CHECK(has(spans, R"(name: "row" kind: SPAN_KIND_INTERNAL start_time_unix_nano: )"
                   "1700000001000000000 end_time_unix_nano: 1700000003000000000"));
  CHECK(has(spans, R"(key: "mayfly.outcome" value { string_value: "written" })"));
  CHECK(has(spans, R"(key: "mayfly.ordinal" value { int_value: 2 })"));
  CHECK(has(spans, R"(status { message: "dead_lettered" code: STATUS_CODE_ERROR })"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: the part of the rows may change while they flow") {
  make({{"sample_ratio", 0.0}});
  node->push_rows(100);
  node->complete(node->port(0), MAYFLY_WRITTEN);
  CHECK(node->counter("spans") == 0);
  CHECK(node->set_option({"sample_ratio", 0.5}).ok());
  node->clear();
  node->push_rows(1000);
  node->complete(node->port(0), MAYFLY_WRITTEN);
  CHECK(node->counter("spans") > 400);
  CHECK(node->counter("spans") < 600);
  CHECK_FALSE(node->set_option({"sample_ratio", 1.5}).ok());
}

TEST_CASE_FIXTURE(Fixture,
                  "telemetry: figures arrive each interval, and those of signals with them") {
  make({{"metrics_interval", std::string("10s")},
        {"signals", Names{"perf.*"}},
        {"linger", std::string("1h")}});
  node->signal("perf.query:12ms");
  node->advance(9 * kSecond);
  CHECK(node->drain() == 0);
  wait_for("sent", 1);
  CHECK(read("/v1/metrics").empty());
  node->advance(kSecond);
  CHECK(node->drain() == 0);
  server.wait_for_requests(2);
  const std::string metrics = read("/v1/metrics");
  CHECK(has(metrics, R"(name: "mayfly.signals" unit: "1" sum { data_points { )"
                     "start_time_unix_nano: 1700000001000000000 "
                     "time_unix_nano: 1700000011000000000 as_int: 1"));
  CHECK(has(metrics, R"(key: "mayfly.node" value { string_value: "harness" })"));
  CHECK(has(metrics, R"(name: "mayfly.rows.held" unit: "{row}" gauge)"));
  CHECK(has(metrics, R"(name: "perf.query.value")"));
  node->advance(10 * kSecond);
  CHECK(node->drain() == 0);
  server.wait_for_requests(3);
}

TEST_CASE_FIXTURE(
    Fixture, "telemetry: what a collector refuses is counted, told, and logged once a minute") {
  server.answer_rest({.status = 400, .body = "no such field"});
  make();
  for (int i = 1; i <= 3; ++i) {
    if (i == 3) node->advance(60 * kSecond);
    node->signal("x");
    wait_for("failed", static_cast<std::uint64_t>(i));
  }
  CHECK(node->signals() == Names(3, "telemetry.export.failed:400"));
  REQUIRE(node->logged().size() == 2);
  CHECK(node->logged()[0].level == MAYFLY_LOG_WARN);
  CHECK(node->logged()[0].text ==
        "the collector didn't take 1 record (logs): HTTP 400: no such field; further failures are "
        "counted for a minute");
  CHECK(node->counter("sent") == 0);
  CHECK(node->counter("requests") == 3);
  CHECK(node->counter("retries") == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "telemetry: with a collector that never answers rows pass, and drops are counted") {
  server.answer_rest({.silent = true});
  make({{"queue", std::int64_t{4}}, {"sample_ratio", 1.0}, {"shutdown", std::string("0s")}});
  node->signal("first");
  server.wait_for_requests(1);
  node->push_rows(500);
  CHECK(node->port(0).size() == 500);
  node->complete(node->port(0), MAYFLY_WRITTEN);
  CHECK(node->counter("dropped") == 496);
  // The first at once, all others together, a second later.
  CHECK(node->signals() == Names{"telemetry.dropped:1"});
  node->advance(kSecond);
  CHECK(node->signals() == Names{"telemetry.dropped:1", "telemetry.dropped:495"});
  node->advance(kSecond);
  CHECK(node->signals().size() == 2);
  node->signal("x");
  CHECK(node->signals().size() == 3);
  CHECK(node->drain() == 0);
  CHECK(node->violations().empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "telemetry: draining sends what waits, and the end sends what came since") {
  make({{"linger", std::string("1h")}, {"metrics_interval", std::string("1h")}});
  node->signal("early");
  CHECK(node->drain() == 0);
  wait_for("sent", 1);
  CHECK(has(read("/v1/logs"), "early"));
  node->signal("late");
  node->push_rows(5);
  node->complete(node->port(0), MAYFLY_WRITTEN);
  node.reset();
  CHECK(has(read("/v1/logs"), "late"));
  // The last figures, though no interval has passed.
  CHECK(has(read("/v1/metrics"), "mayfly.rows.held"));
}

TEST_CASE_FIXTURE(Fixture, "telemetry: a collector that isn't there holds up no end") {
  server.kill();
  make({{"shutdown", std::string("1m")}});
  for (int i = 0; i < 100; ++i) node->signal("x");
  CHECK(node->drain() == 0);
  // Each batch fails once; a retry would be a second later.
  const auto began = std::chrono::steady_clock::now();
  node.reset();
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(50));
}

TEST_CASE("telemetry: options that can't be are refused by name") {
  const auto refusal = [](const std::vector<RawOption>& options) {
    return try_node("telemetry", options).status().message();
  };
  CHECK(has(refusal({{"endpoint", std::string("localhost:4318")}}), "endpoint: expected"));
  CHECK(has(refusal({{"endpoint", std::string("http://x/?a=b")}}), "endpoint: expected"));
  CHECK(has(refusal({{"headers", Names{"no colon"}}}), "headers: entry 1: expected"));
  CHECK(refusal({{"resource", Names{"=x"}}}) == "resource: expected name=value, found \"=x\"");
  CHECK(refusal({{"resource", Names{"x"}}}) == "resource: expected name=value, found \"x\"");
  CHECK(refusal({{"service_name", std::string(" ")}}) ==
        "service_name: expected a name, found none");
  CHECK(refusal({{"sample_ratio", 1.5}}) != "");
  CHECK(refusal({{"queue", std::int64_t{0}}}) != "");
  CHECK(refusal({{"timeout", std::string("0s")}}) != "");
}

}  // namespace
}  // namespace mayfly
