#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/signal_route.h"

namespace mayfly {
namespace {

std::vector<std::string> names(const SignalSink& sink) {
  std::vector<std::string> found;
  for (const Signal& signal : sink.sense()) found.push_back(signal.name);
  return found;
}

TEST_CASE("routing: what matches appears in the target, with its operation and its path") {
  ManualClock clock;
  SignalSink from(clock);
  SignalSink to(clock);
  const auto routed = route(from, "job.*,error.*", to);
  std::optional<SignalEvent> heard;
  const auto listener = to.subscribe("*", [&](const SignalEvent& event) { heard = event; });

  from.raise("job.done:7", 42);
  from.raise("other");

  REQUIRE(to.sense().size() == 1);
  CHECK(to.sense()[0].name == "job.done:7");
  CHECK(to.sense()[0].operation == 42);
  REQUIRE(heard);
  CHECK(heard->operation() == 42);
  CHECK(heard->sink() == &to);
  const SignalPath path = heard->path();
  REQUIRE(path.depth() == 2);
  CHECK(path.stem(0) == "job.done");
  CHECK(path.contains(&from, "job.done"));
  CHECK(path.contains(&to, "job.done"));
}

TEST_CASE("routing: a route that has ended forwards nothing") {
  ManualClock clock;
  SignalSink from(clock);
  SignalSink to(clock);
  auto routed = route(from, "*", to);
  from.raise("a");
  routed.reset();
  from.raise("b");
  CHECK(names(to) == std::vector<std::string>{"a"});
}

TEST_CASE(
    "routing: a transform gives the name, or nothing; the observer hears of what was raised") {
  ManualClock clock;
  SignalSink from(clock);
  SignalSink to(clock, {.constraints = {.max_depth = 2, .terminal = GlobSet("silent")}});
  std::vector<std::string> forwarded;
  const auto routed = route(
      from, "*", to,
      [](const SignalEvent& event) {
        if (event.is("drop")) return std::string();
        if (event.is("throw")) throw std::runtime_error("transform");
        return "remote." + std::string(event.name());
      },
      [&](const SignalEvent& original, std::string_view name) {
        forwarded.push_back(std::string(original.name()) + '>' + std::string(name));
        if (original.is("b")) throw std::runtime_error("observer");
      });

  for (const char* name : {"a", "drop", "throw", "b", "silent", "c:1"}) from.raise(name);

  CHECK(names(to) == std::vector<std::string>{"remote.a", "remote.b", "remote.c:1"});
  CHECK(forwarded == std::vector<std::string>{"a>remote.a", "b>remote.b", "c:1>remote.c:1"});
  CHECK(from.listener_failures() == 2);
  CHECK(to.blocked_total() == 1);
  CHECK(from.count() == 6);
}

TEST_CASE("routing: two sinks routed into each other show each signal once") {
  ManualClock clock;
  SignalSink a(clock);
  SignalSink b(clock);
  const auto there = route(a, "*", b);
  const auto back = route(b, "*", a);

  a.raise("from.a");
  b.raise("from.b");

  CHECK(names(a) == std::vector<std::string>{"from.a", "from.b"});
  CHECK(names(b) == std::vector<std::string>{"from.a", "from.b"});
  CHECK(a.blocked_total() == 1);
  CHECK(b.blocked_total() == 1);
}

TEST_CASE("routing: a ring of sinks whose names grow ends by depth") {
  ManualClock clock;
  SignalSink a(clock);
  SignalSink b(clock);
  const auto grow = [](const SignalEvent& event) { return std::string(event.name()) + "+"; };
  const auto there = route(a, "*", b, grow);
  const auto back = route(b, "*", a, grow);

  a.raise("x");

  CHECK(a.count() + b.count() == 10);
  CHECK(a.blocked_total() + b.blocked_total() == 1);
}

TEST_CASE("routing: a sink that is routed into itself under another name ends too") {
  ManualClock clock;
  SignalSink sink(clock);
  const auto same = route(sink, "x", sink);
  const auto other = route(sink, "y", sink, [](const SignalEvent&) { return std::string("z"); });
  sink.raise("x");
  sink.raise("y");
  CHECK(names(sink) == std::vector<std::string>{"x", "y", "z"});
  CHECK(sink.blocked_total() == 1);
}

TEST_CASE("routing: blank patterns are refused") {
  ManualClock clock;
  SignalSink from(clock);
  SignalSink to(clock);
  CHECK_THROWS_AS(static_cast<void>(route(from, " ", to)), std::invalid_argument);
}

// Aims at deliveries of both sinks that run at once in opposite directions, nested in each other.
TEST_CASE("routing: two threads raise in two sinks that are routed into each other") {
  constexpr int kRaises = 3'000;
  ManualClock clock;
  SignalSink a(clock, {.capacity = 2 * kRaises});
  SignalSink b(clock, {.capacity = 2 * kRaises});
  const auto there = route(a, "*", b);
  const auto back = route(b, "*", a);
  {
    std::jthread raise_a([&] {
      for (int i = 0; i < kRaises; ++i) a.raise("from.a", 1);
    });
    std::jthread raise_b([&] {
      for (int i = 0; i < kRaises; ++i) b.raise("from.b", 2);
    });
  }
  for (const SignalSink* sink : {&a, &b}) {
    CHECK(sink->count("from.a") == kRaises);
    CHECK(sink->count("from.b") == kRaises);
    CHECK(sink->blocked_total() == kRaises);
  }
}

}  // namespace
}  // namespace mayfly
