#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;

Names names_in(const SignalSink& sink) {
  Names names;
  for (const Signal& signal : sink.sense()) names.push_back(signal.name);
  return names;
}

// C091
TEST_CASE("clear: all three signals go, and a signal that tells so is left") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"a", "b:1", "c"}) sink.raise(name);
  CHECK(sink.clear() == 3);
  CHECK(names_in(sink) == Names{"sink.cleared:3"});
}

// C092
TEST_CASE("clear: of an empty sink nothing is removed and nothing told") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK(sink.clear() == 0);
  CHECK(sink.raised_total() == 0);
}

// C093
TEST_CASE(
    "clear: by pattern the matching ones go, the others stay beside the signal that tells so") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"http.request.started", "http.request.complete", "http.response.sent",
                           "db.query.started"}) {
    sink.raise(name);
  }
  CHECK(sink.clear_pattern("http.request.*").value() == 2);
  CHECK(names_in(sink) ==
        Names{"http.response.sent", "db.query.started", "sink.cleared.pattern:http.request.*:2"});
}

// C094
TEST_CASE("clear: a star crosses dots") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"error.db.slow", "error.http.down", "error.x.y", "warning.http.slow"}) {
    sink.raise(name);
  }
  CHECK(sink.clear_pattern("error.*").value() == 3);
  CHECK(sink.count("warning.*") == 1);
}

// C095
TEST_CASE("clear: a pattern that matches nothing removes and tells nothing") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("warning.low");
  sink.raise("db.query");
  CHECK(sink.clear_pattern("error.*").value() == 0);
  CHECK(sink.count() == 2);
}

TEST_CASE("clear: by predicate, operation and argument") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"a:x", "b:x", "c:y"}) sink.raise(name, 7);
  sink.raise("d:x", 8);
  CHECK(sink.clear_argument("x").value() == 3);
  CHECK(sink.clear_argument("never").value() == 0);
  sink.raise("e:x", 8);
  CHECK(sink.clear_operation(8) == 1);
  CHECK(sink.clear_operation(99) == 0);
  CHECK(sink.clear_operation(0) == 0);
  const auto is_c = [](const SignalView& signal) { return signal.stem() == "c"; };
  CHECK(sink.clear_matching(is_c).value() == 1);
  CHECK(sink.count() == 0);
}

TEST_CASE("clear: what can't be meant is refused, and nothing is removed") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("a");
  CHECK(sink.clear_pattern("").status().code() == Code::kUsage);
  CHECK(sink.clear_pattern("  ").status().code() == Code::kUsage);
  CHECK(sink.clear_argument("").status().code() == Code::kUsage);
  CHECK(sink.clear_matching(nullptr).status().code() == Code::kUsage);
  CHECK(sink.request_drain_pattern(" ").code() == Code::kUsage);
  CHECK(sink.raised_total() == 1);
  CHECK(sink.count() == 1);
}

TEST_CASE("clear: a predicate that throws keeps the signal and is counted") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("a");
  sink.raise("b");
  const auto removed = sink.clear_matching([](const SignalView& signal) -> bool {
    if (signal.name == "a") throw std::runtime_error("no");
    return true;
  });
  CHECK(removed.value() == 1);
  CHECK(names_in(sink) == Names{"a"});
  CHECK(sink.predicate_failures() == 1);
}

TEST_CASE("clear: subscribers to removals are told once, before the signal that tells so") {
  ManualClock clock;
  SignalSink sink(clock);
  Names told;
  const SignalSubscription subscription =
      sink.subscribe("error.*,sink.*",
                     [&](const SignalEvent& event) {
                       told.push_back((event.kind() == SignalEventKind::kRemoved
                                           ? "-" + std::to_string(event.removed()) + " "
                                           : std::string("+ ")) +
                                      std::string(event.name()));
                     },
                     {.removals = true});
  sink.raise("error.a");
  sink.raise("fine");
  sink.raise("error.b");
  CHECK(sink.clear_pattern("*e*r*").value() == 2);
  CHECK(told == Names{"+ error.a", "+ error.b", "-2 error.a", "+ sink.cleared.pattern:*e*r*:2"});
}

TEST_CASE("drain requests: each raises the signal that coordinators listen to") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.request_drain_all();
  sink.request_drain(42);
  CHECK(sink.request_drain_pattern("orders.*").ok());
  CHECK(names_in(sink) == Names{"coordinator.drain.all", "coordinator.drain.id:42",
                                "coordinator.drain.pattern:orders.*"});
  CHECK(sink.request_drain_and_clear() == 3);
  CHECK(names_in(sink) == Names{"sink.cleared:3", "coordinator.drain.all"});
}

// Aims at a reader in the middle of a clear: what isn't cleared is there, in order, at every
// moment.
TEST_CASE("clear threads: readers never miss what stays, nor see it in another order") {
  constexpr int kRounds = 200;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10'000});
  for (int i = 0; i < 20; ++i) sink.raise("stays:" + std::to_string(i));
  std::atomic<bool> done{false};
  std::latch start(2);
  std::jthread clearer([&] {
    start.arrive_and_wait();
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 20; ++i) sink.raise("goes:" + std::to_string(i));
      CHECK(sink.clear_pattern("goes:*").value() == 20);
      sink.retract_matching("sink.*");
    }
    done.store(true);
  });
  start.arrive_and_wait();
  while (!done.load()) {
    CHECK(sink.count("stays:*") == 20);
    const std::vector<Signal> signals = sink.sense("stays:*");
    REQUIRE(signals.size() == 20);
    for (int i = 0; i < 20; ++i) REQUIRE(signals[i].name == "stays:" + std::to_string(i));
  }
}

// Aims at two clears that meet at a record: it is removed, and counted, by one of them.
TEST_CASE("clear threads: each signal is counted by exactly one of several clears") {
  constexpr int kThreads = 3;
  constexpr int kSignals = 2'000;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100'000});
  for (int i = 0; i < kSignals; ++i) sink.raise("goes");
  std::atomic<std::size_t> removed{0};
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        removed.fetch_add(sink.clear_pattern("goes").value());
      });
    }
  }
  CHECK(removed.load() == kSignals);
  CHECK(sink.count("goes") == 0);
}

}  // namespace
}  // namespace mayfly
