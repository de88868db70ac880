// The exporter with a real server on loopback, that answers well and badly.
#include "mayfly/otlp/http_transport.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/otlp/exporter.h"
#include "tests/support/http_server.h"
#include "tests/support/otlp_check.h"

namespace mayfly::otlp {
namespace {

using testing::HttpAnswer;
using testing::HttpReceived;
using testing::HttpServer;
using testing::OtlpMessage;

using Words = std::vector<std::string>;

LogRecord log_of(std::int64_t number) {
  return {.time_unix_ns = kSecond, .severity = Severity::kInfo, .body = number};
}

struct Fixture {
  ManualClock clock;
  HttpServer server;
  std::uint32_t max_retries = 2;
  std::mutex mutex;
  std::vector<ExportFailure> failures;

  std::unique_ptr<Exporter> make(ExporterOptions options = {}) {
    options.retry.jitter = 0;
    options.retry.max_retries = max_retries;
    // The time is moved while requests are under way.
    if (options.timeout_ns == ExporterOptions{}.timeout_ns) options.timeout_ns = kNever;
    options.on_failure = [this](const ExportFailure& failure) {
      const std::lock_guard lock(mutex);
      failures.push_back(failure);
    };
    return std::make_unique<Exporter>(
        clock,
        std::make_shared<HttpTransport>(clock, server.url(),
                                        std::vector<HttpHeader>{{"Authorization", "Bearer x"}}),
        options);
  }
  // Until all has been sent or given up.
  void finish(Exporter& exporter) {
    exporter.send_now();
    while (!exporter.idle()) {
      clock.advance(100 * kMillisecond);
      std::this_thread::yield();
    }
  }
  Words words() {
    const std::lock_guard lock(mutex);
    Words words;
    for (const ExportFailure& failure : failures) words.push_back(failure.word);
    return words;
  }
};

TEST_CASE_FIXTURE(Fixture, "otlp over http: each kind arrives at its path, as JSON that is valid") {
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  CHECK(exporter->offer(Span{.trace_id = {1, 2}, .span_id = {3}, .name = "work"}));
  CHECK(exporter->offer(Metric{.name = "depth", .data = Gauge{{{.value = 0.5}}}}));
  finish(*exporter);
  CHECK(exporter->counts().sent == 3);
  std::string targets;
  for (const HttpReceived& request : server.requests()) {
    CHECK(request.method == "POST");
    CHECK(request.header("Content-Type") == "application/json");
    CHECK(request.header("Authorization") == "Bearer x");
    targets += request.target + ' ';
    const OtlpMessage message = request.target == "/v1/logs"     ? OtlpMessage::kLogsRequest
                                : request.target == "/v1/traces" ? OtlpMessage::kTraceRequest
                                                                 : OtlpMessage::kMetricsRequest;
    testing::valid_otlp(message, request.body);
  }
  CHECK(targets == "/v1/logs /v1/traces /v1/metrics ");
}

TEST_CASE_FIXTURE(Fixture, "otlp over http: 500 is final, as OTLP says, 503 is not") {
  server.answer({.status = 500, .body = "oops"});
  server.answer({.status = 503});
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  finish(*exporter);
  CHECK(words() == Words{"500"});
  CHECK(failures[0].message == "HTTP 500: oops");
  CHECK(exporter->offer(log_of(2)));
  finish(*exporter);
  CHECK(exporter->counts().sent == 1);
  CHECK(server.requests().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "otlp over http: 429 with Retry-After isn't sent again before that") {
  server.answer({.status = 429, .headers = {{"Retry-After", "100000"}}});
  const auto exporter = make({.retry_after_max_ns = 200'000 * kSecond});
  const std::int64_t began = clock.now_ns();
  CHECK(exporter->offer(log_of(1)));
  finish(*exporter);
  CHECK(exporter->counts().sent == 1);
  CHECK(clock.now_ns() - began >= 100'000 * kSecond);
}

TEST_CASE_FIXTURE(Fixture,
                  "otlp over http: half an answer is no answer, and the batch goes again") {
  server.answer({.body = R"({"partialSuccess":{}})", .cut_after = 5});
  server.answer({.hang_up = true});
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  finish(*exporter);
  CHECK(exporter->counts().sent == 1);
  CHECK(exporter->counts().retries >= 1);
  CHECK(words().empty());
}

TEST_CASE_FIXTURE(Fixture, "otlp over http: a server that never answers is given up") {
  server.answer_rest({.silent = true});
  max_retries = 0;
  const auto exporter = make({.timeout_ns = 5 * kSecond});
  CHECK(exporter->offer(log_of(1)));
  exporter->send_now();
  // The time stands still until the request has arrived: it is the answer that is late, not the
  // connection.
  server.wait_for_requests(1);
  finish(*exporter);
  CHECK(words() == Words{"timed-out"});
  CHECK(exporter->counts().failed == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "otlp over http: nobody there is given up, and tried anew with the next") {
  server.kill();
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  finish(*exporter);
  CHECK(words() == Words{"no-connection"});
  CHECK(exporter->counts().requests == 3);
  server.revive();
  CHECK(exporter->offer(log_of(2)));
  finish(*exporter);
  CHECK(exporter->counts().sent == 1);
}

TEST_CASE_FIXTURE(Fixture, "otlp over http: closing at once cancels what a silent server keeps") {
  server.answer_rest({.silent = true});
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  exporter->send_now();
  server.wait_for_requests(1);
  CHECK_FALSE(exporter->close(clock.now_ns()));
  CHECK(words() == Words{"closed"});
}

TEST_CASE_FIXTURE(Fixture, "otlp over http: what a collector rejects is read from its answer") {
  server.answer({.body = R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}})"});
  const auto exporter = make();
  CHECK(exporter->offer(log_of(1)));
  CHECK(exporter->offer(log_of(2)));
  finish(*exporter);
  CHECK(exporter->counts().sent == 1);
  CHECK(exporter->counts().rejected == 1);
}

TEST_CASE("otlp over http: an endpoint may end with a slash, and have a path") {
  ManualClock clock;
  HttpServer server;
  HttpTransport transport(clock, server.url("/otlp/"));
  CHECK(transport.post({Kind::kTraces, "{}", kSecond}, {}).status == 200);
  CHECK(server.requests()[0].target == "/otlp/v1/traces");
}

TEST_CASE("otlp over http: endpoints and headers that can't be sent are refused") {
  ManualClock clock;
  const auto refused = [&](const char* endpoint, std::vector<HttpHeader> headers = {}) {
    try {
      HttpTransport transport(clock, endpoint, std::move(headers));
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK_FALSE(refused("https://collector.example:4318/otlp"));
  for (const char* endpoint :
       {"", "localhost:4318", "ftp://x", "http://", "http://x?token=1", "http://x/#y"}) {
    CHECK(refused(endpoint));
  }
  CHECK(refused("http://x", {{"X-Y", "a\r\nb"}}));
  CHECK(check_endpoint("http://x?token=secret").message().find("secret") == std::string::npos);
}

}  // namespace
}  // namespace mayfly::otlp
