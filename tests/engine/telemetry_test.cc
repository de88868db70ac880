// The sink `telemetry` in whole pipelines, with a collector that takes everything, and with none.
#include <doctest/doctest.h>

#include <mutex>
#include <string>
#include <vector>

#include "tests/engine/pipeline_fixture.h"
#include "tests/support/http_server.h"
#include "tests/support/otlp_check.h"

namespace mayfly {
namespace {

using namespace testing;

constexpr std::int64_t kRows = 20'000;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Runs kRows rows through it, to the end of the engine. Returns its counters, and what it logged.
struct Outcome {
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  std::uint64_t failed = 0;
  std::uint64_t spans = 0;
  std::string log;
};
Outcome run(const Database& database, std::vector<RawOption> options) {
  Pipeline p(database.path());
  const auto source =
      p.source("numbers", library("GENERATE"),
               {{"rows", kRows}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto node = p.node("observed", library("TELEMETRY"), {source}, std::move(options));
  p.join_writer({Pipeline::port(node)});
  EngineOptions with_log = options_for_inlet();
  std::mutex mutex;
  std::string log;
  with_log.log = [&](std::int32_t, std::string_view who, std::string_view text) {
    const std::lock_guard lock(mutex);
    if (who == "observed") log.append(text).append("\n");
  };
  const auto engine = open(p, std::move(with_log));
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == kRows);
  // Of the end, too: what it sends then is sent by now.
  return {.sent = counter(*engine, "sent"),
          .dropped = counter(*engine, "dropped"),
          .failed = counter(*engine, "failed"),
          .spans = counter(*engine, "spans"),
          .log = log};
}

std::string lost(const Outcome& outcome, const HttpServer& server) {
  return std::to_string(outcome.dropped + outcome.failed) + " of " +
         std::to_string(outcome.sent + outcome.dropped + outcome.failed) +
         " records didn't reach " + server.url() + ": " + std::to_string(outcome.dropped) +
         " were dropped from a full queue, " + std::to_string(outcome.failed) +
         " refused or given up\n";
}

TEST_CASE("a pipeline's signals, figures and rows arrive at a collector, each request valid") {
  const Database database("telemetry");
  HttpServer server;
  const Outcome outcome = run(database, {{"endpoint", server.url()},
                                         {"service_name", std::string("orders")},
                                         {"sample_ratio", 0.01},
                                         {"queue", std::int64_t{100'000}},
                                         {"shutdown", std::string("1m")}});
  CHECK(outcome.dropped == 0);
  CHECK(outcome.failed == 0);
  CHECK(outcome.log.empty());
  CHECK(outcome.spans > 100);
  CHECK(outcome.spans < 400);
  std::string logs;
  std::string spans;
  std::string metrics;
  for (const HttpReceived& request : server.requests()) {
    if (request.target == "/v1/logs") {
      logs += valid_otlp(OtlpMessage::kLogsRequest, request.body);
    } else if (request.target == "/v1/traces") {
      spans += valid_otlp(OtlpMessage::kTraceRequest, request.body);
    } else {
      CHECK(request.target == "/v1/metrics");
      metrics = valid_otlp(OtlpMessage::kMetricsRequest, request.body);
    }
  }
  CHECK(has(logs, R"(key: "service.name" value { string_value: "orders" })"));
  CHECK(has(logs, R"(key: "signal" value { string_value: "write.done" })"));
  CHECK(times(spans, "name: \"row\"") == outcome.spans);
  CHECK(times(spans, "string_value: \"written\"") == outcome.spans);
  // The last figures are those of the end.
  const std::size_t written = metrics.find("name: \"mayfly.rows.written\"");
  REQUIRE(written != metrics.npos);
  CHECK(has(metrics.substr(written, 300), "as_int: 20000"));
  CHECK(has(metrics, R"(key: "mayfly.node" value { string_value: "observed" })"));
}

TEST_CASE("with a collector that isn't there every row is written") {
  const Database database("telemetry_none");
  HttpServer server;
  server.kill();
  const Outcome outcome = run(
      database, {{"endpoint", server.url()}, {"sample_ratio", 1.0}, {"queue", std::int64_t{10}}});
  CHECK(outcome.spans == kRows);
  CHECK(outcome.sent == 0);
  CHECK(outcome.dropped > 0);
  CHECK(has(outcome.log, "its queue is full"));
  CHECK(outcome.log.ends_with(lost(outcome, server)));
}

TEST_CASE("with a collector that never answers every row is written, and the end comes") {
  const Database database("telemetry_silent");
  HttpServer server;
  server.answer_rest({.silent = true});
  const Outcome outcome = run(database, {{"endpoint", server.url()},
                                         {"sample_ratio", 1.0},
                                         {"queue", std::int64_t{10}},
                                         {"shutdown", std::string("0s")}});
  CHECK(outcome.spans == kRows);
  // All but what waits and what is under way.
  CHECK(outcome.dropped >= kRows - 20);
  CHECK(outcome.log.ends_with(lost(outcome, server)));
}

TEST_CASE("with a collector that refuses everything every row is written") {
  const Database database("telemetry_refused");
  HttpServer server;
  server.answer_rest({.status = 400});
  const Outcome outcome = run(
      database, {{"endpoint", server.url()}, {"sample_ratio", 1.0}, {"linger", std::string("0s")}});
  CHECK(outcome.sent == 0);
  CHECK(outcome.failed > 0);
  CHECK(has(outcome.log, "the collector didn't take "));
  CHECK(has(outcome.log, "HTTP 400"));
  CHECK(outcome.log.ends_with(lost(outcome, server)));
}

}  // namespace
}  // namespace mayfly
