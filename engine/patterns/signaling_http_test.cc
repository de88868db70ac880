#include "mayfly/patterns/signaling_http.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"
#include "tests/support/http_server.h"

namespace mayfly {
namespace {

using testing::HttpAnswer;
using testing::HttpFraming;
using testing::HttpReceived;
using testing::HttpServer;
using Names = std::vector<std::string>;

struct Fixture {
  HttpServer server;
  ManualClock clock;
  SignalSink sink{clock};
  HttpClient client{clock};
  Names raised;
  const SignalSubscription listens =
      sink.subscribe("*", [this](const SignalEvent& event) { raised.emplace_back(event.name()); });

  HttpResponse get(HttpRequest request = {}) {
    raised.clear();
    if (request.url.empty()) request.url = server.url();
    return download_with_signals(client, std::move(request), sink);
  }

  // The percentages of what was raised, taken out of it.
  std::vector<int> take_progress() {
    std::vector<int> percents;
    std::erase_if(raised, [&](const std::string& name) {
      if (!name.starts_with("progress:")) return false;
      percents.push_back(std::stoi(name.substr(9)));
      return true;
    });
    CHECK(std::ranges::adjacent_find(percents, std::ranges::greater_equal()) == percents.end());
    return percents;
  }
};

const Names kAllStages = {"stage.starting", "stage.request", "stage.headers", "stage.reading",
                          "stage.completed"};

TEST_CASE_FIXTURE(Fixture, "signaling http: 2,048 bytes raise all stages in order, and 0 to 100 (C148)") {
  server.answer({.body = std::string(2'048, 'b')});
  const HttpResponse response = get();
  CHECK(response.ok());
  CHECK(response.body.size() == 2'048);
  CHECK(raised.front() == "stage.starting");
  CHECK(raised[1] == "progress:0");
  CHECK(raised[raised.size() - 2] == "progress:100");
  const std::vector<int> percents = take_progress();
  CHECK(percents.front() == 0);
  CHECK(percents.back() == 100);
  CHECK(raised == kAllStages);
}

TEST_CASE_FIXTURE(Fixture, "signaling http: each percent is raised at most once, and none falls") {
  // The second half comes when the first is here.
  server.answer({.body = std::string(1'000, 'b'), .hold_after = 500});
  std::vector<std::uint64_t> received;
  const HttpResponse response = get({.events = {.on_progress = [&](const HttpProgress& progress) {
                                       received.push_back(progress.received);
                                       if (progress.received == 500) server.let_go();
                                     }}});
  CHECK(response.ok());
  CHECK(take_progress() == std::vector<int>{0, 50, 100});
  CHECK(received.back() == 1'000);
  // Several pieces of each percent.
  server.answer({.body = std::string(5'000'000, 'b')});
  CHECK(get().ok());
  CHECK(take_progress().size() > 10);
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a length that isn't told has 0 and 100 alone") {
  for (const HttpFraming framing : {HttpFraming::kChunked, HttpFraming::kUntilClose}) {
    server.answer({.body = std::string(50'000, 'b'), .framing = framing});
    CHECK(get().body.size() == 50'000);
    CHECK(take_progress() == std::vector<int>{0, 100});
    CHECK(raised == kAllStages);
  }
}

TEST_CASE_FIXTURE(Fixture, "signaling http: an empty body is a whole one") {
  CHECK(get().ok());
  CHECK(take_progress() == std::vector<int>{0, 100});
  CHECK(raised == kAllStages);
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a status that says no is a failure, body or not") {
  for (const int status : {404, 500}) {
    server.answer({.status = status, .body = std::string(100'000, 'e')});
    const HttpResponse response = get();
    CHECK(response.status == status);
    CHECK(response.body.size() == 100'000);
    CHECK(raised == Names{"stage.starting", "progress:0", "stage.request", "stage.headers",
                          "stage.reading", "stage.failed:" + std::to_string(status)});
  }
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a server that isn't there") {
  server.kill();
  CHECK(get().error == HttpError::kNoConnection);
  CHECK(raised == Names{"stage.starting", "progress:0", "stage.failed:no-connection"});
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a server that never answers") {
  server.answer_by([this](const HttpReceived&) {
    clock.advance(5 * kSecond);
    return HttpAnswer{.silent = true};
  });
  CHECK(get({.limits = {.total_ns = 5 * kSecond}}).error == HttpError::kTimedOut);
  CHECK(raised == Names{"stage.starting", "progress:0", "stage.request", "stage.failed:timed-out"});
}

TEST_CASE_FIXTURE(Fixture, "signaling http: half a response never reaches 100") {
  server.answer({.body = std::string(1'000, 'b'), .cut_after = 500});
  CHECK(get().error == HttpError::kCutShort);
  CHECK(raised.back() == "stage.failed:cut-short");
  CHECK(take_progress() == std::vector<int>{0, 50});
}

TEST_CASE_FIXTURE(Fixture, "signaling http: cancelled in the middle") {
  server.answer({.body = std::string(1'000, 'b'), .hold_after = 10});
  std::stop_source stop;
  raised.clear();
  const HttpResponse response =
      download_with_signals(client,
                            {.url = server.url(),
                             .limits = {.total_ns = kNever},
                             .events = {.on_body = [&](std::string_view) { stop.request_stop(); }}},
                            sink, 7, stop.get_token());
  CHECK(response.error == HttpError::kCancelled);
  CHECK(raised.back() == "stage.failed:cancelled");
  server.wait_for_hang_ups(1);
  // Each was raised in the name of the operation.
  CHECK(sink.retract("stage.starting", 8) == 0);
  CHECK(sink.retract("stage.starting", 7) == 1);
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a bad URL is told, and nothing is sent") {
  CHECK(get({.url = "file:///etc/passwd"}).error == HttpError::kBadRequest);
  CHECK(raised == Names{"stage.starting", "progress:0", "stage.failed:bad-request"});
  CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(Fixture, "signaling http: of a post, progress is what was sent") {
  const std::string body(5'000'000, 'x');
  server.answer({.body = std::string(5'000, 'a')});
  const HttpResponse response =
      post_with_signals(client, {.url = server.url(), .body = body}, sink);
  CHECK(response.ok());
  CHECK(server.requests().at(0).method == "POST");
  CHECK(server.requests().at(0).body == body);
  const auto headers = std::ranges::find(raised, "stage.headers");
  CHECK(headers - raised.begin() > 4);
  // Behind the headers comes nothing but the end.
  CHECK(Names(headers, raised.end()) ==
        Names{"stage.headers", "stage.reading", "progress:100", "stage.completed"});
  take_progress();
  CHECK(raised == kAllStages);
}

TEST_CASE_FIXTURE(Fixture, "signaling http: a coordinator's cancellation stops what it waits for") {
  server.answer_rest({.silent = true});
  WorkCoordinator<std::string> downloads(
      {.max_concurrency = 1, .signals = &sink}, [this](std::string& url, Operation& operation) {
        const HttpResponse response =
            download_with_signals(client, {.url = url, .limits = {.total_ns = kNever}}, operation);
        return response.ok() ? Status() : Status(Code::kTryAgain, response.message);
      });
  REQUIRE(downloads.enqueue(server.url()).ok());
  server.wait_for_requests(1);
  downloads.cancel();
  server.wait_for_hang_ups(1);
  downloads.complete();
  CHECK(downloads.drain().ok());
  CHECK(raised.front() == "stage.starting");
  CHECK(std::ranges::count(raised, "stage.failed:cancelled") == 1);
}

}  // namespace
}  // namespace mayfly
