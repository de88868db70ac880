#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> reads_node(std::vector<RawOption> options = {}) {
  return open_node("signal_coordinated_reads", options);
}

// The seed's example went on by a timeout alone: nothing cleared update.in-progress.
TEST_CASE("coordinated reads: rows wait for the end of an update, and go on at once, in order") {
  const auto node = reads_node();
  node->push_rows(2);
  node->signal("update.in-progress");
  node->push_rows(3);
  node->push_rows(4);
  CHECK(node->port(0) == first(2));
  CHECK(node->held() == 7);
  node->signal("update.done");
  CHECK(node->port(0) == first(9));
  CHECK(node->signals() == Names{"read.waiting", "-read.waiting", "read.resumed:7"});
  CHECK(node->counter("waited") == 7);
  // Though update.in-progress is still present.
  node->push_rows(1);
  CHECK(node->held() == 0);
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("coordinated reads: the updater hears when every row that passed before is answered") {
  const auto node = reads_node();
  node->push_rows(3);
  node->complete(Ordinals{0}, MAYFLY_WRITTEN);
  node->signal("update.in-progress");
  node->complete(Ordinals{2}, MAYFLY_DEAD_LETTERED);
  CHECK(node->signals().empty());
  node->complete(Ordinals{1}, MAYFLY_PENDING);
  CHECK(node->signals() == Names{"read.quiesced"});
  node->signal("update.done");
  CHECK(node->signals() == Names{"read.quiesced", "-read.quiesced"});
  // With nothing on its way, at once.
  node->signal("update.in-progress");
  CHECK(node->signals().back() == "read.quiesced");
  node->clear();
  // Rows that had waited are on their way as others are.
  node->push_rows(1);
  node->signal("update.done");
  node->signal("update.in-progress");
  CHECK(node->signals().back() == "read.resumed:1");
  node->complete(Ordinals{3}, MAYFLY_WRITTEN);
  CHECK(node->signals().back() == "read.quiesced");
}

TEST_CASE("coordinated reads: of several updates the last one's end counts") {
  const auto node = reads_node();
  node->signal("update.in-progress:a");
  node->signal("update.in-progress:b");
  node->push_rows(1);
  node->signal("update.done:b");
  CHECK(node->held() == 1);
  node->signal("update.done:a");
  CHECK(node->held() == 0);
  // An end of nothing changes nothing.
  node->signal("update.done");
  node->signal("update.in-progress");
  node->push_rows(1);
  CHECK(node->held() == 1);
  CHECK(node->counter("updates") == 2);
}

TEST_CASE("coordinated reads: a retraction ends the update, too") {
  const auto node = reads_node();
  node->signal("update.in-progress");
  node->push_rows(1);
  node->advance(kSecond);
  node->retract("update.in-progress");
  CHECK(node->held() == 1);
  node->advance(20 * kMillisecond);
  CHECK(node->held() == 0);
  node->signal("update.in-progress");
  node->retract("update.in-progress");
  node->push_rows(1);
  CHECK(node->held() == 0);
}

TEST_CASE("coordinated reads: an updater that died keeps rows for max_wait once, and not each") {
  const auto node = reads_node({{"max_wait", std::string("5s")}});
  node->signal("update.in-progress");
  node->advance(60 * kSecond);
  node->push_rows(2);
  node->advance(4 * kSecond);
  node->push_rows(2);
  CHECK(node->held() == 4);
  node->advance(kSecond);
  CHECK(node->port(0) == first(4));
  node->push_rows(1);
  CHECK(node->held() == 0);
  CHECK(node->counter("exhausted") == 4);
}

TEST_CASE("coordinated reads: max_wait may change while rows wait") {
  const auto node = reads_node({{"max_wait", std::string("0s")}});
  node->signal("update.in-progress");
  node->push_rows(1);
  node->advance(3600 * kSecond);
  CHECK(node->held() == 1);
  CHECK(node->set_option({"max_wait", std::string("1s")}).ok());
  CHECK(node->held() == 0);
}

TEST_CASE("coordinated reads: other signals can be named") {
  const auto node =
      reads_node({{"in_progress", Names{"schema.changing"}}, {"done", Names{"schema.changed"}}});
  node->signal("update.in-progress");
  node->push_rows(1);
  CHECK(node->held() == 0);
  node->signal("schema.changing");
  node->push_rows(1);
  CHECK(node->held() == 1);
  node->signal("schema.changed");
  CHECK(node->held() == 0);
}

TEST_CASE("coordinated reads: draining waits for the end of an update, but not too long") {
  const auto node = reads_node({{"max_wait", std::string("0s")}});
  node->signal("update.in-progress");
  node->push_rows(7);
  node->push_rows(8);
  const std::int64_t begin = node->clock().now_ns();
  CHECK(node->drain(60 * kSecond) == 0);
  CHECK(node->clock().now_ns() - begin == 30 * kSecond);
  CHECK(node->port(0) == first(15));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

}  // namespace
}  // namespace mayfly
