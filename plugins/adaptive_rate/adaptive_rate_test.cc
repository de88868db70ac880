#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

std::unique_ptr<NodeHarness> rate_node(std::int64_t rate, std::vector<RawOption> options = {}) {
  options.push_back({"rate", rate});
  return open_node("adaptive_rate", options);
}

TEST_CASE("adaptive rate: a burst passes at once, the others in order at the rate") {
  const auto node = rate_node(10, {{"burst", std::int64_t{3}}});
  node->push_rows(20);
  CHECK(node->port(0) == first(3));
  node->advance(kSecond + kMillisecond);
  CHECK(node->port(0) == first(13));
  node->advance(kSecond);
  CHECK(node->port(0) == first(20));
  CHECK(node->counter("held") == 17);
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("adaptive rate: a new row never overtakes one that waits") {
  const auto node = rate_node(10, {{"burst", std::int64_t{2}}});
  for (int i = 0; i < 10; ++i) {
    node->push_rows(3);
    node->advance(130 * kMillisecond);
  }
  node->advance(3 * kSecond);
  CHECK(node->port(0) == first(30));
  CHECK(node->violations().empty());
}

TEST_CASE("adaptive rate: a fast rate lets rows go several at a time, and loses none of them") {
  const auto node = rate_node(100'000, {{"burst", std::int64_t{1000}}});
  for (int i = 0; i < 20; ++i) node->push_rows(1000);
  node->advance(kSecond / 10);
  // The burst, and what a tenth of a second allows.
  CHECK(node->passed().size() >= 10'900);
  CHECK(node->passed().size() <= 11'001);
}

// P12: the seed's signals had no effect at all.
TEST_CASE("adaptive rate: a signal stops rows for as long as it says, and halves the rate (P12)") {
  const auto node = rate_node(100, {{"burst", std::int64_t{100}}});
  node->push_rows(100);
  node->signal("rate-limit:250ms");
  node->push_rows(100);
  node->advance(249 * kMillisecond);
  CHECK(node->passed().size() == 100);
  node->advance(2 * kMillisecond);
  CHECK(node->passed().size() == 101);
  node->advance(kSecond);
  CHECK(node->passed().size() == 151);
  CHECK(node->signals() == Signals{"rate.lowered:50"});
  CHECK(node->counter("cuts") == 1);
}

TEST_CASE("adaptive rate: a signal without a time stops rows for retry_after") {
  const auto node = rate_node(1000, {{"retry_after", std::string("2s")}});
  node->signal("rate-limit");
  node->push_rows(1);
  node->advance(2 * kSecond - kMillisecond);
  CHECK(node->held() == 1);
  node->advance(2 * kMillisecond);
  CHECK(node->held() == 0);
}

TEST_CASE("adaptive rate: no signal stops rows for longer than retry_after_max") {
  const auto node = rate_node(1000, {{"retry_after_max", std::string("10s")}});
  node->signal("rate-limit:99999999999999999999999ms");
  node->push_rows(1);
  node->advance(10 * kSecond + kMillisecond);
  CHECK(node->held() == 0);
}

TEST_CASE("adaptive rate: a cut doesn't make a block that holds already longer") {
  const auto node = rate_node(100, {{"cooldown", std::string("0s")}});
  node->signal("rate-limit:1000ms");
  node->advance(500 * kMillisecond);
  node->signal("rate-limit:1ms");
  node->push_rows(1);
  node->advance(501 * kMillisecond);
  CHECK(node->held() == 0);
  CHECK(node->signals() == Signals{"rate.lowered:50", "rate.lowered:25"});
}

TEST_CASE("adaptive rate: signals of one moment cut once, and never below min_rate") {
  const auto node = rate_node(100, {{"min_rate", std::int64_t{40}}});
  for (int i = 0; i < 5; ++i) node->signal("rate-limit:0ms");
  CHECK(node->signals() == Signals{"rate.lowered:50"});
  node->advance(kSecond);
  node->signal("rate-limit:0ms");
  node->advance(kSecond);
  node->signal("rate-limit:0ms");
  CHECK(node->signals() == Signals{"rate.lowered:50", "rate.lowered:40"});
  CHECK(node->counter("limited") == 7);
}

TEST_CASE("adaptive rate: quiet time brings the rate back, step by step") {
  const auto node = rate_node(100, {{"step", 0.25}, {"quiet", std::string("3s")}});
  node->signal("rate-limit:0ms");
  node->advance(3 * kSecond - 1);
  CHECK(node->signals().size() == 1);
  node->advance(1);
  node->advance(3 * kSecond);
  CHECK(node->signals() == Signals{"rate.lowered:50", "rate.raised:75", "rate.restored:100"});
  node->advance(3600 * kSecond);
  CHECK(node->signals().size() == 3);
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("adaptive rate: other signals can be named instead") {
  const auto node = rate_node(100, {{"limit_signals", std::vector<std::string>{"api.429*"}}});
  node->signal("rate-limit:1000ms");
  CHECK(node->counter("limited") == 0);
  node->signal("api.429:1000ms");
  node->push_rows(1);
  CHECK(node->held() == 1);
}

TEST_CASE("adaptive rate: rate and burst may change while rows flow") {
  const auto node = rate_node(1);
  node->push_rows(100);
  CHECK(node->passed().size() == 1);
  CHECK(node->set_option({"rate", std::int64_t{100}}).ok());
  node->advance(100 * kMillisecond + kMillisecond);
  CHECK(node->passed().size() == 11);
  CHECK(node->set_option({"burst", std::int64_t{1000}}).ok());
  CHECK(node->passed().size() == 100);
  CHECK(node->port(0) == first(100));
  CHECK_FALSE(node->set_option({"per", std::string("2s")}).ok());
}

TEST_CASE("adaptive rate: draining hurries where the deadline would be missed, in order") {
  const auto node = rate_node(1);
  node->push_rows(1000);
  node->signal("rate-limit:3600000ms");
  const std::int64_t begin = node->clock().now_ns();
  CHECK(node->drain(60 * kSecond) == 0);
  CHECK(node->clock().now_ns() - begin <= 31 * kSecond);
  CHECK(node->port(0) == first(1000));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("adaptive rate: a drain that can keep the rate, or is told to, does") {
  const auto in_time = rate_node(10);
  in_time->push_rows(101);
  const std::int64_t begin = in_time->clock().now_ns();
  CHECK(in_time->drain(60 * kSecond) == 0);
  CHECK(in_time->clock().now_ns() - begin >= 10 * kSecond);

  const auto kept = rate_node(10, {{"drain", std::string("keep")}});
  kept->push_rows(1000);
  const std::uint64_t left = kept->drain(10 * kSecond);
  CHECK(left >= 899);
  CHECK(left <= 900);
}

TEST_CASE("adaptive rate: a rate that can't be is refused") {
  const auto refusal = [](std::vector<RawOption> options) {
    return try_node("adaptive_rate", std::move(options)).status().message();
  };
  CHECK(refusal({{"rate", std::int64_t{5}}, {"min_rate", std::int64_t{6}}}) ==
        "min_rate: expected at most the rate (5), found 6; lower it, or raise the rate");
  CHECK(refusal({{"rate", std::int64_t{2'000'000}}, {"per", std::string("1ms")}}) ==
        "rate: expected at most one row a nanosecond, found 2000000 in 1ms; set a longer "
        "per");
  CHECK(refusal({}).find("rate") != std::string::npos);
}

}  // namespace
}  // namespace mayfly
