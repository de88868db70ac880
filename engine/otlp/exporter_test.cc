#include "mayfly/otlp/exporter.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/otlp/scripted_transport.h"
#include "tests/support/otlp_check.h"

namespace mayfly::otlp {
namespace {

using testing::OtlpMessage;
using testing::ScriptedTransport;
using testing::valid_otlp;

LogRecord log_of(std::int64_t number) {
  return {.time_unix_ns = kSecond, .severity = Severity::kInfo, .body = number};
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// An exporter whose collector is scripted and whose time stands still.
struct Fixture {
  ManualClock clock;
  std::shared_ptr<ScriptedTransport> collector = std::make_shared<ScriptedTransport>();
  std::mutex mutex;
  std::vector<ExportFailure> failures;

  std::unique_ptr<Exporter> make(ExporterOptions options = {}) {
    options.retry.jitter = 0;
    options.on_failure = [this](const ExportFailure& failure) {
      const std::lock_guard lock(mutex);
      failures.push_back(failure);
    };
    return std::make_unique<Exporter>(clock, collector, options);
  }
  std::vector<std::string> words() {
    const std::lock_guard lock(mutex);
    std::vector<std::string> words;
    for (const ExportFailure& failure : failures) words.push_back(failure.word);
    return words;
  }
  // Moves the time until the condition holds. Who waits for a time looks again each millisecond,
  // and so finds it much later: what is to be told apart must be some ten thousand steps apart.
  template <class Condition>
  void until(Condition condition, std::int64_t step_ns) {
    while (!condition()) {
      clock.advance(step_ns);
      std::this_thread::yield();
    }
  }
};

bool balanced(const ExportCounts& counts) {
  return counts.accepted == counts.sent + counts.rejected + counts.failed + counts.queued;
}

using Words = std::vector<std::string>;

TEST_CASE("exporter: a full batch goes at once, and what isn't full after the linger") {
  Fixture f;
  const auto exporter = f.make({.queue_max = 10, .batch_max = 3, .linger_ns = kSecond});
  for (int i = 0; i < 4; ++i) CHECK(exporter->offer(log_of(i)));
  f.collector->wait_for(1);
  CHECK(times(f.collector->seen()[0].body, "intValue") == 3);
  CHECK(f.collector->count() == 1);
  f.until([&] { return f.collector->count() == 2; }, kMillisecond);
  CHECK(f.clock.now_ns() >= 2 * kSecond);
  CHECK(times(f.collector->seen()[1].body, "intValue") == 1);
}

TEST_CASE("exporter: the three kinds go to their paths, each a valid request") {
  Fixture f;
  const auto exporter = f.make({.resource = {{{"service.name", std::string("orders")}}}});
  CHECK(exporter->offer(log_of(7)));
  CHECK(exporter->offer(Span{.trace_id = {1, 2}, .span_id = {3}, .name = "work"}));
  CHECK(exporter->offer(Metric{.name = "depth", .data = Gauge{{{.value = std::int64_t{9}}}}}));
  CHECK(exporter->flush(kNever));
  CHECK(exporter->counts().sent == 3);
  CHECK(valid_otlp(OtlpMessage::kLogsRequest, f.collector->bodies(Kind::kLogs))
            .find("int_value: 7") != std::string::npos);
  CHECK(valid_otlp(OtlpMessage::kTraceRequest, f.collector->bodies(Kind::kTraces))
            .find("name: \"work\"") != std::string::npos);
  CHECK(valid_otlp(OtlpMessage::kMetricsRequest, f.collector->bodies(Kind::kMetrics))
            .find("as_int: 9") != std::string::npos);
  CHECK(path_of(Kind::kLogs) == "/v1/logs");
  CHECK(path_of(Kind::kTraces) == "/v1/traces");
  CHECK(path_of(Kind::kMetrics) == "/v1/metrics");
}

TEST_CASE("exporter: a full queue drops and counts, and closing delivers what waits (C151)") {
  Fixture f;
  f.collector->hang();
  const auto exporter = f.make({.queue_max = 4, .batch_max = 2});
  // Two are under way, and no longer in the queue.
  CHECK(exporter->offer(log_of(0)));
  CHECK(exporter->offer(log_of(1)));
  f.collector->wait_for(1);
  for (int i = 2; i < 6; ++i) CHECK(exporter->offer(log_of(i)));
  CHECK(exporter->counts().dropped == 0);
  CHECK_FALSE(exporter->offer(log_of(6)));
  CHECK(exporter->counts().dropped == 1);
  CHECK(exporter->counts().queued == 6);
  f.collector->resume();
  CHECK(exporter->close(kNever));
  CHECK(exporter->counts().sent == 6);
  CHECK(exporter->counts().queued == 0);
  CHECK(times(f.collector->bodies(Kind::kLogs), "intValue") == 6);
  CHECK_FALSE(exporter->offer(log_of(7)));
  CHECK(exporter->counts().dropped == 2);
}

TEST_CASE("exporter: what is retryable is sent again, later each time, and then given up") {
  Fixture f;
  for (const int status : {429, 502, 503, 504}) f.collector->answer(status);
  const auto exporter = f.make({.retry = {.max_retries = 3,
                                          .initial_delay_ns = 10'000 * kSecond,
                                          .multiplier = 2,
                                          .max_delay_ns = 600'000 * kSecond}});
  CHECK(exporter->offer(log_of(1)));
  const std::int64_t began = f.clock.now_ns();
  exporter->send_now();
  f.until([&] { return f.collector->count() == 4; }, kSecond);
  CHECK(f.clock.now_ns() - began >= 70'000 * kSecond);
  CHECK(exporter->flush(kNever));
  CHECK(f.words() == Words{"504"});
  CHECK(f.failures[0].message == "HTTP 504; tried 4 times");
  const ExportCounts counts = exporter->counts();
  CHECK(counts.failed == 1);
  CHECK(counts.retries == 3);
  CHECK(counts.requests == 4);
  CHECK(balanced(counts));
}

TEST_CASE("exporter: the same batch arrives after a failure, whole") {
  Fixture f;
  f.collector->answer({.may_pass_later = true, .word = "no-connection", .message = "refused"});
  const auto exporter = f.make();
  for (int i = 0; i < 5; ++i) CHECK(exporter->offer(log_of(i)));
  exporter->send_now();
  f.until([&] { return exporter->idle(); }, 100 * kMillisecond);
  CHECK(exporter->counts().sent == 5);
  const auto seen = f.collector->seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].body == seen[1].body);
  CHECK(f.words().empty());
}

TEST_CASE("exporter: Retry-After holds, for other batches too, and no longer than the limit") {
  Fixture f;
  f.collector->answer({.status = 429, .retry_after_ns = 100'000 * kSecond});
  f.collector->answer({.status = 503, .retry_after_ns = kNever});
  const auto exporter = f.make({.retry_after_max_ns = 200'000 * kSecond, .concurrency = 2});
  CHECK(exporter->offer(log_of(1)));
  exporter->send_now();
  f.collector->wait_for(1);
  const std::int64_t asked = f.clock.now_ns();
  f.until([&] { return f.collector->count() == 2; }, kSecond);
  CHECK(f.clock.now_ns() - asked >= 100'000 * kSecond);
  // It would be for ever without the limit.
  const std::int64_t again = f.clock.now_ns();
  CHECK(exporter->offer(Span{.trace_id = {1, 1}, .span_id = {1}, .name = "x"}));
  f.until([&] { return exporter->idle(); }, kSecond);
  CHECK(f.clock.now_ns() - again >= 199'000 * kSecond);
  CHECK(exporter->counts().sent == 2);
}

TEST_CASE("exporter: any other answer is final, and says why") {
  for (const int status : {400, 401, 404, 413, 500, 302}) {
    Fixture f;
    f.collector->answer(status, R"({"message":"no"})");
    const auto exporter = f.make();
    CHECK(exporter->offer(log_of(1)));
    CHECK(exporter->flush(kNever));
    CHECK(f.words() == Words{std::to_string(status)});
    CHECK(f.failures[0].message == "HTTP " + std::to_string(status) + R"(: {"message":"no"})");
    CHECK(f.failures[0].records == 1);
    CHECK(exporter->counts().failed == 1);
    CHECK(exporter->counts().requests == 1);
    // The next one goes all the same.
    CHECK(exporter->offer(log_of(2)));
    CHECK(exporter->flush(kNever));
    CHECK(exporter->counts().sent == 1);
  }
}

TEST_CASE("exporter: what can't ever be sent isn't tried again") {
  Fixture f;
  f.collector->answer({.word = "bad-request", .message = "not a URL"});
  const auto exporter = f.make();
  CHECK(exporter->offer(log_of(1)));
  CHECK(exporter->flush(kNever));
  CHECK(f.words() == Words{"bad-request"});
  CHECK(f.failures[0].message == "not a URL");
}

TEST_CASE("exporter: records that a collector rejects are counted, the others are sent") {
  Fixture f;
  f.collector->answer(200, R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}})");
  f.collector->answer(200, R"({"partialSuccess":{"rejectedLogRecords":"99"}})");
  const auto exporter = f.make();
  for (int i = 0; i < 5; ++i) CHECK(exporter->offer(log_of(i)));
  CHECK(exporter->flush(kNever));
  CHECK(exporter->counts().sent == 3);
  CHECK(exporter->counts().rejected == 2);
  CHECK(f.words() == Words{"rejected"});
  CHECK(f.failures[0].message == "old");
  // More than there were are all.
  CHECK(exporter->offer(log_of(5)));
  CHECK(exporter->flush(kNever));
  CHECK(exporter->counts().rejected == 3);
  CHECK(balanced(exporter->counts()));
}

TEST_CASE("exporter: a flush ends at its deadline, and what is under way goes on") {
  Fixture f;
  f.collector->hang();
  const auto exporter = f.make();
  CHECK(exporter->flush(f.clock.now_ns()));
  CHECK(exporter->offer(log_of(1)));
  exporter->send_now();
  f.collector->wait_for(1);
  std::jthread time([&](std::stop_token stop) {
    while (!stop.stop_requested()) f.clock.advance(kMillisecond);
  });
  CHECK_FALSE(exporter->flush(f.clock.now_ns() + 3 * kSecond));
  f.collector->resume();
  CHECK(exporter->flush(kNever));
  CHECK(exporter->counts().sent == 1);
}

TEST_CASE("exporter: destroyed at once, it cancels what is under way and counts what is left") {
  Fixture f;
  f.collector->hang();
  auto exporter = f.make({.queue_max = 10, .batch_max = 2});
  for (int i = 0; i < 5; ++i) CHECK(exporter->offer(log_of(i)));
  f.collector->wait_for(1);
  CHECK_FALSE(exporter->close(f.clock.now_ns()));
  CHECK(exporter->counts().failed == 5);
  CHECK(balanced(exporter->counts()));
  CHECK(f.words() == Words{"closed", "closed", "closed"});
  CHECK_FALSE(exporter->close(kNever));
}

TEST_CASE("exporter: closing waits for no retry that is due after its deadline") {
  Fixture f;
  f.collector->answer({.status = 503, .retry_after_ns = 60 * kSecond});
  const auto exporter = f.make();
  CHECK(exporter->offer(log_of(1)));
  exporter->send_now();
  f.collector->wait_for(1);
  CHECK_FALSE(exporter->close(f.clock.now_ns() + 30 * kSecond));
  // The time hasn't moved.
  CHECK(f.clock.now_ns() == kSecond);
  CHECK(f.words() == Words{"closed"});
  CHECK(f.failures[0].message == "closed while it waited; HTTP 503");
}

TEST_CASE("exporter: closing may leave out all retries, also those that are due already") {
  Fixture f;
  f.collector->answer(503);
  f.collector->answer(503);
  const auto exporter = f.make({.queue_max = 2, .batch_max = 1, .retries_at_end = false});
  CHECK(exporter->offer(log_of(1)));
  f.collector->wait_for(1);
  CHECK(exporter->offer(log_of(2)));
  CHECK_FALSE(exporter->close(kNever));
  CHECK(f.collector->count() == 2);
  CHECK(f.words() == Words{"closed", "closed"});
  CHECK(f.failures[1].message == "closed while it waited; HTTP 503");
}

TEST_CASE("exporter: it says when a batch has ended, after what failed") {
  Fixture f;
  f.collector->answer(400);
  std::atomic<int> ended{0};
  std::atomic<std::size_t> failures_then{0};
  const auto exporter = f.make({.batch_max = 1, .on_progress = [&] {
                                  failures_then = f.words().size();
                                  ++ended;
                                  throw std::runtime_error("ignored");
                                }});
  CHECK(exporter->offer(log_of(1)));
  CHECK(exporter->flush(kNever));
  CHECK(ended == 1);
  CHECK(failures_then == 1);
}

TEST_CASE("exporter: metrics are collected each interval, and once more at the end") {
  Fixture f;
  std::atomic<int> calls{0};
  const auto exporter =
      f.make({.linger_ns = 0,
              .collect =
                  [&] {
                    const std::int64_t call = ++calls;
                    if (call == 2) throw std::runtime_error("not now");
                    return std::vector<Metric>{{.name = "calls", .data = Gauge{{{.value = call}}}}};
                  },
              .collect_interval_ns = 10 * kSecond});
  f.until([&] { return calls == 1; }, 100 * kMillisecond);
  CHECK(f.clock.now_ns() >= 11 * kSecond);
  f.until([&] { return calls == 3; }, 100 * kMillisecond);
  CHECK(f.clock.now_ns() >= 31 * kSecond);
  CHECK(exporter->close(kNever));
  CHECK(calls >= 4);
  CHECK(exporter->counts(Kind::kMetrics).sent == static_cast<std::uint64_t>(calls) - 1);
  CHECK(exporter->counts(Kind::kLogs).accepted == 0);
}

TEST_CASE("exporter: a transport or a listener that throws does no harm") {
  struct Throwing final : Transport {
    Reply post(const Post&, std::stop_token) override { throw std::runtime_error("broken"); }
  };
  ManualClock clock;
  std::atomic<int> told{0};
  Exporter exporter(clock, std::make_shared<Throwing>(),
                    {.on_failure = [&](const ExportFailure& failure) {
                      CHECK(failure.message == "broken");
                      ++told;
                      throw std::runtime_error("also");
                    }});
  CHECK(exporter.offer(log_of(1)));
  CHECK(exporter.flush(kNever));
  CHECK(told == 1);
  CHECK(exporter.counts().failed == 1);
}

// Aims at offers that meet batches being taken, flushes and the end, from all sides.
TEST_CASE("exporter: many threads offer while it flushes and closes, and every record is counted") {
  for (int round = 0; round < 20; ++round) {
    Fixture f;
    for (int i = 0; i < 10; ++i) f.collector->answer(i % 3 == 0 ? 400 : 200);
    const auto exporter =
        f.make({.queue_max = 50, .batch_max = 7, .linger_ns = 0, .concurrency = 3});
    constexpr int kThreads = 4;
    constexpr int kEach = 300;
    std::atomic<std::uint64_t> taken{0};
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
          for (int i = 0; i < kEach; ++i) taken += exporter->offer(log_of(i)) ? 1 : 0;
        });
      }
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          static_cast<void>(exporter->flush(kNever));
          CHECK(balanced(exporter->counts()));
        }
      });
      if (round % 2 == 0) threads.emplace_back([&] { exporter->close(kNever); });
    }
    exporter->close(kNever);
    const ExportCounts counts = exporter->counts();
    CHECK(counts.accepted == taken);
    CHECK(counts.accepted + counts.dropped == kThreads * kEach);
    CHECK(counts.queued == 0);
    CHECK(balanced(counts));
  }
}

TEST_CASE("exporter: limits that can't be are refused") {
  ManualClock clock;
  const auto collector = std::make_shared<ScriptedTransport>();
  const auto refusal = [&](ExporterOptions options, bool has_transport = true) -> std::string {
    try {
      Exporter exporter(clock, has_transport ? collector : nullptr, std::move(options));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal({}) == "");
  CHECK(refusal({}, false) == "telemetry exporter: expected a transport");
  CHECK(refusal({.batch_max = 0}) == "telemetry exporter: expected batches of 1 record or more");
  CHECK(refusal({.queue_max = 5, .batch_max = 6}) ==
        "telemetry exporter: expected a queue that holds a batch or more");
  CHECK(refusal({.linger_ns = -1}) == "telemetry exporter: expected a linger of 0 or more");
  CHECK(refusal({.timeout_ns = 0}) == "telemetry exporter: expected a timeout above 0");
  CHECK(refusal({.retry_after_max_ns = -1}) ==
        "telemetry exporter: expected a longest Retry-After of 0 or more");
  CHECK(refusal({.concurrency = 0}) == "telemetry exporter: expected 1 request at once or more");
  CHECK(refusal({.collect_interval_ns = 0}) == "telemetry exporter: expected an interval above 0");
  CHECK(refusal({.retry = {.multiplier = 0.5}}) != "");
}

}  // namespace
}  // namespace mayfly::otlp
