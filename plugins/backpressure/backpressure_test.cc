#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> pressure_node(std::vector<RawOption> options) {
  return open_node("backpressure", std::move(options));
}

std::unique_ptr<NodeHarness> rows_node(std::int64_t high, std::int64_t low,
                                       std::vector<RawOption> options = {}) {
  options.push_back({"high_rows", high});
  options.push_back({"low_rows", low});
  return pressure_node(std::move(options));
}

TEST_CASE("backpressure: up to the high mark rows pass, the others wait in order") {
  const auto node = rows_node(10, 4);
  node->push_rows(6);
  CHECK(node->signals().empty());
  node->push_rows(6);
  node->push_rows(6);
  CHECK(node->port(0) == first(10));
  CHECK(node->held() == 8);
  CHECK(node->signals() == Names{"backpressure-on"});
  CHECK(node->counter("blocked") == 8);
}

TEST_CASE("backpressure: rows go on at the low mark, and never more than the high one") {
  const auto node = rows_node(10, 4);
  node->push_rows(30);
  node->complete(first(5), MAYFLY_WRITTEN);
  CHECK(node->passed().size() == 10);
  node->complete(first(1, 5), MAYFLY_WRITTEN);
  // Four are on their way, and six go.
  CHECK(node->port(0) == first(16));
  // While rows wait there is pressure, and nobody is told otherwise in between.
  CHECK(node->signals() == Names{"backpressure-on"});
  for (std::uint64_t done = 6; done < 30; done += 6) {
    node->complete(first(6, done), done % 4 == 0 ? MAYFLY_IGNORED : MAYFLY_DEAD_LETTERED);
  }
  CHECK(node->port(0) == first(30));
  CHECK(node->signals() == Names{"backpressure-on", "-backpressure-on", "backpressure-off"});
  CHECK(node->violations().empty());
}

TEST_CASE("backpressure: between the marks it stays as it was") {
  const auto node = rows_node(10, 4, {{"action", std::string("signal")}});
  node->push_rows(9);
  CHECK(node->signals().empty());
  node->push_rows(1);
  node->complete(first(5), MAYFLY_WRITTEN);
  CHECK(node->signals() == Names{"backpressure-on"});
  node->complete(first(1, 5), MAYFLY_WRITTEN);
  CHECK(node->signals().back() == "backpressure-off");
  CHECK(node->counter("engaged") == 1);
}

TEST_CASE("backpressure: a failed attempt leaves room, since its row may have to pass again") {
  const auto node = rows_node(2, 0);
  node->push_rows(3);
  node->complete(first(2), MAYFLY_PENDING);
  CHECK(node->port(0) == first(3));
}

TEST_CASE("backpressure: rows can be shed instead, which is counted") {
  const auto node = rows_node(3, 1, {{"action", std::string("shed")}});
  node->push_rows(5);
  CHECK(node->port(0) == first(3));
  REQUIRE(node->dropped().size() == 2);
  CHECK(node->dropped()[0].reason == "shed");
  CHECK(node->counter("shed") == 2);
  node->complete(first(2), MAYFLY_WRITTEN);
  node->push_rows(1);
  CHECK(node->port(0) == Ordinals{0, 1, 2, 5});
}

TEST_CASE("backpressure: it can be told only, and rows pass") {
  const auto node =
      rows_node(3, 1, {{"action", std::string("signal")}, {"name", std::string("orders")}});
  node->push_rows(50);
  CHECK(node->port(0) == first(50));
  CHECK(node->signals() == Names{"backpressure-on:orders"});
}

TEST_CASE("backpressure: the bytes on their way can be bounded") {
  // An integer and "t0": 18 bytes each.
  const auto node = pressure_node({{"high_rows", std::int64_t{0}},
                                   {"high_bytes", std::int64_t{90}},
                                   {"low_bytes", std::int64_t{36}}});
  node->push_rows(9);
  CHECK(node->port(0) == first(5));
  node->complete(first(2), MAYFLY_WRITTEN);
  CHECK(node->passed().size() == 5);
  node->complete(first(1, 2), MAYFLY_WRITTEN);
  CHECK(node->port(0) == first(9));
  for (std::uint64_t i = 3; i < 9; ++i) node->complete(first(1, i), MAYFLY_WRITTEN);
  node->push_rows(5);
  CHECK(node->held() == 0);
}

TEST_CASE("backpressure: rows go on by bytes after all that was on its way is answered") {
  const auto node = pressure_node({{"high_rows", std::int64_t{0}},
                                   {"high_bytes", std::int64_t{90}},
                                   {"low_bytes", std::int64_t{0}}});
  node->push_rows(12);
  node->complete(first(5), MAYFLY_WRITTEN);
  CHECK(node->passed().size() >= 10);
  CHECK(node->passed().size() <= 11);
}

TEST_CASE("backpressure: the age of the oldest on its way can be bounded") {
  const auto node = pressure_node({{"high_rows", std::int64_t{0}},
                                   {"high_age", std::string("10s")},
                                   {"low_age", std::string("2s")}});
  node->push_rows(2);
  node->advance(5 * kSecond);
  node->push_rows(2);
  CHECK(node->held() == 0);
  node->advance(5 * kSecond);
  CHECK(node->signals() == Names{"backpressure-on"});
  node->push_rows(2);
  CHECK(node->held() == 2);
  // What is left has been on its way for 5 s, more than the low mark.
  node->complete(first(2), MAYFLY_WRITTEN);
  CHECK(node->held() == 2);
  node->complete(first(2, 2), MAYFLY_WRITTEN);
  CHECK(node->port(0) == first(6));
}

// P5: in the seed nothing could take a signal back.
TEST_CASE("backpressure: a signal from outside stops rows until it is retracted (P5)") {
  const auto node = pressure_node({});
  node->signal("backpressure.downstream");
  node->push_rows(4);
  CHECK(node->held() == 4);
  CHECK(node->signals() == Names{"backpressure-on"});
  node->advance(kSecond);
  node->retract("backpressure.downstream");
  node->advance(50 * kMillisecond);
  CHECK(node->port(0) == first(4));
  CHECK(node->signals() == Names{"backpressure-on", "-backpressure-on", "backpressure-off"});
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("backpressure: no row is shed after the signal was retracted") {
  const auto node = pressure_node({{"action", std::string("shed")}});
  node->signal("backpressure.downstream");
  node->push_rows(1);
  node->retract("backpressure.downstream");
  node->push_rows(1);
  CHECK(node->port(0) == Ordinals{1});
}

TEST_CASE("backpressure: high_rows may change while rows wait") {
  const auto node = rows_node(4, 1);
  node->push_rows(20);
  CHECK(node->set_option({"high_rows", std::int64_t{12}}).ok());
  // Between the marks: as it was.
  CHECK(node->passed().size() == 4);
  node->complete(first(3), MAYFLY_WRITTEN);
  CHECK(node->passed().size() == 15);
  CHECK(node->set_option({"high_rows", std::int64_t{0}}).ok());
  CHECK(node->port(0) == first(20));
}

TEST_CASE("backpressure: draining lets all rows go, in order, as answers come") {
  const auto node = rows_node(2, 1);
  node->signal("backpressure.downstream");
  node->push_rows(5);
  const std::int64_t begin = node->clock().now_ns();
  CHECK(node->drain() == 3);
  // The signal counted for half of the time.
  CHECK(node->passed().front().at_ns - begin == 30 * kSecond);
  for (std::uint64_t i = 0; i < 4; ++i) node->complete(first(1, i), MAYFLY_WRITTEN);
  CHECK(node->drain() == 0);
  CHECK(node->port(0) == first(5));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("backpressure: marks that don't fit are refused") {
  const auto refusal = [](std::vector<RawOption> options) {
    return try_node("backpressure", std::move(options)).status().message();
  };
  CHECK(refusal({{"high_rows", std::int64_t{5}}, {"low_rows", std::int64_t{5}}}) ==
        "low_rows: expected less than high_rows (5), found 5");
  CHECK(refusal({{"low_bytes", std::int64_t{5}}}) ==
        "low_bytes: expected less than high_bytes (0), found 5");
  CHECK(refusal({{"high_bytes", std::string("1MiB")}, {"low_bytes", std::string("64MiB")}}) ==
        "low_bytes: expected less than high_bytes (1MiB), found 64MiB");
  CHECK(refusal({{"high_age", std::string("150ms")}, {"low_age", std::string("1s")}}) ==
        "low_age: expected less than high_age (150ms), found 1s");
  CHECK(refusal({{"high_rows", std::int64_t{0}}, {"signals", Names{}}}) ==
        "high_rows: expected high_rows, high_bytes, high_age or signals, found none; without any "
        "there is "
        "never pressure");
}

}  // namespace
}  // namespace mayfly
