#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

struct Heard {
  std::vector<std::string> names;
  SignalListener listener() {
    return [this](const SignalEvent& event) { names.emplace_back(event.name()); };
  }
};

TEST_CASE(
    "P4: a listener observes sink.raise, on the raising thread, with the signal in the window") {
  ManualClock clock;
  SignalSink sink(clock);
  std::vector<std::string> heard;
  bool present = false;
  const auto subscription = sink.subscribe("job.*", [&](const SignalEvent& event) {
    heard.emplace_back(event.name());
    present = sink.detect(event.name());
    CHECK(event.sink() == &sink);
    CHECK(event.kind() == SignalEventKind::kRaised);
    CHECK(SignalEvent::current() == &event);
  });

  sink.raise("job.done");
  CHECK(present);
  sink.raise("other");
  sink.raise("job.done:3");

  CHECK(heard == std::vector<std::string>{"job.done", "job.done:3"});
  CHECK(SignalEvent::current() == nullptr);
}

TEST_CASE("subscriptions: each form of raise is told with its stem, argument, operation and time") {
  ManualClock clock;
  SignalSink sink(clock);
  std::vector<SignalEvent> events;
  const auto subscription =
      sink.subscribe("*", [&](const SignalEvent& event) { events.push_back(event); });
  const StemId stem = sink.intern("write.done");

  sink.raise(stem, {}, 1);
  sink.raise(stem, "7", 2);
  sink.raise(stem, -3, "rows");
  sink.raise_at(clock.now_ns() + 5, stem, 3, "rows", 12, "ms", 4);
  sink.raise("write.done:x:y");
  sink.raise("longest:" + std::string(1'000, 'x'));

  REQUIRE(events.size() == 6);
  const std::vector<Signal> signals = sink.sense();
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].name() == signals[i].name);
    CHECK(events[i].stem() == signals[i].stem());
    CHECK(events[i].argument() == signals[i].argument());
    CHECK(events[i].operation() == signals[i].operation);
    CHECK(events[i].at_ns() == signals[i].at_ns);
    CHECK(events[i].depth() == 1);
  }
  CHECK(events[3].name() == "write.done:3rows:12ms");
  CHECK(events[3].argument() == "3rows:12ms");
  CHECK(events[3].starts_with("write."));
  CHECK(events[0].is("write.done"));
}

TEST_CASE("subscriptions: a name that is kept as text is matched and told like any other") {
  ManualClock clock;
  SignalSink sink(clock, {.stems_max = 0});
  Heard heard;
  std::string stem;
  const auto all = sink.subscribe("cache.*", heard.listener());
  const auto one =
      sink.subscribe("cache.hit:?", [&](const SignalEvent& event) { stem = event.stem(); });

  sink.raise("cache.hit:k");
  sink.raise("cache.miss");
  sink.raise("disk.full");

  CHECK(heard.names == std::vector<std::string>{"cache.hit:k", "cache.miss"});
  CHECK(stem == "cache.hit");
}

TEST_CASE("subscriptions: several patterns, of which each matching signal is told once") {
  ManualClock clock;
  SignalSink sink(clock);
  Heard heard;
  const auto subscription = sink.subscribe(" error.*, *.late ,, job:?", heard.listener());

  for (const char* name : {"error.late", "job.late", "job:7", "job:77", "job", "error"}) {
    sink.raise(name);
  }

  CHECK(heard.names == std::vector<std::string>{"error.late", "job.late", "job:7"});
}

TEST_CASE("subscriptions: listeners run in the order of their subscriptions") {
  ManualClock clock;
  SignalSink sink(clock);
  std::string order;
  const auto a = sink.subscribe("*", [&](const SignalEvent&) { order += 'a'; });
  auto b = sink.subscribe("x", [&](const SignalEvent&) { order += 'b'; });
  const auto c = sink.subscribe("x*", [&](const SignalEvent&) { order += 'c'; });

  sink.raise("x");
  b.reset();
  const auto d = sink.subscribe("x", [&](const SignalEvent&) { order += 'd'; });
  sink.raise("x");

  CHECK(order == "abcacd");
}

TEST_CASE("subscriptions: blank patterns and a null listener are refused") {
  ManualClock clock;
  SignalSink sink(clock);
  const SignalListener nothing = [](const SignalEvent&) {};
  CHECK_THROWS_AS(static_cast<void>(sink.subscribe("", nothing)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(sink.subscribe(" , ", nothing)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(sink.subscribe("*", nullptr)), std::invalid_argument);
}

// C090
TEST_CASE("subscriptions: what a listener throws reaches nobody, and is counted") {
  ManualClock clock;
  SignalSink sink(clock);
  Heard heard;
  const auto bad =
      sink.subscribe("*", [](const SignalEvent&) { throw std::runtime_error("listener"); });
  auto good = sink.subscribe("*", heard.listener());

  CHECK_NOTHROW(sink.raise("x"));
  CHECK(sink.detect("x"));
  CHECK(heard.names.size() == 1);
  CHECK(sink.listener_failures() == 1);

  good.reset();
  sink.raise("x");
  CHECK(heard.names.size() == 1);
  CHECK(sink.listener_failures() == 2);
}

TEST_CASE("subscriptions: the listener is destroyed when its subscription ends") {
  ManualClock clock;
  SignalSink sink(clock);
  const auto held = std::make_shared<int>(0);
  auto subscription = sink.subscribe("*", [held](const SignalEvent&) {});
  sink.raise("x");
  CHECK(held.use_count() == 2);
  subscription.reset();
  CHECK(held.use_count() == 1);
  subscription.reset();
  CHECK_FALSE(subscription);
}

TEST_CASE("subscriptions: one may be moved, and may outlive its sink") {
  const auto held = std::make_shared<int>(0);
  SignalSubscription survivor;
  {
    ManualClock clock;
    SignalSink sink(clock);
    auto first = sink.subscribe("*", [held](const SignalEvent&) { ++*held; });
    survivor = std::move(first);
    first.reset();
    sink.raise("x");
    CHECK(*held == 1);
  }
  CHECK(survivor);
  CHECK(held.use_count() == 1);
  survivor.reset();
}

TEST_CASE("subscriptions: a listener may end itself, and others, which then aren't called") {
  ManualClock clock;
  SignalSink sink(clock);
  const auto held = std::make_shared<int>(0);
  SignalSubscription first;
  SignalSubscription second;
  int calls = 0;
  first = sink.subscribe("*", [&, held](const SignalEvent&) {
    ++calls;
    first.reset();
    second.reset();
    CHECK(held.use_count() == 2);  // it still runs
  });
  second = sink.subscribe("*", [&](const SignalEvent&) { calls += 100; });

  sink.raise("x");
  sink.raise("x");

  CHECK(calls == 1);
  CHECK(held.use_count() == 1);
}

TEST_CASE("subscriptions: a listener that subscribes is heard from the next raise on") {
  ManualClock clock;
  SignalSink sink(clock);
  Heard heard;
  std::vector<SignalSubscription> made;
  const auto subscription = sink.subscribe(
      "start", [&](const SignalEvent&) { made.push_back(sink.subscribe("*", heard.listener())); });

  sink.raise("start");
  CHECK(heard.names.empty());
  sink.raise("x");
  CHECK(heard.names == std::vector<std::string>{"x"});
}

TEST_CASE("subscriptions: a listener that raises is heard by the others, and by itself") {
  ManualClock clock;
  SignalSink sink(clock);
  Heard heard;
  const auto all = sink.subscribe("*", heard.listener());
  const auto chain = sink.subscribe(
      "a*", [&](const SignalEvent& event) { sink.raise(std::string(event.stem()) + "a"); });

  sink.raise("a");

  // Each level tells `all` before the listener raises the next.
  REQUIRE(heard.names.size() == 10);
  CHECK(heard.names.back() == "aaaaaaaaaa");
  CHECK(sink.blocked_total() == 1);
  CHECK(sink.raised_total() == 10);
}

TEST_CASE("subscriptions: a thread that raised unheard is heard as soon as somebody subscribes") {
  ManualClock clock;
  SignalSink sink(clock);
  Heard heard;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) sink.raise("x");
    const auto subscription = sink.subscribe("x", heard.listener());
    sink.raise("x");
    CHECK(heard.names.size() == static_cast<std::size_t>(round) + 1);
  }
  CHECK(sink.raised_total() == 18);
}

TEST_CASE("subscriptions: stems that come later find their listeners too") {
  ManualClock clock;
  SignalSink sink(clock);
  std::size_t calls = 0;
  const auto subscription = sink.subscribe("new.*", [&](const SignalEvent&) { ++calls; });
  for (int i = 0; i < 3'000; ++i) {
    sink.raise("new." + std::to_string(i));
    sink.raise("old." + std::to_string(i));
  }
  CHECK(calls == 3'000);
}

TEST_CASE("subscriptions: removals are told once a call, to those who asked for them") {
  ManualClock clock;
  SignalSink sink(clock);
  std::vector<SignalEvent> events;
  Heard raised_only;
  const auto subscription =
      sink.subscribe("back*,job:?", [&](const SignalEvent& event) { events.push_back(event); },
                     {.removals = true});
  const auto other = sink.subscribe("*", raised_only.listener());
  sink.raise("back", 7);
  sink.raise("back", 7);
  sink.raise("job:1", 8);
  sink.raise("job:22", 9);
  events.clear();
  raised_only.names.clear();

  CHECK(sink.retract("back") == 2);
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind() == SignalEventKind::kRemoved);
  CHECK(events[0].name() == "back");
  CHECK(events[0].removed() == 2);

  CHECK(sink.retract("back") == 0);
  CHECK(events.size() == 1);

  CHECK(sink.retract_matching("job*") == 2);
  REQUIRE(events.size() == 2);
  CHECK(events[1].name() == "job:1");
  CHECK(events[1].argument() == "1");
  CHECK(events[1].operation() == 8);
  CHECK(events[1].removed() == 1);
  CHECK(raised_only.names.empty());
}

TEST_CASE("subscriptions: a listener that retracts and raises by turns comes to an end") {
  ManualClock clock;
  SignalSink sink(clock);
  int calls = 0;
  const auto subscription = sink.subscribe("x",
                                           [&](const SignalEvent& event) {
                                             ++calls;
                                             if (event.kind() == SignalEventKind::kRaised)
                                               sink.retract("x");
                                             sink.raise("x");
                                           },
                                           {.removals = true});
  sink.raise("x");
  CHECK(calls == 2);
  CHECK(sink.blocked_total() == 2);
}

}  // namespace
}  // namespace mayfly
