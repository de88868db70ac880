#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/letter_node.h"

namespace mayfly {
namespace {

using namespace testing;
using Signals = std::vector<std::string>;

struct Fanout : LetterNode {
  explicit Fanout(std::vector<RawOption> options)
      : LetterNode("controlled_fanout", std::move(options)) {}
};

TEST_CASE("controlled fan-out: the global limit and that of a key both hold (C140)") {
  Fanout fanout({{"limit", std::int64_t{2}}, {"per_key", std::int64_t{1}}});
  fanout.push("aabbc");
  CHECK(fanout.out() == "ab");
  // In flight at a time, of all and of each key.
  std::string in_flight = "ab";
  std::size_t seen = 2;
  std::size_t most = 2;
  for (std::size_t answered = 0; answered < 5; ++answered) {
    const std::uint64_t row = fanout.node->passed()[answered].ordinal;
    in_flight.erase(in_flight.find(fanout.letters[row]), 1);
    fanout.answer(row);
    for (; seen < fanout.out().size(); ++seen) in_flight += fanout.out()[seen];
    most = std::max(most, in_flight.size());
    for (const char key : {'a', 'b', 'c'}) CHECK(std::ranges::count(in_flight, key) <= 1);
  }
  CHECK(most == 2);
  CHECK(fanout.node->counter("highest") == 2);
  CHECK(fanout.out().size() == 5);
  CHECK(fanout.node->violations().empty());
}

TEST_CASE("controlled fan-out: several of a key are in flight, and pass in their order") {
  Fanout fanout({{"limit", std::int64_t{4}}, {"per_key", std::int64_t{3}}});
  fanout.push("aaaaabb");
  CHECK(fanout.out() == "aaab");
  fanout.answer(1);
  // b waited for the limit alone, so it has the turn.
  CHECK(fanout.node->port(0) == Ordinals{0, 1, 2, 5, 6});
  fanout.push("a");
  fanout.answer(0);
  fanout.answer(5);
  fanout.answer(6);
  CHECK(fanout.node->port(0) == Ordinals{0, 1, 2, 5, 6, 3, 4});
  fanout.answer(2);
  CHECK(fanout.node->port(0).back() == 7);
}

TEST_CASE("controlled fan-out: both limits may change while rows flow") {
  Fanout fanout({{"limit", std::int64_t{2}}, {"per_key", std::int64_t{1}}});
  fanout.push("aaabbbc");
  CHECK(fanout.out() == "ab");
  REQUIRE(fanout.node->set_option({"limit", std::int64_t{5}}).ok());
  CHECK(fanout.out() == "abc");
  REQUIRE(fanout.node->set_option({"per_key", std::int64_t{2}}).ok());
  CHECK(fanout.out() == "abcab");
  REQUIRE(fanout.node->set_option({"limit", std::int64_t{1}}).ok());
  for (const std::uint64_t row : {0, 3, 6, 1}) fanout.answer(row);
  CHECK(fanout.out() == "abcab");
  fanout.answer(4);
  CHECK(fanout.out().size() == 6);
}

TEST_CASE("controlled fan-out: it tells when many wait, and takes it back when half have gone") {
  Fanout fanout({{"limit", std::int64_t{1}},
                 {"saturated_at", std::int64_t{4}},
                 {"name", std::string("orders")}});
  fanout.push("abcd");
  CHECK(fanout.node->signals().empty());
  fanout.push("ef");
  CHECK(fanout.node->signals() == Signals{"fanout.saturated:orders"});
  fanout.answer(0);
  fanout.answer(1);
  CHECK(fanout.node->signals().size() == 1);
  fanout.answer(2);
  CHECK(fanout.node->signals() == Signals{"fanout.saturated:orders", "-fanout.saturated:orders"});
  CHECK(fanout.node->counter("saturations") == 1);
  REQUIRE(fanout.node->set_option({"saturated_at", std::int64_t{1}}).ok());
  CHECK(fanout.node->counter("saturations") == 2);
  REQUIRE(fanout.node->set_option({"saturated_at", std::int64_t{0}}).ok());
  fanout.push("ghijkl");
  CHECK(fanout.node->counter("saturations") == 2);
}

TEST_CASE("controlled fan-out: draining lets all go, as answers come, and loses none") {
  Fanout fanout({{"limit", std::int64_t{3}}, {"per_key", std::int64_t{2}}});
  fanout.push("aaaaabbbbccd");
  std::size_t answered = 0;
  while (fanout.node->drain() > 0) {
    REQUIRE(answered < fanout.node->passed().size());
    fanout.answer(fanout.node->passed()[answered++].ordinal);
  }
  CHECK(fanout.out().size() == 12);
  CHECK(fanout.node->conserves());
  CHECK(fanout.node->violations().empty());
}

TEST_CASE("controlled fan-out: limits of none and keys that aren't there are refused") {
  const Names id = {"id"};
  CHECK_FALSE(try_node("controlled_fanout", {{"key", id}, {"limit", std::int64_t{0}}}).ok());
  CHECK_FALSE(try_node("controlled_fanout", {{"key", id}, {"per_key", std::int64_t{0}}}).ok());
  CHECK_FALSE(try_node("controlled_fanout", {}).ok());
  const auto unknown = try_node("controlled_fanout", {{"key", Names{"region"}}});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().message() ==
        "key: expected a column that comes in (id, name), found \"region\"; name one of them");
}

}  // namespace
}  // namespace mayfly
