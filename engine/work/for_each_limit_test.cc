// Time limits of for_each's bodies. The clock stands still until a body moves it past its own
// limit.
#include "mayfly/work/for_each_limit.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/for_each.h"
#include "mayfly/work/for_each_keyed.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

constexpr std::int64_t kLimit = 100 * kMillisecond;

// What abandoned bodies wait for; they outlive the call, so they share it.
struct Hang {
  explicit Hang(std::ptrdiff_t bodies) : gone(bodies) {}
  std::latch go_on{1};
  std::latch gone;
};

TEST_CASE("for_each: bodies inside their time limit succeed") {  // C030
  ManualClock clock;
  const std::vector<int> items = {1, 2, 3};
  const ForEachResult result = for_each(
      items, {.max_concurrency = 2, .clock = &clock, .body_time_limit_ns = kLimit}, [](int item) {
        if (item == 2) throw std::runtime_error("two");
      });
  CHECK(result.processed == 3);
  CHECK(result.failed == 1);
  CHECK(result.abandoned == 0);
  CHECK(result.failures[0].status.message() == "two");
}

TEST_CASE("for_each: a body past its limit fails and is left behind, and the next item runs") {
  ManualClock clock;
  SignalSink sink(clock);
  const auto hang = std::make_shared<Hang>(1);
  std::atomic<OperationId> hung{0};
  std::set<int> others;
  const ForEachResult result = for_each(
      std::vector<int>{1, 2, 3},
      {.max_concurrency = 1, .signals = &sink, .clock = &clock, .body_time_limit_ns = kLimit},
      [&, hang](int item, Operation& operation) {
        if (item != 1) {
          others.insert(item);
          return;
        }
        operation.raise("in.time");
        hung = operation.id();
        clock.advance(kLimit);
        hang->go_on.wait();
        operation.raise("too.late");
        CHECK(operation.stop_requested());
        CHECK(operation.retract("in.time") == 0);
        hang->gone.count_down();
      });
  CHECK(result.processed == 3);
  CHECK(result.failed == 1);
  CHECK(result.abandoned == 1);
  CHECK(result.status.ok());
  CHECK(others == std::set<int>{2, 3});
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].index == 0);
  CHECK(result.failures[0].status.message() ==
        "the body took longer than its limit of 100 ms; its thread was abandoned");
  REQUIRE(result.window.size() == 3);
  CHECK(result.window[0].failed());
  CHECK(result.window[0].id == hung);
  const std::vector<Signal> timeouts = sink.sense("coordinator.body.timeout");
  REQUIRE(timeouts.size() == 1);
  CHECK(timeouts[0].operation == hung);
  hang->go_on.count_down();
  hang->gone.wait();
  CHECK(sink.detect("in.time"));
  CHECK_FALSE(sink.detect("too.late"));
}

// The body returns as soon as it is told to; that is too late all the same.
TEST_CASE("for_each: a body past its limit is told to stop by its operation's token") {
  ManualClock clock;
  const auto hang = std::make_shared<Hang>(1);
  const ForEachResult result = for_each(
      std::vector<int>{1}, {.max_concurrency = 1, .clock = &clock, .body_time_limit_ns = kLimit},
      [&clock, hang](int, Operation& operation) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        const std::stop_token stop = operation.stop_token();
        clock.advance(kLimit);
        stopped.wait(lock, stop, [] { return false; });
        hang->gone.count_down();
      });
  hang->gone.wait();
  CHECK(result.failed == 1);
  CHECK(result.abandoned == 1);
}

TEST_CASE("for_each: a requested stop reaches bodies with a limit by their token") {
  ManualClock clock;
  std::stop_source stop;
  const ForEachResult result = for_each(
      std::vector<int>{1, 2}, {.max_concurrency = 1, .clock = &clock, .body_time_limit_ns = kLimit},
      {.stop = stop.get_token()}, [&](int, Operation& operation) {
        const std::stop_token token = operation.stop_token();
        CHECK_FALSE(token.stop_requested());
        stop.request_stop();
        CHECK(token.stop_requested());
      });
  CHECK(result.processed == 1);
  CHECK(result.abandoned == 0);
  CHECK(result.cancelled);
  CHECK(result.skipped == 1);
}

TEST_CASE("for_each: no item starts once kAbandonedMax threads are left behind") {
  ManualClock clock;
  const auto hang = std::make_shared<Hang>(ForEachWatch::kAbandonedMax);
  const ForEachResult result = for_each(
      std::views::iota(0, 20),
      {.max_concurrency = 1, .clock = &clock, .body_time_limit_ns = kLimit}, [&clock, hang](int) {
        clock.advance(kLimit);
        hang->go_on.wait();
        hang->gone.count_down();
      });
  hang->go_on.count_down();
  CHECK(result.processed == ForEachWatch::kAbandonedMax);
  CHECK(result.abandoned == ForEachWatch::kAbandonedMax);
  CHECK(result.skipped == 20 - ForEachWatch::kAbandonedMax);
  CHECK(result.status.code() == Code::kTryAgain);
  CHECK(result.to_status().message() ==
        "8 bodies are past their time limit of 100 ms and keep their threads; no further item was "
        "started");
  hang->gone.wait();
}

// The second item of the key can only run if the first one, which hangs, has given the key free.
TEST_CASE("for_each_keyed: a body past its limit frees its key") {  // C045
  ManualClock clock;
  const auto hang = std::make_shared<Hang>(1);
  std::vector<std::string> ran;
  const std::vector<std::string> items = {"a1", "a2", "a3"};
  const ForEachResult result = for_each_keyed(
      items, {.max_concurrency = 2, .clock = &clock, .body_time_limit_ns = kLimit},
      [](const std::string& item) { return item.substr(0, 1); },
      [&clock, &ran, hang](const std::string& item, Operation& operation) {
        CHECK(operation.key() == "a");
        if (item != "a1") {
          ran.push_back(item);
          return;
        }
        clock.advance(kLimit);
        hang->go_on.wait();
        CHECK(operation.key() == "a");
        hang->gone.count_down();
      });
  hang->go_on.count_down();
  hang->gone.wait();
  CHECK(result.processed == 3);
  CHECK(result.abandoned == 1);
  CHECK(ran == std::vector<std::string>{"a2", "a3"});
}

TEST_CASE("for_each: with a limit, items of single-pass and of sized ranges are all processed") {
  std::atomic<int> processed{0};
  for_each(std::views::iota(0, 5'000), {.max_concurrency = 3, .body_time_limit_ns = kSecond * 3600},
           [&](int) { ++processed; });
  CHECK(processed == 5'000);
  std::stringstream words("one two three");
  for_each(std::views::istream<std::string>(words),
           {.max_concurrency = 3, .body_time_limit_ns = kSecond * 3600},
           [&](const std::string&) { ++processed; });
  CHECK(processed == 5'003);
  const ForEachResult empty =
      for_each(std::vector<int>(), {.body_time_limit_ns = kSecond}, [](int) {});
  CHECK(empty.ok());
}

TEST_CASE("for_each: limits that mean nothing, and items that can't be left behind, are refused") {
  CHECK(refusal([] { for_each(std::vector<int>{1}, {.body_time_limit_ns = 0}, [](int) {}); }) ==
        "body_time_limit_ns: expected at least 1, found 0");
  CHECK(refusal([] {
          std::vector<std::unique_ptr<int>> items(1);
          for_each(items, {.body_time_limit_ns = kSecond}, [](std::unique_ptr<int>&) {});
        }).starts_with("body_time_limit_ns: expected items and a body that can be copied"));
}

// The listener holds on to the raise; before, it also kept the watch from ending the body.
TEST_CASE("for_each: the limit holds for a body that hangs in a listener") {
  for (const bool own_listener : {true, false}) {
    struct World {
      ManualClock clock;
      SignalSink sink{clock};
      Hang hang{1};
    };
    const auto world = std::make_shared<World>();
    World* const raw = world.get();
    const auto listener = [raw](const SignalEvent& event) {
      if (!event.is("hang")) return;
      raw->clock.advance(kLimit);
      raw->hang.go_on.wait();
    };
    WorkOptions options{.max_concurrency = 1,
                        .clock = &world->clock,
                        .keep_alive = world,
                        .body_time_limit_ns = kLimit};
    SignalSubscription listening;
    if (own_listener) {
      options.on_signal = listener;  // on a sink of for_each's own
    } else {
      options.signals = &world->sink;
      listening = world->sink.subscribe("hang", listener);
    }
    const ForEachResult result =
        for_each(std::vector<int>{1, 2}, options, [raw](int item, Operation& operation) {
          if (item == 2) return;
          operation.raise("hang");
          operation.raise("too.late");
          raw->hang.gone.count_down();
        });
    CHECK(result.processed == 2);
    CHECK(result.failed == 1);
    CHECK(result.abandoned == 1);
    world->hang.go_on.count_down();
    world->hang.gone.wait();
    CHECK_FALSE(world->sink.detect("too.late"));
    listening.reset();
  }
}

}  // namespace
}  // namespace mayfly
