#include <doctest/doctest.h>

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

std::vector<std::string> names_of(std::span<const Signal> signals) {
  std::vector<std::string> names;
  for (const Signal& signal : signals) names.push_back(signal.name);
  return names;
}

using Names = std::vector<std::string>;

// C080
TEST_CASE("queries: a raised signal is sensed, and nothing else") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("test.signal", 7);
  const std::vector<Signal> signals = sink.sense();
  REQUIRE(signals.size() == 1);
  CHECK(signals[0].name == "test.signal");
  CHECK(signals[0].at_ns == clock.now_ns());
  CHECK(signals[0].operation == 7);
}

// C081
TEST_CASE("queries: signals are sensed in the order of their raises") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"c", "a:1", "b"}) sink.raise(name);
  CHECK(names_of(sink.sense()) == Names{"c", "a:1", "b"});
}

// C082
TEST_CASE("queries: a predicate chooses what is sensed") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"error.timeout", "error.connection", "warning.low"}) sink.raise(name);
  const auto errors =
      sink.sense_if([](const SignalView& signal) { return signal.name.starts_with("error."); });
  CHECK(names_of(errors) == Names{"error.timeout", "error.connection"});
}

// C083
TEST_CASE("queries: a signal is detected by name, by glob and by predicate, another isn't") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("error.timeout:db");
  CHECK(sink.detect("error.timeout:db"));
  CHECK_FALSE(sink.detect("error.timeout"));
  CHECK(sink.detect_matching("error.*"));
  CHECK(sink.detect_matching("*:db"));
  CHECK_FALSE(sink.detect_matching("warning.*"));
  CHECK(sink.detect_if([](const SignalView& signal) { return signal.argument() == "db"; }));
  CHECK_FALSE(sink.detect_if([](const SignalView& signal) { return signal.stem() == "error"; }));
}

// C084
TEST_CASE("queries: signals are counted by glob, exact name, prefix and text") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK(sink.count() == 0);
  sink.raise("stage.done:1");
  sink.raise("stage.done:2");
  CHECK(sink.count() == 2);
  sink.raise("stage.done:1");
  sink.raise("a*b");
  CHECK(sink.count("stage.*") == 3);
  CHECK(sink.count_exact("stage.done:1") == 2);
  CHECK(sink.count_exact("stage.done") == 0);
  CHECK(sink.count_exact("never") == 0);
  CHECK(sink.count_prefix("stage.done:") == 3);
  CHECK(sink.count_prefix("a*") == 1);
  CHECK(sink.count_prefix("s*") == 0);
  CHECK(sink.count_containing("one:") == 3);
  CHECK(sink.count_containing("*") == 1);
}

// C085
TEST_CASE("queries: of 6,100 raises at capacity 10 never more than 10 are counted") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10});
  for (int i = 0; i < 6'100; ++i) {
    sink.raise("tick");
    REQUIRE(sink.count() <= 10);
  }
  CHECK(sink.count() == 10);
  CHECK(sink.overwritten_total() == 6'090);
}

TEST_CASE("queries: since a time, later signals are meant, and those of that time") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("early:1");
  clock.advance(10);
  const std::int64_t since = clock.now_ns();
  sink.raise("late:1");
  clock.advance(10);
  sink.raise("late:2");
  CHECK(names_of(sink.sense("*", since)) == Names{"late:1", "late:2"});
  CHECK(names_of(sink.sense("*", since + 1)) == Names{"late:2"});
  CHECK(sink.count("*", since) == 2);
  CHECK(sink.count_exact("early:1", since) == 0);
  CHECK(sink.count_prefix("late:", since + 1) == 1);
  CHECK(sink.count_containing(":1", since) == 1);
  CHECK(sink.detect_matching("late:*", since));
  CHECK_FALSE(sink.detect_matching("early:*", since));
}

TEST_CASE("queries: ages are those of the check, with no later activity") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = kSecond});
  sink.raise("busy:1", 7);
  clock.advance(kSecond);
  CHECK(sink.count_exact("busy:1") == 1);
  CHECK(sink.detect_matching("busy:*"));
  clock.advance(1);
  CHECK(sink.count("busy:*") == 0);
  CHECK(sink.count_exact("busy:1") == 0);
  CHECK(sink.sense().empty());
  CHECK_FALSE(sink.detect_matching("busy:*"));
  CHECK_FALSE(sink.detect_if([](const SignalView&) { return true; }));
  CHECK_FALSE(sink.operation_summary(7).has_value());
  // Also for a time that lies further back.
  CHECK(sink.count("*", 0) == 0);
}

TEST_CASE("queries: a visitor sees signals in order until it has enough") {
  ManualClock clock;
  SignalSink sink(clock);
  for (int i = 0; i < 5; ++i) sink.raise("n:" + std::to_string(i));
  std::string seen;
  sink.visit("n:*", [&](const SignalView& signal) {
    seen += signal.argument();
    return seen.size() < 3;
  });
  CHECK(seen == "012");
}

TEST_CASE("queries: what a visitor throws reaches the caller, a predicate's is counted") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("a");
  sink.raise("b");
  const auto fails = [](const SignalView& signal) -> bool {
    if (signal.name == "a") throw std::runtime_error("no");
    return true;
  };
  CHECK_THROWS_AS(sink.visit("*", fails), std::runtime_error);
  CHECK(names_of(sink.sense_if(fails)) == Names{"b"});
  CHECK(sink.detect_if(fails));
  CHECK(sink.predicate_failures() == 2);
}

TEST_CASE("queries: a caller's buffer is overwritten, and the part that was found is told") {
  ManualClock clock;
  SignalSink sink(clock);
  std::vector<Signal> buffer(1, Signal{"old", 1, 2, 3});
  sink.raise("new:1");
  sink.raise("new:2", 9);
  const std::span<const Signal> found = sink.sense_into(buffer, "new:*");
  CHECK(names_of(found) == Names{"new:1", "new:2"});
  CHECK(found[0].operation == 0);
  CHECK(found[1].operation == 9);
  CHECK(names_of(sink.sense_into(buffer, "*:2")) == Names{"new:2"});
  CHECK(sink.sense_into(buffer, "none").empty());
  CHECK(buffer.size() == 2);
}

// P2
TEST_CASE("P2: an operation's signals are found, and those of a list of operations") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("job.started", 4);
  sink.raise("job.started", 5);
  clock.advance(10);
  sink.raise("job.failed:x", 4);
  sink.raise("job.started");
  sink.raise("job.done", 6);
  CHECK(names_of(sink.sense_operation(4)) == Names{"job.started", "job.failed:x"});
  CHECK(names_of(sink.sense_operation(4, "*.failed:*")) == Names{"job.failed:x"});
  CHECK(sink.sense_operation(99).empty());
  const std::vector<OperationId> sorted = {5, 6, 77};
  CHECK(names_of(sink.sense_operations(sorted)) == Names{"job.started", "job.done"});
  CHECK(names_of(sink.sense_operations(sorted, "*.done")) == Names{"job.done"});
  CHECK(sink.sense_operations({}).empty());

  const auto summary = sink.operation_summary(4);
  REQUIRE(summary.has_value());
  CHECK(summary->count == 2);
  CHECK(summary->first_ns == kSecond);
  CHECK(summary->last_ns == kSecond + 10);
  CHECK_FALSE(sink.operation_summary(99).has_value());
}

TEST_CASE("queries: full blocks are counted anew when something in them is retracted") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10'000});
  for (int i = 0; i < 5'000; ++i) sink.raise(i % 10 == 0 ? "error" : "fine");
  for (int again = 0; again < 2; ++again) {
    CHECK(sink.count("err*") == 500);
    CHECK(sink.sense("err*").size() == 500);
    CHECK(sink.count("none*") == 0);
    CHECK(sink.sense("none*").empty());
  }
  CHECK(sink.retract("error") == 500);
  CHECK(sink.count("err*") == 0);
  CHECK(sink.count() == 4'500);
  for (int i = 0; i < 3'000; ++i) sink.raise("error");
  CHECK(sink.count("err*") == 3'000);
}

TEST_CASE(
    "queries: what is remembered of blocks agrees with looking at each, as the window slides") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 700});
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 97; ++i) {
      sink.raise("job:" + std::to_string((round * 97 + i) % 13));
    }
    sink.retract("job:" + std::to_string(round % 13));
    CHECK(sink.count("job:1*") == sink.sense("job:1*").size());
    std::size_t looked = 0;
    sink.visit("*", [&](const SignalView& signal) {
      looked += signal.name.starts_with("job:1");
      return true;
    });
    CHECK(sink.count("job:1*") == looked);
  }
}

TEST_CASE("queries: a long text that was overwritten left the window for every query") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100, .text_bytes = 4096});
  const auto key = [](int i) { return "cache.hit:" + std::string(200, 'k') + std::to_string(i); };
  for (int i = 0; i < 50; ++i) sink.raise(key(i));
  REQUIRE(sink.text_overwritten_total() > 0);
  const std::size_t left = 50 - sink.text_overwritten_total();
  CHECK(sink.count() == left);
  CHECK(sink.sense().size() == left);
  CHECK(sink.count_prefix("cache.hit:k") == left);
  CHECK(sink.count_exact(key(0)) == 0);
  CHECK_FALSE(sink.detect(key(0)));
  CHECK(sink.detect(key(49)));
  CHECK(sink.sense().back().name == key(49));
}

TEST_CASE("queries: names longer than the query's own buffer come back whole") {
  ManualClock clock;
  SignalSink sink(clock);
  const std::string name = "cache.hit:" + std::string(5'000, 'k');
  sink.raise(name);
  CHECK(sink.sense("*k").front().name == name);
  CHECK(sink.count_exact(name) == 1);
}

}  // namespace
}  // namespace mayfly
