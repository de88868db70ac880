#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> watcher_node(std::vector<RawOption> options = {}) {
  return open_node("signal_log_watcher", std::move(options));
}

TEST_CASE("signal log watcher: what matches is logged once, and nothing else (C145)") {
  const auto node = watcher_node();
  node->signal("info.ready");
  node->signal("error.timeout:api");
  node->advance(60 * kSecond);
  REQUIRE(node->logged().size() == 1);
  CHECK(node->logged()[0].text == "signal error.timeout:api");
  CHECK(node->logged()[0].level == MAYFLY_LOG_WARN);
}

TEST_CASE("signal log watcher: the same name twice is two signals, two globs are one") {
  const auto node = watcher_node({{"signals", Names{"error.*", "*.disk"}}});
  node->signal("error.disk");
  node->signal("error.disk");
  CHECK(node->counter("logged") == 2);
}

TEST_CASE("signal log watcher: a flood is counted, and told in one line") {
  const auto node = watcher_node({{"rate", std::int64_t{1}}, {"burst", std::int64_t{3}}});
  for (int i = 0; i < 1000; ++i) node->signal("error.x");
  CHECK(node->logged().size() == 3);
  node->advance(kSecond);
  REQUIRE(node->logged().size() == 4);
  CHECK(node->logged()[3].text ==
        "997 more signals came than are logged; raise rate or burst to see them");
  CHECK(node->counter("matches") == 1000);
  CHECK(node->counter("suppressed") == 997);
  CHECK(node->next_due_ns() == kNever);
  node->signal("error.y");
  CHECK(node->logged().back().text == "signal error.y");
}

TEST_CASE("signal log watcher: a flood that doesn't end is told of each second") {
  const auto node = watcher_node({{"rate", std::int64_t{1}}, {"burst", std::int64_t{1}}});
  for (int i = 0; i < 5000; ++i) {
    node->signal("error.x");
    node->advance(kMillisecond);
  }
  // About a line and a sum each second.
  CHECK(node->logged().size() >= 8);
  CHECK(node->logged().size() <= 11);
}

TEST_CASE("signal log watcher: at the end nothing that was counted is left untold") {
  const auto node = watcher_node({{"rate", std::int64_t{1}}, {"burst", std::int64_t{1}}});
  for (int i = 0; i < 3; ++i) node->signal("error.x");
  node->push_rows(3);
  CHECK(node->drain() == 0);
  CHECK(node->logged().size() == 2);
  CHECK(node->port(0).size() == 3);
  CHECK(node->violations().empty());
}

TEST_CASE("signal log watcher: a name makes one line, and not a long one") {
  const auto node = watcher_node({{"signals", Names{"*"}}});
  node->signal("a\nb");
  node->signal(std::string(1000, 'x'));
  CHECK(node->logged()[0].text == "signal a?b");
  CHECK(node->logged()[1].text == "signal " + std::string(256, 'x') + "...");
}

TEST_CASE("signal log watcher: the level may change while rows flow") {
  const auto node = watcher_node();
  CHECK(node->set_option({"level", std::string("error")}).ok());
  node->signal("error.x");
  CHECK(node->logged()[0].level == MAYFLY_LOG_ERROR);
  CHECK_FALSE(node->set_option({"level", std::string("loud")}).ok());
}

TEST_CASE("signal log watcher: options out of range are refused") {
  CHECK_FALSE(try_node("signal_log_watcher", {{"signals", Names{}}}).ok());
  CHECK_FALSE(try_node("signal_log_watcher", {{"rate", std::int64_t{0}}}).ok());
  CHECK_FALSE(try_node("signal_log_watcher", {{"level", std::string("loud")}}).ok());
}

}  // namespace
}  // namespace mayfly
