#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> aware_node(std::vector<RawOption> options) {
  return open_node("signal_aware", std::move(options));
}

// Cancelled by circuit-open*, deferred by backpressure.*, resumed by relief*.
std::unique_ptr<NodeHarness> seed_node(std::vector<RawOption> options = {}) {
  options.push_back({"cancel_on", Names{"circuit-open*"}});
  options.push_back({"defer_on", Names{"backpressure.*"}});
  options.push_back({"resume_on", Names{"relief*"}});
  return aware_node(std::move(options));
}

TEST_CASE("signal aware: without a signal, or with another one, rows pass") {
  const auto node = seed_node();
  node->signal("circuit-closed");
  node->push_rows(5);
  CHECK(node->port(0) == first(5));
}

// P15: the seed's atom never looked at the sink.
TEST_CASE("signal aware: while a cancelling signal is present rows are dropped (C124, P15)") {
  const auto node = seed_node();
  node->signal("circuit-open:api");
  node->push_rows(5);
  CHECK(node->passed().empty());
  REQUIRE(node->dropped().size() == 5);
  CHECK(node->dropped()[0].reason == "cancelled_by_signal");
  CHECK(node->counter("cancelled") == 5);

  node->retract("circuit-open:api");
  node->push_rows(3);
  CHECK(node->port(0) == first(3, 5));
}

TEST_CASE("signal aware: rows wait in order while a deferring signal is present") {
  const auto node = seed_node();
  node->push_rows(2);
  node->signal("backpressure.downstream");
  node->push_rows(3);
  node->push_rows(4);
  CHECK(node->port(0) == first(2));
  CHECK(node->held() == 7);
  CHECK(node->signals() == Names{"rows.deferring"});
  CHECK(node->counter("deferred") == 7);
}

// P5: the seed promises that a retraction lets work go on, and had none.
TEST_CASE("signal aware: a retraction lets rows go on within the check interval (P5)") {
  const auto node = seed_node();
  node->signal("backpressure.downstream");
  node->push_rows(6);
  node->advance(350 * kMillisecond);
  node->retract("backpressure.downstream");
  node->advance(100 * kMillisecond);
  CHECK(node->port(0) == first(6));
  CHECK(node->signals() == Names{"rows.deferring", "-rows.deferring", "rows.resumed:6"});
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("signal aware: a row that comes after the retraction doesn't wait at all") {
  const auto node = seed_node({{"check_interval", std::string("1h")}});
  node->signal("backpressure.downstream");
  node->retract("backpressure.downstream");
  node->push_rows(1);
  CHECK(node->held() == 0);
}

TEST_CASE("signal aware: a resuming signal ends the wait, until the next deferring one") {
  const auto node = seed_node();
  node->signal("backpressure.downstream");
  node->push_rows(3);
  node->signal("relief");
  // Though the signal that made them wait is still present.
  node->push_rows(3);
  CHECK(node->port(0) == first(6));
  node->signal("backpressure.downstream");
  node->push_rows(1);
  CHECK(node->held() == 1);
}

TEST_CASE("signal aware: no row waits for longer than max_defer, and that is told") {
  const auto node = seed_node({{"max_defer", std::string("3200ms")}});
  node->signal("backpressure.downstream");
  node->push_rows(2);
  node->advance(kSecond);
  node->push_rows(1);
  node->advance(2200 * kMillisecond);
  CHECK(node->port(0) == first(2));
  CHECK(node->held() == 1);
  node->advance(kSecond);
  CHECK(node->port(0) == first(3));
  CHECK(node->counter("exhausted") == 3);
  CHECK(node->signals() ==
        Names{"rows.deferring", "rows.defer.exhausted:2", "rows.defer.exhausted:1"});
}

TEST_CASE("signal aware: rows that waited for too long can be dropped, or be dead letters") {
  for (const std::string fate : {"drop", "dead_letter"}) {
    CAPTURE(fate);
    const auto node = seed_node({{"on_max_defer", fate}});
    node->signal("backpressure.downstream");
    node->push_rows(2);
    node->advance(4 * kSecond);
    node->push_rows(2);
    node->advance(kSecond);
    const auto& judged = fate == "drop" ? node->dropped() : node->rejected();
    REQUIRE(judged.size() == 2);
    CHECK(judged[1].ordinal == 1);
    CHECK(judged[1].reason == "deferred_too_long");
    node->signal("relief");
    CHECK(node->port(0) == Ordinals{2, 3});
  }
}

TEST_CASE("signal aware: without a limit rows wait for as long as the signal is present") {
  const auto node = seed_node({{"max_defer", std::string("0s")}});
  node->signal("backpressure.downstream");
  node->push_rows(1);
  node->advance(60 * kSecond);
  CHECK(node->held() == 1);
  CHECK(node->set_option({"max_defer", std::string("1s")}).ok());
  node->advance(kSecond);
  CHECK(node->held() == 0);
}

TEST_CASE("signal aware: a cancelling signal drops what waits, too") {
  const auto node = seed_node();
  node->signal("backpressure.downstream");
  node->push_rows(4);
  node->signal("circuit-open");
  CHECK(node->held() == 0);
  CHECK(node->dropped().size() == 4);
  CHECK(node->conserves());
}

TEST_CASE("signal aware: draining lets rows wait no longer than half of its time, in order") {
  const auto node = seed_node({{"max_defer", std::string("0s")}});
  node->signal("backpressure.downstream");
  node->push_rows(7);
  node->push_rows(8);
  const std::int64_t begin = node->clock().now_ns();
  CHECK(node->drain(60 * kSecond) == 0);
  CHECK(node->clock().now_ns() - begin == 30 * kSecond);
  CHECK(node->port(0) == first(15));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("signal aware: resume_on without defer_on is refused") {
  CHECK(try_node("signal_aware", {{"resume_on", Names{"relief"}}}).status().message() ==
        "resume_on: expected defer_on beside it, found none; name the signals that make rows wait");
}

}  // namespace
}  // namespace mayfly
