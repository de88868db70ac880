#include <doctest/doctest.h>

#include <algorithm>

#include "mayfly/data/batch_view.h"
#include "tests/support/http_server.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using testing::first;
using testing::HttpAnswer;
using testing::HttpReceived;
using testing::HttpServer;
using testing::Ordinals;
using Texts = testing::Names;

// A server, and a node that sends to it.
struct Sending {
  HttpServer server;
  std::unique_ptr<NodeHarness> node;

  NodeHarness& start(std::vector<RawOption> options, HarnessSettings settings = {}) {
    options.push_back({"url", server.url("/rows")});
    node = testing::open_node("signaling_http", options, std::move(settings));
    return *node;
  }

  // Until so many rows have left, by whatever way.
  void wait_for_rows(std::size_t rows) const {
    while (node->passed().size() + node->rejected().size() + node->dropped().size() < rows) {
      REQUIRE(node->wait_for_wake());
    }
  }

  Texts bodies() const {
    Texts bodies;
    for (const HttpReceived& received : server.requests()) bodies.push_back(received.body);
    return bodies;
  }

  // Signals without the time that a request took.
  Texts signals() const {
    Texts names;
    for (std::string name : node->signals()) {
      if (name.starts_with("http.request.done:")) name.resize(name.rfind(':'));
      names.push_back(std::move(name));
    }
    return names;
  }

  void check_rules() const {
    CHECK(node->violations().empty());
    CHECK(node->conserves());
  }
};

const RawOption kOneAtATime = {"concurrency", std::int64_t{1}};
const RawOption kAtOnce = {"linger", std::string("0s")};

TEST_CASE_FIXTURE(Sending, "signaling_http: rows are lines of JSON, so many in a request") {
  start({kOneAtATime, {"batch_rows", std::int64_t{3}}, kAtOnce});
  node->push_rows(7);
  wait_for_rows(7);
  CHECK(bodies() == Texts{"{\"id\":0,\"name\":\"t0\"}\n{\"id\":1,\"name\":\"t1\"}\n"
                          "{\"id\":2,\"name\":\"t2\"}\n",
                          "{\"id\":3,\"name\":\"t3\"}\n{\"id\":4,\"name\":\"t4\"}\n"
                          "{\"id\":5,\"name\":\"t5\"}\n",
                          "{\"id\":6,\"name\":\"t6\"}\n"});
  const HttpReceived received = server.requests().at(0);
  CHECK(received.method == "POST");
  CHECK(received.target == "/rows");
  CHECK(received.header("Content-Type") == "application/x-ndjson");
  CHECK(node->port(0) == first(7));
  CHECK(node->counter("requests") == 3);
  CHECK(node->counter("delivered") == 7);
  CHECK(node->counter("bytes") == 7 * 21);
  CHECK(node->logged().empty());
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: or one array, by PUT, with headers of one's own") {
  start({kOneAtATime,
         kAtOnce,
         {"format", std::string("json")},
         {"method", std::string("put")},
         {"headers", Texts{"X-Key: a: b", "content-type: text/json"}}});
  node->push_rows(2);
  wait_for_rows(2);
  CHECK(bodies() == Texts{R"([{"id":0,"name":"t0"},{"id":1,"name":"t1"}])"});
  const HttpReceived received = server.requests().at(0);
  CHECK(received.method == "PUT");
  CHECK(received.header("X-Key") == "a: b");
  CHECK(received.header("Content-Type") == "text/json");
}

TEST_CASE_FIXTURE(Sending, "signaling_http: a request that isn't full leaves after its time") {
  start({{"linger", std::string("200ms")}});
  server.answer_rest({.silent = true});
  node->push_rows(1);
  node->advance(150 * kMillisecond);
  node->push_rows(1);
  CHECK(node->signals().empty());
  // Of its first row, not of its last.
  node->advance(50 * kMillisecond);
  CHECK(signals() == Texts{"http.request.started"});
  server.let_go();
  wait_for_rows(2);
  CHECK(server.requests().size() == 1);
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: a request that has its bytes leaves at once") {
  start({kOneAtATime, {"batch_bytes", std::int64_t{42}}});
  node->push_rows(5);
  wait_for_rows(4);
  CHECK(server.requests().size() == 2);
  CHECK(node->held() == 1);
  check_rules();
}

TEST_CASE_FIXTURE(Sending,
                  "signaling_http: rows wait while the server does, and keep their order") {
  start({kOneAtATime, kAtOnce, {"batch_rows", std::int64_t{2}}});
  server.answer_rest({.silent = true});
  for (int i = 0; i < 10; ++i) node->push_rows(7);
  server.wait_for_requests(1);
  CHECK(node->held() == 70);
  // One is on its way.
  CHECK(signals() == Texts{"http.request.started"});
  server.let_go();
  wait_for_rows(70);
  CHECK(node->port(0) == first(70));
  std::string all;
  for (const std::string& body : bodies()) all += body;
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < 70; ++i) {
    at = all.find("{\"id\":" + std::to_string(i) + ",", at);
    REQUIRE(at != std::string::npos);
  }
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: so many requests are on their way at once, no more") {
  start({{"concurrency", std::int64_t{3}}, {"batch_rows", std::int64_t{1}}, kAtOnce});
  server.answer_rest({.silent = true});
  node->push_rows(20);
  server.wait_for_requests(3);
  CHECK(std::ranges::count(node->signals(), "http.request.started") == 3);
  server.let_go();
  wait_for_rows(20);
  std::uint64_t connections = 0;
  for (const HttpReceived& received : server.requests()) {
    connections = std::max(connections, received.connection + 1);
  }
  CHECK(connections == 3);
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: what may be taken another time leaves by failed") {
  start({kOneAtATime, kAtOnce});
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) server.answer({.status = status});
  for (int i = 0; i < 7; ++i) {
    node->push_rows(2);
    wait_for_rows(static_cast<std::size_t>(2 * i + 2));
  }
  CHECK(node->port(1) == first(14));
  CHECK(node->counter("failed") == 14);
  CHECK(node->counter("delivered") == 0);
  const Texts names = signals();
  CHECK(Texts(names.begin(), names.begin() + 3) ==
        Texts{"http.request.started", "http.request.done:408", "http.request.failed:408"});
  // They come again, and are taken.
  node->push_again(Ordinals{0, 1});
  wait_for_rows(16);
  CHECK(node->port(0) == Ordinals{0, 1});
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: what the server refuses is a dead letter, or dropped") {
  for (const std::string fate : {"dead_letter", "drop"}) {
    start({kAtOnce, {"on_refused", fate}});
    server.answer({.status = 404, .body = "no such thing"});
    node->push_rows(2);
    wait_for_rows(2);
    const auto& judged = fate == "drop" ? node->dropped() : node->rejected();
    REQUIRE(judged.size() == 2);
    CHECK(judged[0].reason == "refused");
    CHECK(node->counter("refused") == 2);
    CHECK(signals() ==
          Texts{"http.request.started", "http.request.done:404", "http.request.failed:404"});
    REQUIRE(node->logged().size() == 1);
    CHECK(node->logged()[0].text ==
          "POST " + server.url("/rows") +
              ": expected a status of 200 to 299, found 404: no such thing; further failures are "
              "counted for a minute");
    check_rules();
  }
}

TEST_CASE_FIXTURE(Sending, "signaling_http: a redirect isn't followed, but refused") {
  start({kAtOnce});
  server.answer({.status = 307, .headers = {{"Location", "/elsewhere"}}});
  node->push_rows(1);
  wait_for_rows(1);
  CHECK(node->rejected().size() == 1);
  CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(Sending, "signaling_http: Retry-After is told as adaptive_rate hears it") {
  start({kOneAtATime, kAtOnce});
  const auto limits_of = [&](HttpAnswer answer) {
    server.answer(std::move(answer));
    node->clear();
    const std::size_t before = node->signals().size();
    node->push_rows(1);
    wait_for_rows(1);
    Texts names;
    for (std::size_t i = before; i < node->signals().size(); ++i) {
      if (node->signals()[i].starts_with("rate-limit")) names.push_back(node->signals()[i]);
    }
    return names;
  };
  CHECK(limits_of({.status = 429, .headers = {{"Retry-After", "2"}}}) ==
        Texts{"rate-limit:2000ms"});
  CHECK(limits_of({.status = 503, .headers = {{"Retry-After", "30"}}}) ==
        Texts{"rate-limit:30000ms"});
  CHECK(limits_of({.status = 429}) == Texts{"rate-limit"});
  CHECK(limits_of({.status = 503}).empty());
  CHECK(limits_of({.status = 500, .headers = {{"Retry-After", "2"}}}).empty());
  CHECK(limits_of({.status = 200, .headers = {{"Retry-After", "2"}}}).empty());
}

TEST_CASE_FIXTURE(Sending, "signaling_http: no whole answer is a failed attempt, and says why") {
  std::string why;
  SUBCASE("nobody takes the connection") {
    why = "no-connection";
    server.kill();
  }
  SUBCASE("it is closed before an answer") {
    why = "cut-short";
    server.answer_rest({.hang_up = true});
  }
  SUBCASE("half an answer") {
    why = "cut-short";
    server.answer_rest({.body = std::string(100, 'x'), .cut_after = 50});
  }
  SUBCASE("it never answers") {
    why = "timed-out";
    server.answer_rest({.silent = true});
  }
  start({kAtOnce, {"timeout", std::string("50ms")}, {"connect_timeout", std::string("50ms")}});
  node->push_rows(3);
  wait_for_rows(3);
  CHECK(node->port(1) == first(3));
  CHECK(node->signals() == Texts{"http.request.started", "http.request.failed:" + why});
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: an outage is logged once, and its end") {
  start({kOneAtATime, kAtOnce});
  server.kill();
  for (std::size_t i = 1; i <= 5; ++i) {
    node->push_rows(1);
    wait_for_rows(i);
  }
  REQUIRE(node->logged().size() == 1);
  CHECK(node->logged()[0].text.find("expected a connection, found") != std::string::npos);
  server.revive();
  for (std::size_t i = 6; i <= 9; ++i) {
    node->push_rows(1);
    wait_for_rows(i);
  }
  REQUIRE(node->logged().size() == 2);
  CHECK(node->logged()[1].text == "requests are answered well again");
  // It comes and goes: once a minute.
  for (std::size_t i = 10; i <= 15; ++i) {
    if (i == 14) node->advance(60 * kSecond);
    server.answer({.status = i % 2 == 0 ? 503 : 200});
    node->push_rows(1);
    wait_for_rows(i);
  }
  REQUIRE(node->logged().size() == 4);
  CHECK(node->logged()[2].level == MAYFLY_LOG_WARN);
  CHECK(node->logged()[2].text.find("found 503; further failures") != std::string::npos);
  CHECK(node->logged()[3].level == MAYFLY_LOG_INFO);
}

TEST_CASE_FIXTURE(Sending, "signaling_http: what comes back during a drain shares requests") {
  start({{"linger", std::string("1h")}});
  node->push_rows(1);
  CHECK(node->drain(0) == 0);
  CHECK(server.requests().size() == 1);
  // As a retry brings them: one by one.
  for (int i = 0; i < 5; ++i) node->push_rows(1);
  node->advance(199 * kMillisecond);
  CHECK(node->counter("requests") == 1);
  CHECK(node->held() == 5);
  node->advance(kMillisecond);
  wait_for_rows(6);
  CHECK(server.requests().size() == 2);
}

TEST_CASE_FIXTURE(Sending, "signaling_http: a drain doesn't wait for a request to be full") {
  start({{"linger", std::string("1h")}, {"batch_rows", std::int64_t{4}}});
  node->push_rows(30);
  CHECK(node->drain(0) == 0);
  CHECK(node->port(0).size() == 30);
  // Nor, for long, does what comes later.
  node->push_rows(1);
  node->advance(200 * kMillisecond);
  wait_for_rows(31);
  check_rules();
}

TEST_CASE_FIXTURE(Sending, "signaling_http: its end doesn't wait for answers that never come") {
  start({kAtOnce, {"timeout", std::string("1h")}});
  server.answer_rest({.silent = true});
  node->push_rows(3);
  server.wait_for_requests(1);
  node.reset();
  server.wait_for_hang_ups(1);
}

TEST_CASE_FIXTURE(Sending, "signaling_http: values of every type arrive as JSON") {
  start({kAtOnce}, {.columns = {{.name = "b", .type = ColumnType::kBool},
                                {.name = "r", .type = ColumnType::kFloat64},
                                {.name = "j", .type = ColumnType::kJson},
                                {.name = "x", .type = ColumnType::kBlob},
                                {.name = "n"}}});
  mayfly_batch* batch = node->new_batch();
  put_int64(*batch, 0, 0);
  put_float64(*batch, 1, 0.5);
  REQUIRE(put_text(*batch, 2, "{\"a\":\n[1]}"));
  REQUIRE(put_text(*batch, 3, "\xFF"));
  commit_row(*batch, {});
  node->push(batch);
  wait_for_rows(1);
  CHECK(bodies() == Texts{"{\"b\":false,\"r\":0.5,\"j\":{\"a\": [1]},\"x\":{\"hex\":\"ff\"},"
                          "\"n\":null}\n"});
}

std::string refusal(const std::vector<RawOption>& options) {
  const auto made = testing::try_node("signaling_http", options);
  return made.ok() ? "" : made.status().message();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("signaling_http: what can't be sent is refused before anything runs") {
  const RawOption url = {"url", std::string("http://localhost/")};
  CHECK(refusal({url}).empty());
  CHECK(has(refusal({{"url", std::string("ftp://localhost/")}}),
            "url: expected a URL such as http://host:8080/path, found \"ftp://localhost/\": only "
            "http and https are spoken"));
  CHECK(has(refusal({url, {"headers", Texts{"X-Key"}}}),
            "headers: entry 1: expected a header as \"Name: value\", found no colon in it"));
  CHECK(has(refusal({url, {"headers", Texts{"X Key: a"}}}),
            "headers: entry 1: expected a header's name"));
  for (const std::string field : {"content-length: 5", "Transfer-Encoding: chunked", "Expect: x"}) {
    CHECK(has(refusal({url, {"headers", Texts{field}}}), "that each request sets itself, found "));
  }
  CHECK(has(refusal({url, {"timeout", std::string("1s")}, {"connect_timeout", std::string("2s")}}),
            "connect_timeout: expected at most timeout (1s), found 2s"));
  CHECK(refusal({url, {"timeout", std::string("1s")}}).empty());
}

}  // namespace
}  // namespace mayfly
