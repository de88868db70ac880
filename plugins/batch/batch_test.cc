#include <doctest/doctest.h>

#include "plugins/batch/row_group.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> batch_node(std::int64_t rows, std::string timeout) {
  const std::vector<RawOption> options = {{"rows", rows}, {"timeout", std::move(timeout)}};
  return open_node("batch", options);
}

TEST_CASE("batch: holds rows until a group is full, then lets exactly that group go") {
  const auto node = batch_node(10, "1s");
  node->push_rows(9);
  CHECK(node->passed().empty());
  CHECK(node->held() == 9);

  node->push_rows(3);

  CHECK(node->port(0) == first(10));
  CHECK(node->held() == 2);
  CHECK(node->signals() == std::vector<std::string>{"batch.full:10"});
  CHECK(node->counter("groups") == 1);
}

TEST_CASE("batch: one slice may fill several groups") {
  const auto node = batch_node(100, "1s");

  node->push_rows(350);

  CHECK(node->port(0) == first(300));
  CHECK(node->signals() ==
        std::vector<std::string>{"batch.full:100", "batch.full:100", "batch.full:100"});
}

TEST_CASE("batch: lets a group go when its first row has waited for the timeout") {
  const auto node = batch_node(10, "1s");
  node->push_rows(1);
  node->advance(600 * kMillisecond);
  node->push_rows(2);
  node->advance(399 * kMillisecond);
  CHECK(node->passed().empty());

  node->advance(1 * kMillisecond);

  CHECK(node->port(0) == first(3));
  CHECK(node->signals() == std::vector<std::string>{"batch.timeout:3"});
}

TEST_CASE("batch: rows beyond a full group wait for a timeout of their own") {
  const auto node = batch_node(4, "1s");
  node->push_rows(3);
  node->advance(900 * kMillisecond);
  node->push_rows(3);
  CHECK(node->port(0) == first(4));

  node->advance(999 * kMillisecond);
  CHECK(node->held() == 2);
  node->advance(1 * kMillisecond);

  CHECK(node->port(0) == first(6));
}

TEST_CASE("batch: an idle node has no timer running") {
  const auto node = batch_node(4, "1s");
  node->push_rows(4);
  CHECK(node->held() == 0);
  CHECK(node->next_due_ns() == kNever);
}

TEST_CASE("batch: draining lets all rows go at once, in order") {
  const auto node = batch_node(1000, "1h");
  node->push_rows(7);
  node->push_rows(8);

  CHECK(node->drain() == 0);

  CHECK(node->port(0) == first(15));
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("row group: a timeout that reaches past the end of time never comes due") {
  batch::RowGroup group(10, INT64_MAX);
  group.add(1, 1000);
  CHECK(group.due_ns() == batch::RowGroup::kNever);
  CHECK(group.take(INT64_MAX - 1) == 0);
  CHECK(group.take_some() == 1);
}

}  // namespace
}  // namespace mayfly
