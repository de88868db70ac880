#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mayfly/base/rng.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

std::unique_ptr<NodeHarness> breaker_node(std::vector<RawOption> options) {
  return open_node("circuit_breaker", options);
}

// Each at another moment: those of one moment are one failure.
void fail(NodeHarness& node, std::uint64_t from, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    node.advance(kMillisecond);
    node.complete(Ordinals{from + i}, MAYFLY_PENDING);
  }
}

TEST_CASE("circuit breaker: rows pass until attempts have failed often enough, then they wait") {
  const auto node = breaker_node({{"threshold", std::int64_t{3}}});
  node->push_rows(5);
  fail(*node, 0, 2);
  node->push_rows(1);
  CHECK(node->held() == 0);

  fail(*node, 2, 1);
  node->push_rows(10);

  CHECK(node->port(0) == first(6));
  CHECK(node->held() == 10);
  CHECK(node->counter("opened") == 1);
  CHECK(node->signals() ==
        Signals{"circuit-failure", "circuit-failure", "circuit-failure", "circuit-open"});
}

TEST_CASE(
    "circuit breaker: half-open sends one probe; when it is written all rows follow in order") {
  const auto node =
      breaker_node({{"threshold", std::int64_t{1}}, {"open_for", std::string("10s")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(7);
  node->advance(10 * kSecond - 1);
  CHECK(node->held() == 7);

  node->advance(1);
  CHECK(node->port(0) == first(2));
  CHECK(node->counter("probes") == 1);
  node->push_rows(2);
  CHECK(node->held() == 8);

  node->complete(Ordinals{1}, MAYFLY_WRITTEN);
  CHECK(node->port(0) == first(10));
  CHECK(node->signals() == Signals{"circuit-failure", "circuit-open", "circuit-half-open",
                                   "-circuit-open", "circuit-closed"});
}

TEST_CASE("circuit breaker: a probe that fails, or is never answered, opens it again") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}},
                                  {"open_for", std::string("10s")},
                                  {"probe_timeout", std::string("3s")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(9);
  node->advance(10 * kSecond);
  fail(*node, 1, 1);
  CHECK(node->held() == 8);
  CHECK(node->counter("opened") == 2);
  // The next one's answer is lost.
  node->advance(10 * kSecond);
  CHECK(node->held() == 7);
  node->advance(3 * kSecond);
  CHECK(node->counter("opened") == 3);
  node->advance(10 * kSecond);
  CHECK(node->held() == 6);
}

TEST_CASE("circuit breaker: the rows of one moment fail once, and refused rows are no failures") {
  const auto node = breaker_node({{"threshold", std::int64_t{2}}});
  node->push_rows(100);
  node->complete(first(50), MAYFLY_PENDING);
  CHECK(node->counter("failures") == 1);
  node->advance(kMillisecond);
  node->complete(first(50, 50), MAYFLY_DEAD_LETTERED);
  CHECK(node->counter("failures") == 1);
  CHECK(node->counter("opened") == 0);
}

TEST_CASE("circuit breaker: signals that were named count as failures") {
  const auto node = breaker_node({{"threshold", std::int64_t{2}},
                                  {"failure_signals", std::vector<std::string>{"api.failure*"}}});
  node->signal("api.ok");
  node->signal("api.failure:timeout");
  node->signal("api.failure");
  node->push_rows(3);
  CHECK(node->held() == 3);
}

TEST_CASE("circuit breaker: with a name, only its own earlier failures count") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}}, {"name", std::string("orders")}});
  // What it hears of itself now was counted when it was raised.
  node->signal("circuit-failure:orders");
  node->push_rows(1);
  CHECK(node->held() == 0);
  fail(*node, 0, 1);
  CHECK(node->signals() == Signals{"circuit-failure:orders", "circuit-open:orders"});
}

TEST_CASE("circuit breaker: it can be forced while rows flow, and released") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}}});
  CHECK(node->set_option({"state", std::string("open")}).ok());
  node->push_rows(4);
  CHECK(node->held() == 4);
  node->advance(3600 * kSecond);
  CHECK(node->held() == 4);
  CHECK(node->set_option({"state", std::string("auto")}).ok());
  CHECK(node->held() == 0);
  CHECK(node->set_option({"state", std::string("closed")}).ok());
  fail(*node, 0, 4);
  node->push_rows(1);
  CHECK(node->port(0) == first(5));
}

TEST_CASE("circuit breaker: an answer that took too long counts as a failure") {
  const auto node =
      breaker_node({{"threshold", std::int64_t{1}}, {"slow_call", std::string("2s")}});
  node->push_rows(2);
  node->advance(2 * kSecond);
  node->complete(Ordinals{0}, MAYFLY_WRITTEN);
  CHECK(node->counter("opened") == 0);
  node->advance(1);
  node->complete(Ordinals{1}, MAYFLY_WRITTEN);
  CHECK(node->counter("opened") == 1);
}

TEST_CASE("circuit breaker: draining tries at once, one after the other, and keeps the order") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}},
                                  {"open_for", std::string("1h")},
                                  {"probe_timeout", std::string("1h")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(5);
  CHECK(node->drain() == 4);
  CHECK(node->port(0) == first(2));
  node->complete(Ordinals{1}, MAYFLY_WRITTEN);
  CHECK(node->drain() == 0);
  CHECK(node->port(0) == first(6));
  CHECK(node->violations().empty());
}

TEST_CASE("circuit breaker: a drain that goes on failing tries ever less often, and on time") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}},
                                  {"open_for", std::string("30s")},
                                  {"probe_timeout", std::string("1ms")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(1000);
  const std::int64_t begin = node->clock().now_ns();
  // The driver asks again and again; nothing that is let go is ever answered.
  CHECK(node->drain(10 * kSecond) > 950);
  CHECK(node->clock().now_ns() == begin + 10 * kSecond);
  CHECK(node->counter("probes") > 10);
  CHECK(node->counter("probes") < 40);
  CHECK(std::ranges::count(node->signals(), "circuit-open") < 40);
  CHECK(node->violations().empty());
}

TEST_CASE("circuit breaker: a drain lets all go soon after the database is free again") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}}, {"open_for", std::string("1h")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(9);
  // The driver asks after each row that moves; whatever goes fails and comes back.
  std::uint64_t probes = 0;
  const auto ask = [&] {
    node->advance(kMillisecond);
    node->drain(0);
    return std::exchange(probes, node->counter("probes")) != probes;
  };
  for (int i = 0; i < 3000; ++i) {
    if (!ask()) continue;
    const std::uint64_t row = node->passed().back().ordinal;
    node->complete(Ordinals{row}, MAYFLY_PENDING);
    node->push_again(Ordinals{row});
  }
  CHECK(probes > 5);
  CHECK(probes < 15);
  int waited_ms = 0;
  while (!ask()) REQUIRE(++waited_ms < 1000);
  node->complete(Ordinals{node->passed().back().ordinal}, MAYFLY_WRITTEN);
  CHECK(node->held() == 0);
}

TEST_CASE("circuit breaker: a failure is counted and raised once, whatever it was") {
  std::unique_ptr<NodeHarness> node;
  const auto start = [&node](RawOption option) {
    node = breaker_node({{"threshold", std::int64_t{1}}, std::move(option)});
    node->push_rows(3);
  };
  SUBCASE("answers that took too long") {
    start({"slow_call", std::string("2s")});
    node->advance(2 * kSecond + 1);
    node->complete(first(3), MAYFLY_WRITTEN);
  }
  SUBCASE("an attempt that took long and failed") {
    start({"slow_call", std::string("1ms")});
    node->advance(kSecond);
    node->complete(first(2), MAYFLY_WRITTEN);
    node->complete(Ordinals{2}, MAYFLY_PENDING);
  }
  SUBCASE("a signal that was named") {
    start({"failure_signals", Names{"write.busy*", "write.*"}});
    node->signal("write.busy");
  }
  CHECK(node->counter("failures") == 1);
  CHECK(node->signals() == Signals{"circuit-failure", "circuit-open"});
  node->push_rows(1);
  CHECK(node->held() == 1);
}

TEST_CASE("circuit breaker: probes that fail are counted and raised once each") {
  const auto node = breaker_node({{"threshold", std::int64_t{1}},
                                  {"open_for", std::string("10s")},
                                  {"probes", std::int64_t{3}},
                                  {"probe_timeout", std::string("3s")},
                                  {"slow_call", std::string("2s")}});
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(9);
  node->advance(10 * kSecond);
  CHECK(node->counter("probes") == 3);
  node->advance(2 * kSecond + 1);
  node->complete(first(3, 1), MAYFLY_WRITTEN);  // too late
  CHECK(node->counter("failures") == 2);
  node->advance(10 * kSecond);
  CHECK(node->counter("probes") == 6);
  node->advance(3 * kSecond);  // never
  CHECK(node->counter("failures") == 3);
  node->advance(5 * kSecond);
  CHECK(node->counter("failures") == 3);
  CHECK(node->signals() == Signals{"circuit-failure", "circuit-open",       //
                                   "circuit-half-open", "circuit-failure",  //
                                   "circuit-open", "circuit-half-open",     //
                                   "circuit-failure", "circuit-open"});
}

// A breaker that hears another's failures by two of its listens, so by two calls without process
// between them: the first finds that its time is over and lets a probe go, the second opens it
// again before that has come.
std::unique_ptr<NodeHarness> interrupted_node(std::int64_t probes) {
  return breaker_node({{"threshold", std::int64_t{1}},
                       {"open_for", std::string("10s")},
                       {"probes", probes},
                       {"probes_to_close", std::int64_t{4}},
                       {"probe_timeout", std::string("3s")},
                       {"failure_signals", Names{"circuit-failure*"}}});
}
void interrupt(NodeHarness& node) {
  node.clock().advance(10 * kSecond);  // no timer runs yet
  node.signal("circuit-failure:other");
}

TEST_CASE("circuit breaker: a probe that is let go passes, though it opens before that has come") {
  const auto node = interrupted_node(2);
  node->push_rows(1);
  fail(*node, 0, 1);
  node->push_rows(5);
  interrupt(*node);

  CHECK(node->signals() == Signals{"circuit-failure", "circuit-open", "circuit-half-open",  //
                                   "circuit-open"});
  CHECK(node->port(0) == first(3));
  CHECK(node->counter("probes") == 2);
  CHECK(node->held() == 3);
  node->push_rows(1);
  // What has passed is no probe of the half-open state that follows: two more may be out.
  node->advance(10 * kSecond);
  CHECK(node->port(0) == first(5));
  CHECK(node->counter("probes") == 4);
  CHECK(node->set_option({"state", std::string("closed")}).ok());
  CHECK(node->port(0) == first(7));
}

TEST_CASE("circuit breaker: whatever changes its state, and when, no row overtakes another") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto node = interrupted_node(1 + static_cast<std::int64_t>(seed % 3));
    const auto choose = [&](const char* state) {
      CHECK(node->set_option({"state", std::string(state)}).ok());
    };
    std::uint64_t next = 0;
    for (int i = 0; i < 400; ++i) {
      switch (rng.below(8)) {
        case 0:
          node->push_rows(1 + static_cast<std::uint32_t>(rng.below(20)));
          break;
        case 1:
          interrupt(*node);
          break;
        case 2:
          node->signal("circuit-failure:other");
          break;
        case 3:
          node->advance(static_cast<std::int64_t>(rng.below(12 * kSecond)));
          break;
        case 4:
          choose(std::array{"auto", "open", "closed"}[rng.below(3)]);
          break;
        default:
          if (node->passed().empty()) break;
          node->complete(Ordinals{node->passed().back().ordinal},
                         rng.below(4) == 0 ? MAYFLY_PENDING : MAYFLY_WRITTEN);
      }
      const Ordinals out = node->port(0);
      REQUIRE(out == first(out.size(), next));
      REQUIRE(node->rejected().empty());
      if (out.size() < 50) continue;
      next += out.size();
      node->clear();
    }
    choose("closed");
    CHECK(node->held() == 0);
    CHECK(node->conserves());
    CHECK(node->violations().empty());
  }
}

// What is behind an ordinary start: an earlier run's signals, each at its own time.
struct Restored {
  explicit Restored(std::vector<RawOption> options) {
    options.push_back({"window", std::string("30s")});
    node = breaker_node(options);
    opened_ns = node->clock().now_ns();
  }
  void restore(std::string_view name, std::int64_t age_ns) {
    node->signal(name, opened_ns - age_ns);
  }
  bool is_open() {
    node->push_rows(1);
    return node->held() > 0;
  }
  std::uint64_t raised(std::string_view name) const {
    return static_cast<std::uint64_t>(std::ranges::count(node->signals(), name));
  }
  std::unique_ptr<NodeHarness> node;
  std::int64_t opened_ns = 0;
};

TEST_CASE("circuit breaker: its own failures of an earlier run count, and aren't raised again") {
  Restored after({{"threshold", std::int64_t{3}}, {"name", std::string("orders")}});
  after.restore("circuit-failure:orders", 31 * kSecond);
  after.restore("circuit-failure", kSecond);
  after.restore("circuit-failure:other", kSecond);
  after.restore("circuit-failure:orders", 29 * kSecond);
  after.restore("circuit-failure:orders", kSecond);
  CHECK_FALSE(after.is_open());
  after.node->advance(kMillisecond);
  after.node->complete(Ordinals{0}, MAYFLY_PENDING);
  CHECK(after.is_open());
  CHECK(after.raised("circuit-failure:orders") == 1);
  CHECK(after.node->counter("failures") == 1);
}

TEST_CASE("circuit breaker: a failure that two restored signals tell of counts once") {
  const std::vector<RawOption> options = {{"threshold", std::int64_t{4}},
                                          {"failure_signals", Names{"write.busy*"}}};
  SUBCASE("its own is heard behind the one that it was raised for") {
    Restored after(options);
    for (const std::int64_t age : {3, 2, 1}) {
      after.restore("write.busy", age * kSecond);
      after.restore("circuit-failure", age * kSecond - 1);
    }
    CHECK_FALSE(after.is_open());
    after.node->signal("write.busy");
    CHECK(after.is_open());
  }
  SUBCASE("all of its own are heard first, and it had failures besides") {
    Restored after(options);
    for (const std::int64_t age : {3, 2, 1}) after.restore("circuit-failure", age * kSecond);
    for (const std::int64_t age : {2, 1}) after.restore("write.busy", age * kSecond);
    CHECK_FALSE(after.is_open());
    CHECK(after.raised("circuit-failure") == 0);
    CHECK(after.node->counter("failures") == 0);
    after.restore("circuit-failure", kSecond);
    CHECK(after.is_open());
  }
  SUBCASE("what came before it was open, and it has never told of, it tells of") {
    Restored after(options);
    for (const std::int64_t age : {40, 3, 2, 1}) after.restore("write.busy", age * kSecond);
    CHECK_FALSE(after.is_open());
    CHECK(after.raised("circuit-failure") == 3);
    CHECK(after.node->counter("failures") == 3);
  }
}

TEST_CASE("circuit breaker: failures of breakers that it counts go round no circle") {
  SUBCASE("its own") {
    const auto node = breaker_node(
        {{"threshold", std::int64_t{2}}, {"failure_signals", Names{"circuit-failure*"}}});
    node->push_rows(2);
    fail(*node, 0, 1);
    for (const std::string& raised : Signals(node->signals())) node->signal(raised);
    CHECK(node->counter("failures") == 1);
    CHECK(node->signals() == Signals{"circuit-failure"});
  }
  SUBCASE("another's is known already, and may be what that one counts in turn") {
    Restored after({{"threshold", std::int64_t{3}},
                    {"name", std::string("a")},
                    {"failure_signals", Names{"circuit-failure:b"}}});
    after.restore("circuit-failure:b", kSecond);
    after.restore("circuit-failure:a", kSecond);
    CHECK_FALSE(after.is_open());
    after.node->signal("circuit-failure:b");
    CHECK(after.is_open());
    CHECK(after.node->counter("failures") == 1);
    CHECK(after.node->signals() == Signals{"circuit-open:a"});
  }
}

}  // namespace
}  // namespace mayfly
