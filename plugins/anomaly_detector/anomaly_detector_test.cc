#include <doctest/doctest.h>

#include "mayfly/data/batch_view.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> detector_node(std::int64_t threshold, std::string window,
                                           std::vector<RawOption> options = {}) {
  options.push_back({"threshold", threshold});
  options.push_back({"window", std::move(window)});
  return open_node("anomaly_detector", std::move(options));
}

TEST_CASE("anomaly detector: the threshold within the window is an anomaly (C144)") {
  const auto node = detector_node(2, "5s");
  node->signal("error.timeout");
  node->signal("info.ready");
  CHECK(node->signals().empty());
  node->advance(4 * kSecond);
  node->signal("error.disk:full");
  CHECK(node->signals() == Names{"anomaly.detected"});
  CHECK(node->counter("matches") == 2);
}

TEST_CASE("anomaly detector: a signal that left the window counts no more (C144)") {
  const auto node = detector_node(2, "100ms");
  node->signal("error.timeout");
  node->advance(100 * kMillisecond);
  node->signal("error.timeout");
  CHECK(node->signals().empty());
}

TEST_CASE("anomaly detector: it is told once, and cleared when the window has moved on") {
  const auto node = detector_node(3, "10s", {{"name", std::string("disk")}});
  for (int i = 0; i < 6; ++i) {
    node->signal("error.disk");
    node->advance(kSecond);
  }
  CHECK(node->signals() == Names{"anomaly.detected:disk"});
  // The third last came 3 s ago.
  node->advance(7 * kSecond - 1);
  CHECK(node->signals().size() == 1);
  node->advance(1);
  CHECK(node->signals() ==
        Names{"anomaly.detected:disk", "-anomaly.detected:disk", "anomaly.cleared:disk"});
  CHECK(node->next_due_ns() == kNever);
  for (int i = 0; i < 3; ++i) node->signal("error.disk");
  CHECK(node->counter("anomalies") == 2);
}

TEST_CASE("anomaly detector: a signal that several of its globs match counts once") {
  const auto node = detector_node(2, "10s", {{"signals", Names{"error.*", "*.disk"}}});
  node->signal("error.disk");
  CHECK(node->signals().empty());
  CHECK(node->counter("matches") == 1);
}

TEST_CASE("anomaly detector: the threshold may change while rows flow") {
  const auto node = detector_node(5, "10s");
  for (int i = 0; i < 3; ++i) node->signal("error.x");
  CHECK(node->set_option({"threshold", std::int64_t{3}}).ok());
  CHECK(node->signals() == Names{"anomaly.detected"});
  CHECK(node->set_option({"threshold", std::int64_t{4}}).ok());
  CHECK(node->signals().back() == "anomaly.cleared");
}

TEST_CASE("anomaly detector: rows pass, whatever happens") {
  const auto node = detector_node(1, "1s");
  node->push_rows(5);
  node->signal("error.x");
  node->push_rows(5);
  CHECK(node->port(0).size() == 10);
  CHECK(node->drain() == 0);
  CHECK(node->violations().empty());
}

TEST_CASE("anomaly detector: unusual values of a column are counted and told, and rows pass") {
  const std::vector<RawOption> options = {
      {"column", std::string("ms")}, {"bound", 6.0}, {"memory", std::int64_t{100}}};
  const auto made =
      open_node("anomaly_detector", options, {.columns = {{"ms", ColumnType::kFloat64}}});
  NodeHarness& node = *made;
  mayfly_batch* batch = node.new_batch();
  for (std::uint64_t i = 0; i < 500; ++i) {
    if (i == 300 || i == 400) {
      put_float64(*batch, 0, 1e6);
    } else if (i % 7 != 0) {  // NULL counts for nothing
      put_float64(*batch, 0, 20 + static_cast<double>(i % 10));
    }
    commit_row(*batch, {.ordinal = i});
  }
  node.push(batch);
  CHECK(node.counter("outliers") == 2);
  CHECK(node.signals() == Names{"anomaly.value:2"});
  CHECK(node.port(0).size() == 500);
  CHECK(node.violations().empty());
}

TEST_CASE("anomaly detector: globs that match its own signals are refused") {
  CHECK(try_node("anomaly_detector", {{"signals", Names{"error.*", "anomaly.*"}}})
            .status()
            .message() ==
        "signals: expected globs that don't match its own signals, found \"anomaly.*\", which "
        "matches anomaly.detected; name what it is to count more closely");
  CHECK_FALSE(try_node("anomaly_detector", {{"signals", Names{"*"}}}).ok());
  CHECK_FALSE(
      try_node("anomaly_detector", {{"signals", Names{"*:disk"}}, {"name", std::string("disk")}})
          .ok());
  CHECK(try_node("anomaly_detector", {{"column", std::string("nobody")}}).status().message() ==
        "column: expected a column that comes in (id, name), found \"nobody\"; name one of them");
  CHECK(try_node("anomaly_detector", {{"column", std::string("name")}}).status().message() ==
        "column: expected one of numbers, found \"name\"");
  CHECK_FALSE(try_node("anomaly_detector", {{"signals", Names{}}}).ok());
  CHECK_FALSE(try_node("anomaly_detector", {{"threshold", std::int64_t{0}}}).ok());
}

}  // namespace
}  // namespace mayfly
