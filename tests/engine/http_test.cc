// Rows that leave by HTTP, in whole graphs: a server on loopback that fails in every way, and the
// policies around the sink that sends to it.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/engine/pipeline_fixture.h"
#include "tests/support/http_server.h"

namespace mayfly {
namespace {

using namespace testing;
using Texts = std::vector<std::string>;

std::vector<RawOption> rows(std::int64_t count) {
  return {{"rows", count}, {"columns", Texts{"id:sequence"}}};
}

// With a window for all that is raised, since rows that are tried again come one by one.
std::unique_ptr<Engine> open_wide(const Pipeline& pipeline) {
  EngineOptions options = options_for_inlet();
  options.signals.capacity = 100'000;
  return open(pipeline, std::move(options));
}

void run(Engine& engine) {
  while (!engine.wait(kSecond)) {
  }
}

// Each line of the bodies that were answered with 200, and how often.
class Taken {
 public:
  void add(const std::string& body) {
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = body.find('\n', at);
      ++lines_[body.substr(at, end - at)];
      at = end + 1;
    }
  }
  std::size_t rows() const {
    const std::lock_guard lock(mutex_);
    return lines_.size();
  }
  int most() const {
    const std::lock_guard lock(mutex_);
    int most = 0;
    for (const auto& [line, times] : lines_) most = std::max(most, times);
    return most;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> lines_;
};

// source -> send -> writer, with retry around send.
struct Sending {
  explicit Sending(const std::string& name) : database(name), pipeline(database.path()) {}

  // Rows come out of it.
  std::uint32_t send(std::vector<Upstream> inputs, std::vector<RawOption> options = {}) {
    options.push_back({"url", server.url()});
    options.push_back({"linger", std::string("1ms")});
    return pipeline.node("send", library("SIGNALING_HTTP"), std::move(inputs), std::move(options));
  }
  // Joined to what `node` fails, and to its inputs.
  std::uint32_t retry(std::uint32_t node, std::uint32_t back_to) {
    const auto again = pipeline.node("again", library("RETRY"), {Pipeline::port(node, 1)},
                                     {{"initial_delay", std::string("1ms")},
                                      {"max_delay", std::string("20ms")},
                                      {"max_retries", std::int64_t{100'000}}});
    pipeline.plan.nodes[back_to].inputs.push_back(Pipeline::port(again));
    return again;
  }

  HttpServer server;
  Database database;
  Pipeline pipeline;
  Taken taken;
};

TEST_CASE("http: rows are written once the server has taken them") {
  Sending s("http_out");
  s.server.answer_by([&](const HttpReceived& received) {
    s.taken.add(received.body);
    return HttpAnswer{};
  });
  const auto send = s.send({s.pipeline.source("numbers", library("GENERATE"), rows(20'000))});
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 20'000);
  CHECK(s.taken.rows() == 20'000);
  CHECK(s.taken.most() == 1);
}

TEST_CASE("http: where nobody takes them further, rows end with the server") {
  Sending s("http_end");
  s.server.answer_by([&](const HttpReceived& received) {
    s.taken.add(received.body);
    return HttpAnswer{};
  });
  s.send({s.pipeline.source("numbers", library("GENERATE"), rows(5'000))});
  s.pipeline.join_writer({s.pipeline.source("others", library("GENERATE"), rows(10))});
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == 5'000);
  CHECK(engine->stats().rows.answers[MAYFLY_DROPPED] == 0);
  CHECK(s.taken.rows() == 5'000);
  CHECK(s.database.integer("SELECT low FROM mayfly_offsets WHERE source = 'numbers'") == 5'000);
}

TEST_CASE("http: every way of failing passes with retries, and every row arrives") {
  Sending s("http_retry");
  std::atomic<int> number{0};
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    switch (number++ % 6) {
      case 0:
        return {.status = 500};
      case 1:
        return {.body = std::string(100, 'x'), .cut_after = 50};
      case 2:
        return {.hang_up = true};
      case 3:
        return {.status = 503, .headers = {{"Retry-After", "0"}}};
      default:
        s.taken.add(received.body);
        return {};
    }
  });
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(3'000));
  const auto send = s.send({source}, {{"batch_rows", std::int64_t{50}}});
  s.retry(send, send);
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 3'000);
  CHECK(engine->stats().rows.answers[MAYFLY_DEAD_LETTERED] == 0);
  CHECK(s.taken.rows() == 3'000);
  CHECK(s.taken.most() == 1);
  CHECK(s.database.integer("SELECT count(DISTINCT id) FROM t") == 3'000);
}

TEST_CASE("http: a server that never answers is tried again after its time") {
  Sending s("http_silent");
  std::atomic<int> number{0};
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    if (number++ < 3) return {.silent = true};
    s.taken.add(received.body);
    return {};
  });
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(500));
  const auto send = s.send(
      {source}, {{"timeout", std::string("30ms")}, {"connect_timeout", std::string("30ms")}});
  s.retry(send, send);
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 500);
  CHECK(s.taken.rows() == 500);
  CHECK(engine->signals().detect("http.request.failed:timed-out"));
}

TEST_CASE("http: what the server refuses is a dead letter, also without retries") {
  Sending s("http_refused");
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    return {.status = received.body.find("{\"id\":7}") != std::string::npos ? 422 : 200};
  });
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(20));
  const auto send = s.send({source}, {{"batch_rows", std::int64_t{1}}});
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 19);
  CHECK(s.database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE code = 'refused' AND "
                           "columns = '{\"id\":7}'") == 1);
}

TEST_CASE("http: adaptive_rate heeds 429 with Retry-After") {
  Sending s("http_rate");
  std::atomic<int> number{0};
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    if (number++ == 0) return {.status = 429, .headers = {{"Retry-After", "1"}}};
    s.taken.add(received.body);
    return {};
  });
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(400));
  const auto pace = s.pipeline.node("pace", library("ADAPTIVE_RATE"), {source},
                                    {{"rate", std::int64_t{100'000}}, {"burst", std::int64_t{10}}});
  const auto send = s.send({Pipeline::port(pace)}, {{"batch_rows", std::int64_t{10}}});
  s.retry(send, pace);
  s.pipeline.join_writer({Pipeline::port(send)});
  const SystemClock clock;
  const std::int64_t began = clock.now_ns();
  const auto engine = open_wide(s.pipeline);
  run(*engine);
  // What came before the first answer was on its way; what was to pass afterwards waited.
  CHECK(clock.now_ns() - began >= kSecond);
  close_balanced(*engine);
  CHECK(engine->signals().detect("rate-limit:1000ms"));
  CHECK(counter(*engine, "limited") == 1);
  CHECK(counter(*engine, "cuts") == 1);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 400);
  CHECK(s.taken.rows() == 400);
}

TEST_CASE("http: a breaker before it opens when the server is gone, and closes when it is back") {
  Sending s("http_breaker");
  std::atomic<int> number{0};
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    s.taken.add(received.body);
    return {};
  });
  s.server.kill();
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(1'000));
  const auto breaker = s.pipeline.node("breaker", library("BREAKER"), {source},
                                       {{"threshold", std::int64_t{5}},
                                        {"window", std::string("30s")},
                                        {"open_for", std::string("20ms")}});
  const auto send = s.send({Pipeline::port(breaker)}, {{"batch_rows", std::int64_t{20}}});
  s.retry(send, breaker);
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  std::atomic<bool> opened{false};
  // The server comes back when the breaker has opened: until then nothing can have passed.
  const auto watch =
      engine->signals().subscribe("circuit-open*", [&](const SignalEvent&) { opened.store(true); });
  while (!opened.load()) {
    REQUIRE_FALSE(engine->wait(kMillisecond));
  }
  CHECK(s.taken.rows() == 0);
  s.server.revive();
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 1'000);
  CHECK(s.taken.rows() == 1'000);
  CHECK(engine->signals().detect("http.request.failed:no-connection"));
}

TEST_CASE("http: a server that is killed in the middle and comes back loses no row") {
  Sending s("http_killed");
  std::atomic<int> number{0};
  std::atomic<bool> kill_now{false};
  s.server.answer_by([&](const HttpReceived& received) -> HttpAnswer {
    // It has them, but its answer won't arrive: they come again.
    s.taken.add(received.body);
    if (++number == 5) {
      kill_now.store(true);
      return {.silent = true};
    }
    return {};
  });
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(2'000));
  const auto send = s.send({source}, {{"batch_rows", std::int64_t{20}}});
  s.retry(send, send);
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  while (!kill_now.load()) REQUIRE_FALSE(engine->wait(kMillisecond));
  s.server.kill();
  CHECK_FALSE(engine->wait(20 * kMillisecond));
  s.server.revive();
  run(*engine);
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_WRITTEN] == 2'000);
  CHECK(s.database.integer("SELECT count(DISTINCT id) FROM t") == 2'000);
  CHECK(s.taken.rows() == 2'000);
  // At least once: those whose answer was lost twice.
  CHECK(s.taken.most() >= 2);
}

TEST_CASE("http: an engine that is aborted while the server is silent leaves its rows") {
  Sending s("http_abort");
  s.server.answer_rest({.silent = true});
  const auto source = s.pipeline.source("numbers", library("GENERATE"), rows(2'000));
  const auto send = s.send({source}, {{"timeout", std::string("1h")}});
  s.pipeline.join_writer({Pipeline::port(send)});
  const auto engine = open_wide(s.pipeline);
  s.server.wait_for_requests(1);
  CHECK(engine->abort().ok());
  const ConservationCounts counts = engine->stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.in_flight == 0);
  CHECK(counts.answers[MAYFLY_LEFT] > 0);
  CHECK(counts.answers[MAYFLY_WRITTEN] == 0);
}

}  // namespace
}  // namespace mayfly
