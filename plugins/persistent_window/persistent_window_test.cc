#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> window_node(std::vector<RawOption> options = {}) {
  return open_node("persistent_window", options);
}

TEST_CASE("persistent window: asks for a store in the writer's database, and passes every row") {
  const auto node = window_node();
  REQUIRE(node->store());
  CHECK(node->store()->database == "");
  CHECK(node->store()->restore_pattern == "circuit-failure,circuit-failure:*");
  CHECK(node->store()->options.restore == 1);
  CHECK(node->store()->options.restore_age_ns == 600 * kSecond);
  CHECK(node->store()->options.flush_interval_ns == kSecond);
  CHECK(node->store()->options.keep_max == 1'000'000);
  CHECK(node->store()->options.keep_age_ns == 30 * 86'400 * kSecond);
  node->push_rows(1000);
  CHECK(node->port(0).size() == 1000);
  CHECK(node->violations().empty());
}

TEST_CASE("persistent window: nothing to restore, and no limit of age, are said as such") {
  const auto node = window_node(
      {{"database", std::string("s.db")}, {"restore", Names{}}, {"keep_age", std::string("0s")}});
  REQUIRE(node->store());
  CHECK(node->store()->database == "s.db");
  CHECK(node->store()->options.restore == 0);
  CHECK(node->store()->options.keep_age_ns == kNever);
}

TEST_CASE("persistent window: the store's figures become counters, each once") {
  const auto node = window_node();
  node->set_store_figures({.struct_size = sizeof(mayfly_store_stats),
                           .flushed = 5,
                           .dropped = 4,
                           .pruned = 3,
                           .restored = 2,
                           .failures = 1});
  node->advance(10 * kSecond);
  CHECK(node->counter("stored") == 5);
  CHECK(node->counter("dropped") == 4);
  CHECK(node->counter("pruned") == 3);
  CHECK(node->counter("restored") == 2);
  CHECK(node->counter("failures") == 1);
}

TEST_CASE("persistent window: a signal of flush_on and the drain ask for a flush") {
  const auto node = window_node({{"flush_on", Names{"checkpoint.*"}}});
  CHECK(node->store_flushes() == 0);
  node->signal("checkpoint.now");
  CHECK(node->store_flushes() == 1);
  node->signal("other");
  CHECK(node->store_flushes() == 1);
  CHECK(node->drain() == 0);
  CHECK(node->store_flushes() == 2);
}

}  // namespace
}  // namespace mayfly
