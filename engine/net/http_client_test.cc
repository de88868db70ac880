#include "mayfly/net/http_client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/support/http_server.h"

namespace mayfly {
namespace {

using testing::HttpAnswer;
using testing::HttpFraming;
using testing::HttpReceived;
using testing::HttpServer;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct Fixture {
  HttpServer server;
  ManualClock clock;
  HttpClient client{clock};

  HttpResponse get(HttpRequest request = {}) {
    if (request.url.empty()) request.url = server.url();
    return client.send(request);
  }
};

TEST_CASE_FIXTURE(Fixture, "http client: an answer has status, headers and body") {
  server.answer({.status = 418, .headers = {{"X-Pot", " tea  "}}, .body = "short and stout"});
  const HttpResponse response = get();
  CHECK(response.error == HttpError::kNone);
  CHECK(response.message.empty());
  CHECK(response.status == 418);
  CHECK_FALSE(response.ok());
  CHECK(response.body == "short and stout");
  REQUIRE(find_header(response.headers, "x-pot") != nullptr);
  CHECK(*find_header(response.headers, "x-pot") == "tea");
  CHECK_FALSE(response.retry_after_ns.has_value());
}

TEST_CASE_FIXTURE(Fixture, "http client: method, target, headers and body arrive as they were") {
  // Above a megabyte libcurl would ask for leave, and wait a second for it.
  const std::string body(3'000'000, 'x');
  CHECK(get({.method = "POST",
             .url = server.url("/a/b?c=d"),
             .headers = {{"X-One", "1"}, {"X-None", ""}},
             .body = body})
            .ok());
  const HttpReceived received = server.requests().at(0);
  CHECK(received.method == "POST");
  CHECK(received.target == "/a/b?c=d");
  CHECK(received.header("x-one") == "1");
  CHECK(received.header("User-Agent") == "mayfly");
  CHECK(received.header("Content-Length") == "3000000");
  CHECK(received.body == body);
  bool none = false;
  for (const auto& [name, value] : received.headers) {
    CHECK(name != "Expect");
    CHECK(name != "Content-Type");
    none = none || (name == "X-None" && value.empty());
  }
  CHECK(none);
}

TEST_CASE_FIXTURE(Fixture, "http client: every method, with and without a body") {
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"}) {
    for (const char* body : {"", "{}"}) {
      CHECK(get({.method = method, .url = server.url(), .body = body}).ok());
      CHECK(server.requests().back().method == method);
      CHECK(server.requests().back().body == body);
    }
  }
  server.answer({.body = "0123456789"});
  const HttpResponse head = get({.method = "HEAD", .url = server.url()});
  CHECK(head.ok());
  CHECK(*find_header(head.headers, "Content-Length") == "10");
  CHECK(head.body.empty());
}

TEST_CASE_FIXTURE(Fixture, "http client: an answer's length may be told in each way, or be 0") {
  const std::string body(2'500, 'b');
  for (const HttpFraming framing :
       {HttpFraming::kLength, HttpFraming::kChunked, HttpFraming::kUntilClose}) {
    for (const std::string& text : {body, std::string()}) {
      server.answer({.body = text, .framing = framing});
      const HttpResponse response = get();
      CHECK(response.ok());
      CHECK(response.body == text);
    }
  }
  server.answer({.status = 204});
  CHECK(get().status == 204);
}

TEST_CASE_FIXTURE(Fixture, "http client: one connection serves many requests") {
  for (int i = 0; i < 5; ++i) CHECK(get().ok());
  for (const HttpReceived& received : server.requests()) CHECK(received.connection == 0);
}

TEST_CASE_FIXTURE(Fixture, "http client: a kept connection that the server closed is replaced") {
  server.answer({.body = "one", .close = true});
  server.answer({.body = "two"});
  CHECK(get().body == "one");
  CHECK(get().body == "two");
  CHECK(server.requests().at(1).connection == 1);
}

TEST_CASE_FIXTURE(Fixture, "http client: a server that isn't there is no connection") {
  server.kill();
  const HttpResponse response = get({.url = server.url("/x?token=secret")});
  CHECK(response.error == HttpError::kNoConnection);
  CHECK(response.status == 0);
  CHECK(has(response.message, "GET http://127.0.0.1:"));
  CHECK(has(response.message, "/x: expected a connection, found "));
  CHECK_FALSE(has(response.message, "secret"));
  server.revive();
  CHECK(get().ok());
}

TEST_CASE_FIXTURE(Fixture, "http client: a name that nobody has is no connection") {
  CHECK(get({.url = "http://nobody.invalid/"}).error == HttpError::kNoConnection);
}

TEST_CASE_FIXTURE(Fixture, "http client: a server that never answers meets the limit in all") {
  server.answer_by([this](const HttpReceived&) {
    clock.advance(30 * kSecond);
    return HttpAnswer{.silent = true};
  });
  const HttpResponse response = get({.limits = {.total_ns = 30 * kSecond}});
  CHECK(response.error == HttpError::kTimedOut);
  CHECK(has(response.message, "expected a whole answer within 30 s, found no answer"));
  CHECK(response.elapsed_ns == 30 * kSecond);
}

TEST_CASE_FIXTURE(Fixture, "http client: an answer that stops coming meets the limit of a stall") {
  server.answer({.body = std::string(100, 'x'), .hold_after = 40});
  const HttpResponse response =
      get({.limits = {.total_ns = kNever, .stall_ns = 1500 * kMillisecond},
           .events = {.on_progress = [&](const HttpProgress& progress) {
             if (progress.received == 40) clock.advance(1500 * kMillisecond);
           }}});
  CHECK(response.error == HttpError::kTimedOut);
  CHECK(has(response.message,
            "expected the next byte within 1500 ms, found status 200 and 40 bytes of its body of "
            "100"));
  CHECK(response.status == 200);
}

TEST_CASE_FIXTURE(Fixture, "http client: a connection without its handshake meets the limit") {
  // It waits for a whole request, and gets the first message of TLS.
  const SystemClock machine;
  HttpClient impatient(machine);
  const HttpResponse response = impatient.send(
      {.url = "https" + server.url().substr(4), .limits = {.connect_ns = 50 * kMillisecond}});
  CHECK(response.error == HttpError::kTimedOut);
  CHECK(has(response.message, "expected a connection within 50 ms, found none"));
}

TEST_CASE_FIXTURE(Fixture, "http client: half an answer is told from a whole one") {
  const std::string body(5'000, 'b');
  for (const HttpFraming framing : {HttpFraming::kLength, HttpFraming::kChunked}) {
    server.answer({.body = body, .framing = framing, .cut_after = 1'234});
    const HttpResponse response = get();
    CHECK(response.error == HttpError::kCutShort);
    CHECK(response.status == 200);
    CHECK_FALSE(response.ok());
    CHECK(response.body.size() == 1'234);
    CHECK(has(response.message,
              "expected a whole answer, found an end of the connection after "
              "status 200 and 1234 bytes of its body"));
  }
}

TEST_CASE_FIXTURE(Fixture, "http client: a connection that ends without an answer is cut short") {
  server.answer_rest({.hang_up = true});
  const HttpResponse response = get();
  CHECK(response.error == HttpError::kCutShort);
  CHECK(response.status == 0);
  CHECK(has(response.message, "after no answer"));
}

TEST_CASE_FIXTURE(Fixture, "http client: a server that dies while a body is sent is cut short") {
  server.answer_by([this](const HttpReceived&) { return HttpAnswer{.silent = true}; });
  const std::string body(20'000'000, 'x');
  bool killed = false;
  const HttpResponse response = get({.method = "POST",
                                     .url = server.url(),
                                     .body = body,
                                     .events = {.on_progress = [&](const HttpProgress& progress) {
                                       if (progress.sent > 0 && !killed) {
                                         killed = true;
                                         server.kill();
                                       }
                                     }}});
  CHECK(killed);
  CHECK(response.error == HttpError::kCutShort);
}

TEST_CASE_FIXTURE(Fixture, "http client: a server without TLS isn't spoken to over https") {
  server.greet("HTTP/1.1 400 Bad Request\r\n\r\n");
  const HttpResponse response = get({.url = "https" + server.url().substr(4),
                                     .limits = {.connect_ns = kNever, .total_ns = kNever},
                                     .events = {.on_request = [] { FAIL("encrypted"); }}});
  CHECK(response.error == HttpError::kTls);
  CHECK(has(response.message, "expected an encrypted connection"));
}

TEST_CASE_FIXTURE(Fixture, "http client: what isn't HTTP is told") {
  server.answer({.raw = "220 mail ready\r\n250 ok\r\n"});
  const HttpResponse response = get();
  CHECK(response.error == HttpError::kNotHttp);
  CHECK(has(response.message, "expected an answer in HTTP"));
}

TEST_CASE_FIXTURE(Fixture, "http client: an answer beyond the limit is refused, told or not") {
  for (const HttpFraming framing : {HttpFraming::kLength, HttpFraming::kChunked}) {
    server.answer({.body = std::string(1'001, 'x'), .framing = framing});
    const HttpResponse response = get({.limits = {.body_bytes_max = 1'000}});
    CHECK(response.error == HttpError::kTooLarge);
    CHECK(response.status == 200);
    CHECK(response.body.size() <= 1'000);
    CHECK(has(response.message, "expected an answer of up to 1000 bytes, found "));
    server.answer({.body = std::string(1'000, 'x'), .framing = framing});
    CHECK(get({.limits = {.body_bytes_max = 1'000}}).ok());
  }
  server.answer({.headers = {{"X-Long", std::string(2'000, 'x')}}});
  CHECK(get({.limits = {.headers_bytes_max = 1'000}}).error == HttpError::kTooLarge);
}

TEST_CASE_FIXTURE(Fixture, "http client: a request that can't be sent is refused before it is") {
  CHECK(get({.url = "file:///etc/passwd"}).error == HttpError::kBadRequest);
  CHECK(get({.url = "http://"}).error == HttpError::kBadRequest);
  CHECK(get({.method = "GE T"}).error == HttpError::kBadRequest);
  CHECK(get({.headers = {{"X", "a\r\nY: b"}}}).error == HttpError::kBadRequest);
  CHECK(get({.limits = {.connect_ns = 0}}).error == HttpError::kBadRequest);
  CHECK(get({.limits = {.total_ns = -1}}).error == HttpError::kBadRequest);
  CHECK(get({.limits = {.stall_ns = 0}}).error == HttpError::kBadRequest);
  CHECK(has(get({.limits = {.stall_ns = 0}}).message, "expected limits of time above 0"));
  CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(Fixture, "http client: a stop that was requested before sends nothing") {
  std::stop_source stop;
  stop.request_stop();
  CHECK(client.send({.url = server.url()}, stop.get_token()).error == HttpError::kCancelled);
  CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(Fixture, "http client: another thread stops what waits for an answer, at once") {
  // Without limits, so that nothing else can end it. The server's thread stops it.
  std::stop_source stop;
  server.answer_by([&](const HttpReceived&) {
    stop.request_stop();
    return HttpAnswer{.silent = true};
  });
  const HttpResponse response =
      client.send({.url = server.url(), .limits = {.connect_ns = kNever, .total_ns = kNever}},
                  stop.get_token());
  CHECK(response.error == HttpError::kCancelled);
  CHECK(has(response.message, "cancelled"));
  server.wait_for_hang_ups(1);
}

TEST_CASE_FIXTURE(Fixture, "http client: a stop in the middle of a body ends it there") {
  std::stop_source stop;
  server.answer({.body = std::string(100, 'x'), .hold_after = 10});
  const HttpResponse response =
      client.send({.url = server.url(),
                   .limits = {.total_ns = kNever},
                   .events = {.on_body = [&](std::string_view) { stop.request_stop(); }}},
                  stop.get_token());
  CHECK(response.error == HttpError::kCancelled);
  CHECK(response.status == 200);
  // Its connection isn't used again.
  CHECK(get().ok());
  CHECK(server.requests().at(1).connection == 1);
}

TEST_CASE_FIXTURE(Fixture, "http client: redirects are followed as often as the request allows") {
  const auto to = [&](const std::string& where) {
    server.answer({.status = 302, .headers = {{"Location", where}}, .body = "moved"});
  };
  to("/two");
  CHECK(get().status == 302);

  to("/two");
  to("/three");
  server.answer({.body = "here"});
  std::string pieces;
  int heads = 0;
  const HttpResponse followed = get(
      {.redirects_max = 2,
       .events = {.on_head = [&](const HttpHead& head) { heads += head.status == 200 ? 1 : 99; },
                  .on_body = [&](std::string_view piece) { pieces += piece; }}});
  CHECK(followed.ok());
  CHECK(pieces == "here");
  CHECK(heads == 1);
  CHECK(server.requests().back().target == "/three");

  to("/two");
  to("/three");
  const HttpResponse too_many = get({.redirects_max = 1});
  CHECK(too_many.error == HttpError::kRedirects);

  to("file:///etc/passwd");
  CHECK(get({.redirects_max = 9}).error != HttpError::kNone);

  to("/two");
  const HttpResponse posted = get({.method = "POST", .url = server.url(), .redirects_max = 9});
  CHECK(posted.status == 302);
}

TEST_CASE_FIXTURE(Fixture, "http client: what happens is told in order") {
  const std::string body(100'000, 'b');
  server.answer({.body = body});
  std::string order;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  const HttpResponse response =
      get({.method = "POST",
           .url = server.url(),
           .body = "hello",
           .events = {.on_request = [&] { order += 'r'; },
                      .on_head =
                          [&](const HttpHead& head) {
                            CHECK(head.status == 200);
                            CHECK(head.body_bytes == body.size());
                            order += 'h';
                          },
                      .on_body = [&](std::string_view) { order += order.back() == 'b' ? "" : "b"; },
                      .on_progress =
                          [&](const HttpProgress& progress) {
                            CHECK(progress.received >= received);
                            received = progress.received;
                            sent = progress.sent;
                          }}});
  CHECK(response.ok());
  CHECK(response.body.empty());
  CHECK(order == "rhb");
  CHECK(received == body.size());
  CHECK(sent == 5);
}

TEST_CASE_FIXTURE(Fixture, "http client: a callback that throws ends its request alone") {
  const HttpResponse thrown =
      get({.events = {.on_head = [](const HttpHead&) { throw std::runtime_error("no room"); }}});
  CHECK(thrown.error == HttpError::kFailed);
  CHECK(has(thrown.message, "a callback threw: no room"));
  CHECK(get({.events = {.on_request = [] { throw 1; }}}).error == HttpError::kFailed);
  server.answer({.body = "x"});
  CHECK(get({.events = {.on_body = [](std::string_view) { throw 1; }}}).error ==
        HttpError::kFailed);
  CHECK(get().ok());
}

TEST_CASE_FIXTURE(Fixture, "http client: Retry-After is read by the clock that was given") {
  server.answer({.status = 429, .headers = {{"Retry-After", "7"}}});
  CHECK(get().retry_after_ns == 7 * kSecond);
  // ManualClock's wall begins one second after Tue, 14 Nov 2023 22:13:20 GMT.
  server.answer({.status = 503, .headers = {{"retry-after", "Tue, 14 Nov 2023 22:14:21 GMT"}}});
  CHECK(get().retry_after_ns == 60 * kSecond);
  server.answer({.status = 503, .headers = {{"Retry-After", "later"}}});
  CHECK_FALSE(get().retry_after_ns.has_value());
}

TEST_CASE("http client: many clients at once, each on its own thread") {
  // Aims at what libcurl shares in a process: set up by whoever is first.
  HttpServer server;
  server.answer_by([](const HttpReceived& received) { return HttpAnswer{.body = received.body}; });
  const ManualClock clock;
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        HttpClient client(clock);
        for (int i = 0; i < 20; ++i) {
          const std::string body = std::to_string(t * 100 + i);
          const HttpResponse response =
              client.send({.method = "POST", .url = server.url(), .body = body});
          if (response.ok() && response.body == body) ++right;
        }
      });
    }
  }
  CHECK(right == 160);
}

}  // namespace
}  // namespace mayfly
