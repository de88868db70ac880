#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/letter_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

// A row with a capital letter has priority 1.
struct Lanes : LetterNode {
  explicit Lanes(std::vector<RawOption> options)
      : LetterNode("keyed_priority_fanout", with_priority(std::move(options))) {}
  static std::vector<RawOption> with_priority(std::vector<RawOption> options) {
    options.push_back({"priority_column", std::string("id")});
    return options;
  }
};

TEST_CASE("keyed priority fan-out: a priority row overtakes the normal ones that wait (P9)") {
  Lanes lanes({{"limit", std::int64_t{1}}});
  lanes.push("abcdef");
  lanes.push("X");
  CHECK(lanes.out() == "a");
  lanes.answer_oldest(3);
  CHECK(lanes.out() == "aXbc");
  // Also one that comes when the backlog is half gone.
  lanes.push("Y");
  lanes.answer_oldest(4);
  CHECK(lanes.out() == "aXbcYdef");
  CHECK(lanes.node->counter("priority") == 2);
  CHECK(lanes.node->violations().empty());
}

TEST_CASE("keyed priority fan-out: both limits hold over all lanes (C140)") {
  Lanes lanes({{"limit", std::int64_t{2}}, {"per_key", std::int64_t{1}}});
  lanes.push("aaAbBc");
  CHECK(lanes.out() == "ab");
  // The key a is free again: its priority row goes before its normal one.
  lanes.answer_oldest(1);
  CHECK(lanes.out() == "abA");
  lanes.answer_oldest(1);
  CHECK(lanes.out() == "abAB");
  lanes.answer_oldest(2);
  CHECK(lanes.out() == "abABca");
  CHECK(lanes.node->counter("highest") == 2);
}

TEST_CASE("keyed priority fan-out: within a lane the rows of a key keep their order") {
  Lanes lanes({{"limit", std::int64_t{8}}, {"per_key", std::int64_t{1}}});
  lanes.push("aAaAaA");
  lanes.push("aA");
  lanes.answer_oldest(8);
  CHECK(lanes.node->port(0) == Ordinals{0, 1, 3, 5, 7, 2, 4, 6});
}

TEST_CASE("keyed priority fan-out: beyond its depth a priority row is normal, and it is told") {
  Lanes lanes({{"limit", std::int64_t{1}},
               {"max_priority_depth", std::int64_t{2}},
               {"name", std::string("orders")}});
  lanes.push("abXYZ");
  CHECK(lanes.node->counter("priority_refused") == 1);
  CHECK(lanes.node->signals() == Signals{"priority.saturated:orders"});
  lanes.answer_oldest(2);
  lanes.push("W");
  CHECK(lanes.node->signals() ==
        Signals{"priority.saturated:orders", "-priority.saturated:orders"});
  lanes.answer_oldest(4);
  CHECK(lanes.out() == "aXYWbZ");
}

TEST_CASE("keyed priority fan-out: beyond its depth it can be a dead letter, or dropped") {
  for (const std::string fate : {"dead_letter", "drop"}) {
    Lanes lanes({{"limit", std::int64_t{2}},
                 {"max_priority_depth", std::int64_t{1}},
                 {"on_saturated", fate}});
    lanes.push("aXYZ");
    const auto& judged = fate == "drop" ? lanes.node->dropped() : lanes.node->rejected();
    REQUIRE(judged.size() == 1);
    CHECK(judged[0].ordinal == 3);
    CHECK(judged[0].reason == "priority_saturated");
    lanes.answer_oldest(3);
    CHECK(lanes.out() == "aXY");
    CHECK(lanes.node->conserves());
  }
}

TEST_CASE("keyed priority fan-out: a full lane refuses no row that needn't wait") {
  Lanes lanes({{"limit", std::int64_t{4}},
               {"max_priority_depth", std::int64_t{1}},
               {"on_saturated", std::string("drop")}});
  lanes.push("aA");
  CHECK(lanes.node->held() == 1);
  lanes.push("B");
  CHECK(lanes.out() == "aB");
  CHECK(lanes.node->dropped().empty());
}

TEST_CASE("keyed priority fan-out: while a signal is present, priority rows are refused") {
  Lanes lanes({{"limit", std::int64_t{1}}, {"refuse_priority_on", Names{"overload*"}}});
  lanes.push("ab");
  lanes.node->signal("overload:db");
  lanes.push("X");
  CHECK(lanes.node->counter("priority_refused") == 1);
  lanes.node->retract("overload:db");
  lanes.node->advance(100 * kMillisecond);
  lanes.push("Y");
  lanes.answer_oldest(4);
  CHECK(lanes.out() == "aYbX");
}

TEST_CASE("keyed priority fan-out: more lanes go from the highest to normal") {
  HarnessSettings settings;
  settings.columns = {{"level", ColumnType::kFloat64}, {"name", ColumnType::kText}};
  auto made = try_node("keyed_priority_fanout",
                       {{"key", Names{"name"}},
                        {"priority_column", std::string("LEVEL")},
                        {"lanes", std::int64_t{3}},
                        {"limit", std::int64_t{1}}},
                       settings);
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  const auto node = std::move(made).value();
  mayfly_batch* batch = node->new_batch();
  const double levels[] = {0, -5, 1, 99, 2, std::nan(""), 1.9, 0.5};
  for (const double level : levels) {
    const char key = static_cast<char>('a' + batch->rows);
    put_float64(*batch, 0, level);
    REQUIRE(put_text(*batch, 1, {&key, 1}));
    commit_row(*batch, {.ordinal = batch->rows, .byte_end = 0, .line = 0});
  }
  REQUIRE(put_text(*batch, 1, "null"));
  commit_row(*batch, {.ordinal = batch->rows, .byte_end = 0, .line = 0});
  node->push(batch);
  for (std::size_t i = 0; i < 9; ++i) {
    REQUIRE(i < node->passed().size());
    node->complete(Ordinals{node->passed()[i].ordinal}, MAYFLY_WRITTEN);
  }
  CHECK(node->port(0) == Ordinals{0, 3, 4, 2, 6, 1, 5, 7, 8});
}

TEST_CASE("keyed priority fan-out: without a column the priority is the one that came with a row") {
  auto made = try_node("keyed_priority_fanout", {{"key", Names{"id"}}, {"limit", std::int64_t{1}}});
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  const auto node = std::move(made).value();
  mayfly_batch* batch = node->new_batch();
  for (std::uint32_t row = 0; row < 4; ++row) {
    put_int64(*batch, 0, row);
    commit_row(*batch, {.ordinal = row, .byte_end = 0, .line = 0});
    batch->priority[row] = row == 3 ? 200 : 0;
  }
  node->push(batch);
  node->complete(Ordinals{0}, MAYFLY_WRITTEN);
  CHECK(node->port(0) == Ordinals{0, 3});
}

TEST_CASE("keyed priority fan-out: limits and depth may change while rows flow") {
  Lanes lanes({{"limit", std::int64_t{1}}, {"per_key", std::int64_t{1}}});
  lanes.push("aabXX");
  REQUIRE(lanes.node->set_option({"limit", std::int64_t{3}}).ok());
  CHECK(lanes.out() == "aXb");
  REQUIRE(lanes.node->set_option({"limit", std::int64_t{9}}).ok());
  REQUIRE(lanes.node->set_option({"per_key", std::int64_t{2}}).ok());
  CHECK(lanes.out() == "aXbXa");
  REQUIRE(lanes.node->set_option({"max_priority_depth", std::int64_t{1}}).ok());
  lanes.push("XXX");
  CHECK(lanes.node->counter("priority_refused") == 2);
}

TEST_CASE("keyed priority fan-out: draining lets all go, as answers come, and loses none") {
  Lanes lanes({{"limit", std::int64_t{2}}, {"per_key", std::int64_t{1}}});
  lanes.push("aAbBcCaaAAbbBB");
  while (lanes.node->drain() > 0) lanes.answer_oldest(1);
  CHECK(lanes.out().size() == 14);
  CHECK(lanes.node->conserves());
  CHECK(lanes.node->violations().empty());
}

TEST_CASE("keyed priority fan-out: columns that aren't there or hold no numbers are refused") {
  const RawOption key = {"key", Names{"id"}};
  const auto text =
      try_node("keyed_priority_fanout", {key, {"priority_column", std::string("name")}});
  REQUIRE_FALSE(text.ok());
  CHECK(text.status().message() ==
        "priority_column: expected a column of numbers or of true and false, found \"name\" of "
        "another type; name one that says 0 for normal rows");
  const auto unknown =
      try_node("keyed_priority_fanout", {key, {"priority_column", std::string("urgent")}});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().message() ==
        "priority_column: expected a column that comes in (id, name), found \"urgent\"; name one "
        "of them");
  CHECK_FALSE(try_node("keyed_priority_fanout", {{"key", Names{"customer"}}}).ok());
  CHECK_FALSE(try_node("keyed_priority_fanout", {key, {"lanes", std::int64_t{1}}}).ok());
  CHECK_FALSE(try_node("keyed_priority_fanout", {key, {"lanes", std::int64_t{5}}}).ok());
  CHECK_FALSE(try_node("keyed_priority_fanout", {key, {"on_saturated", std::string("wait")}}).ok());
}

}  // namespace
}  // namespace mayfly
