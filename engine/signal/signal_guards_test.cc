#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

struct Blocked {
  std::vector<std::pair<std::string, BlockReason>> told;
  BlockedListener listener() {
    return [this](const SignalEvent& event, BlockReason reason) {
      told.emplace_back(event.name(), reason);
    };
  }
};

// C102
TEST_CASE("guards: a signal that is caused beyond the depth is blocked") {
  ManualClock clock;
  Blocked blocked;
  SignalSink sink(clock, {.constraints = {.max_depth = 10, .on_blocked = blocked.listener()}});
  const auto count = sink.subscribe("level.*", [&](const SignalEvent& event) {
    const int level = std::stoi(std::string(event.stem().substr(6)));
    CHECK(static_cast<int>(event.depth()) == level);
    CHECK(static_cast<int>(event.path().depth()) == level);
    CHECK(event.path().stem(0) == "level.1");
    sink.raise("level." + std::to_string(level + 1));
  });

  sink.raise("level.1");

  CHECK(sink.count() == 10);
  CHECK(sink.raised_total() == 10);
  CHECK(sink.blocked_total() == 1);
  REQUIRE(blocked.told.size() == 1);
  CHECK(blocked.told[0] == std::pair{std::string("level.11"), BlockReason::kMaxDepth});
}

// C102
TEST_CASE("guards: a listener that raises what it listens to is blocked as a cycle") {
  ManualClock clock;
  Blocked blocked;
  SignalSink sink(clock, {.constraints = {.on_blocked = blocked.listener()}});
  int calls = 0;
  const auto self = sink.subscribe("a*", [&](const SignalEvent& event) {
    ++calls;
    sink.raise(event.is("a") ? "ab:1" : "a");
  });

  sink.raise("a");

  CHECK(calls == 2);
  CHECK(sink.count() == 2);
  CHECK(sink.blocked_total() == 1);
  REQUIRE(blocked.told.size() == 1);
  CHECK(blocked.told[0] == std::pair{std::string("a"), BlockReason::kCycle});
}

// C102
TEST_CASE("guards: the listeners of a terminal signal raise nothing") {
  ManualClock clock;
  Blocked blocked;
  SignalSink sink(
      clock, {.constraints = {.terminal = GlobSet("*.end"), .on_blocked = blocked.listener()}});
  const auto listener = sink.subscribe("job.*", [&](const SignalEvent&) { sink.raise("after:1"); });

  sink.raise("job.start");
  sink.raise("job.end");

  CHECK(sink.count("after*") == 1);
  REQUIRE(blocked.told.size() == 1);
  CHECK(blocked.told[0] == std::pair{std::string("after:1"), BlockReason::kTerminal});
}

// C102
TEST_CASE("guards: a leaf is raised without a path, whatever caused it") {
  ManualClock clock;
  SignalSink sink(clock, {.constraints = {.max_depth = 1, .leaf = GlobSet("log.*")}});
  std::vector<std::uint32_t> depths;
  const auto listener = sink.subscribe("job", [&](const SignalEvent&) {
    sink.raise("log.job");
    sink.raise("next");
  });
  const auto log = sink.subscribe("log.*", [&](const SignalEvent& event) {
    depths.push_back(event.depth());
    CHECK(event.path().depth() == 0);
  });

  sink.raise("job");

  CHECK(depths == std::vector<std::uint32_t>{0});
  CHECK(sink.count("log.job") == 1);
  CHECK_FALSE(sink.detect("next"));
  CHECK(sink.blocked_total() == 1);
}

TEST_CASE("guards: listeners of leaves that raise each other end at the limit of nesting") {
  ManualClock clock;
  SignalSink sink(clock, {.constraints = {.leaf = GlobSet("leaf")}});
  const auto listener = sink.subscribe("leaf", [&](const SignalEvent&) { sink.raise("leaf"); });
  sink.raise("leaf");
  CHECK(sink.raised_total() == kSignalPathMax);
  CHECK(sink.blocked_total() == 1);
}

TEST_CASE("guards: without constraints recursion ends at the limit of nesting") {
  ManualClock clock;
  SignalSink sink(clock, {.constraints = SignalConstraints::none()});
  const auto listener = sink.subscribe("a", [&](const SignalEvent&) { sink.raise("a"); });
  sink.raise("a");
  CHECK(sink.raised_total() == kSignalPathMax);
  CHECK(sink.blocked_total() == 1);
}

TEST_CASE("guards: the presets allow what they say") {
  CHECK(SignalConstraints().max_depth == 10);
  CHECK(SignalConstraints().block_cycles);
  CHECK(SignalConstraints::strict().max_depth == 5);
  CHECK(SignalConstraints::strict().block_cycles);
  CHECK_FALSE(SignalConstraints::none().block_cycles);
  CHECK(to_string(BlockReason::kMaxDepth) == "max depth");
  CHECK(to_string(BlockReason::kCycle) == "cycle");
  CHECK(to_string(BlockReason::kTerminal) == "terminal");
}

TEST_CASE("guards: a depth out of range is refused") {
  ManualClock clock;
  CHECK_THROWS_AS(SignalSink(clock, {.constraints = {.max_depth = 0}}), std::invalid_argument);
  CHECK_THROWS_AS(SignalSink(clock, {.constraints = {.max_depth = kSignalPathMax + 1}}),
                  std::invalid_argument);
}

TEST_CASE("guards: a sink without subscriptions guards what other sinks' listeners raise in it") {
  ManualClock clock;
  SignalSink heard(clock);
  SignalSink guarded(clock, {.constraints = {.terminal = GlobSet("end")}});
  const auto listener = heard.subscribe("*", [&](const SignalEvent&) { guarded.raise("x"); });
  for (int i = 0; i < 3; ++i) guarded.raise("y");  // the thread's short way is open
  heard.raise("start");
  heard.raise("end");
  CHECK(guarded.count("x") == 1);
  CHECK(guarded.blocked_total() == 1);
}

TEST_CASE("guards: what is raised after the listeners have returned has no cause") {
  ManualClock clock;
  SignalSink sink(clock);
  std::uint32_t depth = 0;
  const auto listener = sink.subscribe("*", [&](const SignalEvent& event) {
    depth = event.depth();
    if (event.is("a")) throw std::runtime_error("leaves by an exception");
  });
  sink.raise("a");
  sink.raise("a");
  CHECK(depth == 1);
  CHECK(sink.blocked_total() == 0);
}

TEST_CASE("guards: a handler that runs later hands on the cause with the event's copy") {
  ManualClock clock;
  SignalSink sink(clock, {.constraints = {.max_depth = 3}});
  std::vector<SignalEvent> queued;
  const auto listener =
      sink.subscribe("*", [&](const SignalEvent& event) { queued.push_back(event); });

  sink.raise("a:1", 7);
  CHECK(sink.raise_caused("b", queued.at(0), 7));
  CHECK(sink.raise_caused("c", queued.at(1)));
  CHECK_FALSE(sink.raise_caused("d", queued.at(2)));
  CHECK_FALSE(sink.raise_caused("a:2", queued.at(1)));

  REQUIRE(queued.size() == 3);
  const SignalEvent& last = queued[2];
  REQUIRE(last.path().depth() == 3);
  CHECK(last.path().stem(0) == "a");
  CHECK(last.path().stem(1) == "b");
  CHECK(last.path().stem(2) == "c");
  CHECK(last.on_path(&sink, "b"));
  CHECK_FALSE(last.on_path(&sink, "d"));
  CHECK(queued[1].operation() == 7);
  CHECK(sink.blocked_total() == 2);
}

TEST_CASE(
    "guards: a copy of an event stays whole when the sink's texts and the original are gone") {
  std::optional<SignalEvent> kept;
  const std::string long_name = std::string(300, 'n') + ":x";
  {
    ManualClock clock;
    SignalSink sink(clock);
    const auto listener = sink.subscribe("*", [&](const SignalEvent& event) {
      if (event.is("start")) {
        sink.raise(long_name);
      } else {
        kept = event;
        kept = *kept;  // to itself
      }
    });
    sink.raise("start");
  }
  REQUIRE(kept);
  const SignalEvent copy = *kept;
  CHECK(copy.name() == long_name);
  CHECK(copy.argument() == "x");
  CHECK(copy.stem() == std::string(300, 'n'));
  REQUIRE(copy.path().depth() == 2);
  CHECK(copy.path().stem(0) == "start");
  CHECK(copy.path().stem(1) == std::string(SignalPath::kTextBytes, 'n'));
  CHECK(copy.path().contains(nullptr, std::string(300, 'n')));
  CHECK_FALSE(copy.path().contains(nullptr, std::string(299, 'n')));
}

TEST_CASE("guards: what on_blocked throws is counted, and what it raises comes to an end") {
  ManualClock clock;
  SignalSink* raised_in = nullptr;
  int told = 0;
  SignalSink sink(
      clock, {.constraints = {.max_depth = 1, .on_blocked = [&](const SignalEvent&, BlockReason) {
                                ++told;
                                raised_in->raise("blocked." + std::to_string(told));
                                throw std::runtime_error("on_blocked");
                              }}});
  raised_in = &sink;
  const auto listener = sink.subscribe("a", [&](const SignalEvent&) { sink.raise("b"); });

  sink.raise("a");

  CHECK(sink.raised_total() == 1);
  CHECK(told == static_cast<int>(kSignalPathMax) - 1);
  CHECK(sink.blocked_total() == kSignalPathMax);
  CHECK(sink.listener_failures() == static_cast<std::uint64_t>(told));
}

TEST_CASE("guards: an empty event has an empty name") {
  const SignalEvent empty;
  CHECK(empty.name().empty());
  CHECK(empty.sink() == nullptr);
  const SignalEvent copy = empty;
  CHECK(copy.name().empty());
}

}  // namespace
}  // namespace mayfly
