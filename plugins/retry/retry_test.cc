#include <doctest/doctest.h>

#include <map>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

std::unique_ptr<NodeHarness> retry_node(std::vector<RawOption> options) {
  options.push_back({"jitter", 0.0});
  auto node = open_node("retry", options);
  // As it never happens: the harness makes rows without a failed attempt, and they pass.
  node->push_rows(3);
  REQUIRE(node->port(0) == first(3));
  return node;
}

TEST_CASE("retry: a row waits longer after each failed attempt, up to the cap (C128, C130)") {
  const auto node =
      retry_node({{"initial_delay", std::string("100ms")}, {"max_delay", std::string("250ms")}});
  for (const std::int64_t delay : {100, 200, 250}) {
    node->push_again(Ordinals{0});
    const std::size_t before = node->passed().size();
    CHECK(node->held() == 1);
    node->advance(delay * kMillisecond - 1);
    CHECK(node->passed().size() == before);
    node->advance(1);
    CHECK(node->passed().size() == before + 1);
  }
  CHECK(node->counter("retries") == 3);
  CHECK(node->counter("exhausted") == 0);
}

TEST_CASE("retry: rows of one slice come back together, those of another at another time") {
  const auto node = open_node("retry", {{"initial_delay", std::string("100ms")}, {"jitter", 0.25}});
  const auto push_failed = [&node](std::uint64_t first, std::uint64_t count) {
    mayfly_batch* batch = node->new_batch();
    for (std::uint64_t i = first; i < first + count; ++i) {
      batch->attempt[batch->rows] = 1;
      commit_row(*batch, {.ordinal = i});
    }
    node->push(batch);
  };
  push_failed(0, 8);
  push_failed(20, 3);
  for (int ms = 0; ms < 130; ++ms) node->advance(kMillisecond);
  const auto& passed = node->passed();
  REQUIRE(passed.size() == 11);
  std::map<std::uint64_t, std::int64_t> at;
  for (const auto& row : passed) at[row.ordinal] = row.at_ns;
  for (const std::uint64_t row : {1, 2, 3, 4, 5, 6, 7}) CHECK(at[row] == at[0]);
  for (const std::uint64_t row : {21, 22}) CHECK(at[row] == at[20]);
  CHECK(at[20] != at[0]);
}

TEST_CASE("retry: a row without attempts left is held until a signal, and no dead letter") {
  const auto node = retry_node({{"max_retries", std::int64_t{0}},
                                {"release_on", std::vector<std::string>{"database.back*"}}});
  node->push_again(Ordinals{0, 2});
  node->advance(3600 * kSecond);
  CHECK(node->held() == 2);
  CHECK(node->rejected().empty());
  CHECK(node->counter("exhausted") == 2);

  node->signal("database.back:orders");

  CHECK(node->held() == 0);
  CHECK(node->counter("retries") == 2);
}

// Interleaving aimed at: a probe's rows fail in part just before the writer is back, and come here
// after it was told that the others are written.
TEST_CASE("retry: rows that fail before a probe is written, and come after it, try once more") {
  const auto node =
      retry_node({{"max_retries", std::int64_t{0}}, {"max_delay", std::string("200ms")}});
  node->push_again(Ordinals{0, 1});
  node->signal("pool.stalled");
  REQUIRE(node->held() == 0);
  node->complete(Ordinals{0}, MAYFLY_WRITTEN);
  CHECK(node->counter("exhausted") == 2);
  node->push_again(Ordinals{1});
  CHECK(node->held() == 1);
  CHECK(node->counter("exhausted") == 2);  // it tries on
  node->advance(200 * kMillisecond);
  CHECK(node->held() == 0);

  node->advance(kSecond);
  node->push_again(Ordinals{1});
  node->advance(3600 * kSecond);
  CHECK(node->held() == 1);
}

TEST_CASE("retry: exhausted rows can be dead letters, or dropped, with the reason") {
  for (const std::string fate : {"dead_letter", "drop"}) {
    const auto node = retry_node({{"max_retries", std::int64_t{0}}, {"on_exhausted", fate}});
    node->push_again(Ordinals{1});
    const auto& judged = fate == "drop" ? node->dropped() : node->rejected();
    REQUIRE(judged.size() == 1);
    CHECK(judged[0].ordinal == 1);
    CHECK(judged[0].reason == "retries_exhausted");
    CHECK(node->signals() == Signals{"retry.exhausted:1"});
  }
}

TEST_CASE("retry: no attempt begins after the row's time is over") {
  const auto node = retry_node({{"max_retries", std::int64_t{100}},
                                {"initial_delay", std::string("1s")},
                                {"max_delay", std::string("1s")},
                                {"max_time", std::string("2500ms")}});
  for (int attempt = 0; attempt < 3; ++attempt) {
    node->push_again(Ordinals{0});
    node->advance(kSecond);
  }
  // The last began when the time was over.
  CHECK(node->passed().back().at_ns - node->passed().front().at_ns == 2500 * kMillisecond);
  node->push_again(Ordinals{0});
  node->advance(3600 * kSecond);
  CHECK(node->held() == 1);
  CHECK(node->counter("exhausted") == 1);
}

TEST_CASE("retry: rows that are written after all are counted and told") {
  const auto node = retry_node({});
  node->push_again(Ordinals{0, 1});
  node->advance(kSecond);
  node->complete(Ordinals{0}, MAYFLY_WRITTEN);
  node->complete(Ordinals{1}, MAYFLY_PENDING);
  CHECK(node->counter("succeeded") == 1);
  CHECK(node->signals() == Signals{"retry.attempt.failed:1", "retry.attempt.failed:1",
                                   "retry.succeeded.after.retry:1"});
}

TEST_CASE("retry: while it drains, rows without attempts left go on trying") {
  const auto node = retry_node({{"max_retries", std::int64_t{0}}});
  node->push_again(Ordinals{0});
  CHECK(node->held() == 1);
  CHECK(node->drain() == 0);
  node->push_again(Ordinals{0});
  CHECK(node->held() == 1);
  CHECK(node->counter("exhausted") == 1);
  node->advance(2 * kSecond);
  CHECK(node->held() == 0);
  CHECK(node->violations().empty());
}

}  // namespace
}  // namespace mayfly
