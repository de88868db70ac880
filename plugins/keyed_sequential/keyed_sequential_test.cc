#include <doctest/doctest.h>

#include <algorithm>

#include "mayfly/base/rng.h"
#include "tests/support/letter_node.h"

namespace mayfly {
namespace {

using namespace testing;

struct Keyed : LetterNode {
  explicit Keyed(std::vector<RawOption> options = {})
      : LetterNode("keyed_sequential", std::move(options)) {}
};

TEST_CASE("keyed sequential: a1, b1, a2, b2, a3 keep the order of their key (C122)") {
  Keyed keyed;
  keyed.push("ababa");
  CHECK(keyed.node->port(0) == Ordinals{0, 1});
  keyed.answer(1);
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 3});
  keyed.answer(0);
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 3, 2});
  keyed.answer(2);
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 3, 2, 4});
  CHECK(keyed.node->counter("waited") == 3);
  CHECK(keyed.node->violations().empty());
}

TEST_CASE("keyed sequential: each row is answered under its own number (C123)") {
  Keyed keyed;
  keyed.push("abc");
  Ordinals passed;
  for (const NodeHarness::Passed& row : keyed.node->passed()) {
    const mayfly_batch& batch = *keyed.node->pool().batch(row.ref);
    CHECK(batch.ordinal[row_of(row.ref)] == row.ordinal);
    passed.push_back(row.ordinal);
  }
  CHECK(passed == Ordinals{0, 1, 2});
}

TEST_CASE("keyed sequential: a hot key holds back itself alone (P7)") {
  Keyed keyed;
  keyed.push("aaaaaaaaab");
  keyed.push("aac");
  CHECK(keyed.out() == "abc");
  CHECK(keyed.node->held() == 10);
}

TEST_CASE("keyed sequential: a cold key waits for turns, not for a hot one's backlog (P8)") {
  Keyed keyed({{"limit", std::int64_t{1}}, {"per_key", std::int64_t{1}}});
  keyed.push("aaaaaaaa");
  keyed.push("bc");
  keyed.answer(0);
  keyed.answer(keyed.node->passed().back().ordinal);
  keyed.answer(keyed.node->passed().back().ordinal);
  keyed.answer(keyed.node->passed().back().ordinal);
  CHECK(keyed.out() == "abcaa");
}

TEST_CASE("keyed sequential: a new row never overtakes one of its key that waits") {
  Keyed keyed({{"per_key", std::int64_t{2}}});
  keyed.push("aaa");
  keyed.answer(0);
  keyed.push("a");
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 2});
  keyed.answer(2);
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 2, 3});
}

TEST_CASE("keyed sequential: rows of several columns, of NULL and of numbers are told apart") {
  auto made = try_node("keyed_sequential", {{"key", Names{"name", "ID"}}});
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  const auto node = std::move(made).value();
  mayfly_batch* batch = node->new_batch();
  const auto row = [&](std::int64_t id, const char* name) {
    put_int64(*batch, 0, id);
    if (name != nullptr) REQUIRE(put_text(*batch, 1, name));
    commit_row(*batch, {.ordinal = batch->rows, .byte_end = 0, .line = 0});
  };
  row(1, "a");
  row(1, nullptr);
  row(2, "a");
  row(1, "a");
  row(1, "");
  row(1, nullptr);
  node->push(batch);
  CHECK(node->port(0) == Ordinals{0, 1, 2, 4});
}

TEST_CASE("keyed sequential: the limit in all bounds different keys, and both limits may change") {
  Keyed keyed({{"limit", std::int64_t{2}}});
  keyed.push("abcdaa");
  CHECK(keyed.out() == "ab");
  REQUIRE(keyed.node->set_option({"limit", std::int64_t{3}}).ok());
  CHECK(keyed.out() == "abc");
  REQUIRE(keyed.node->set_option({"limit", std::int64_t{1}}).ok());
  keyed.answer(0);
  keyed.answer(1);
  CHECK(keyed.out() == "abc");
  REQUIRE(keyed.node->set_option({"limit", std::int64_t{10}}).ok());
  CHECK(keyed.out() == "abcda");
  REQUIRE(keyed.node->set_option({"per_key", std::int64_t{2}}).ok());
  CHECK(keyed.out() == "abcdaa");
  CHECK(keyed.node->counter("highest") == 4);
}

TEST_CASE(
    "keyed sequential: the key of a failed attempt is free, and the row stands in line again") {
  Keyed keyed;
  keyed.push("aa");
  keyed.answer(0, MAYFLY_PENDING);
  CHECK(keyed.node->port(0) == Ordinals{0, 1});
  keyed.node->push_again(Ordinals{0});
  CHECK(keyed.node->held() == 1);
  keyed.answer(1, MAYFLY_DEAD_LETTERED);
  CHECK(keyed.node->port(0) == Ordinals{0, 1, 0});
  CHECK(keyed.node->counter("failed") == 2);
}

TEST_CASE("keyed sequential: whatever comes and is answered, no two of a key are in flight") {
  const std::uint64_t seed = 5;
  CAPTURE(seed);
  Rng rng(seed);
  Keyed keyed({{"limit", std::int64_t{7}}});
  Ordinals in_flight;
  std::size_t seen = 0;
  std::vector<std::uint64_t> newest(10, 0);
  for (int step = 0; step < 3000; ++step) {
    if (rng.below(3) == 0 && keyed.letters.size() < 4000) {
      std::string letters(1 + rng.below(6), 'a');
      for (char& letter : letters) letter = static_cast<char>('a' + rng.below(10));
      keyed.push(letters);
    } else if (!in_flight.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(rng.below(in_flight.size()));
      const std::uint64_t row = in_flight[static_cast<std::size_t>(at)];
      in_flight.erase(in_flight.begin() + at);
      keyed.answer(row);
    }
    for (; seen < keyed.node->passed().size(); ++seen) {
      const std::uint64_t row = keyed.node->passed()[seen].ordinal;
      const auto key = static_cast<std::size_t>(keyed.letters[row] - 'a');
      for (const std::uint64_t other : in_flight)
        REQUIRE(keyed.letters[other] != keyed.letters[row]);
      REQUIRE((newest[key] == 0 || newest[key] < row));
      newest[key] = row;
      in_flight.push_back(row);
    }
    REQUIRE(in_flight.size() <= 7);
    if (keyed.node->held() == 0 && in_flight.empty()) keyed.node->clear(), seen = 0;
    if (keyed.node->pool().free_batches(BatchPool::Part::kIntake) < 2) break;
  }
  CHECK(keyed.node->violations().empty());
}

TEST_CASE("keyed sequential: draining lets all go, as answers come, and loses none") {
  Keyed keyed;
  keyed.push("aaabbacccab");
  std::size_t answered = 0;
  while (keyed.node->drain() > 0) {
    REQUIRE(answered < keyed.node->passed().size());
    keyed.answer(keyed.node->passed()[answered++].ordinal);
  }
  CHECK(keyed.node->port(0).size() == 11);
  CHECK(keyed.node->conserves());
  CHECK(keyed.node->violations().empty());
}

TEST_CASE("keyed sequential: a key that isn't there, or none, is refused by name") {
  const auto unknown = try_node("keyed_sequential", {{"key", Names{"id", "customer"}}});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().message() ==
        "key: expected a column that comes in (id, name), found \"customer\"; name one of them");
  CHECK_FALSE(try_node("keyed_sequential", {}).ok());
  CHECK_FALSE(try_node("keyed_sequential", {{"key", Names{}}}).ok());
  CHECK_FALSE(
      try_node("keyed_sequential", {{"key", Names{"id"}}, {"per_key", std::int64_t{0}}}).ok());
  CHECK_FALSE(
      try_node("keyed_sequential", {{"key", Names{"id"}}, {"limit", std::int64_t{0}}}).ok());
  Keyed keyed;
  CHECK_FALSE(keyed.node->set_option({"key", Names{"id"}}).ok());
}

}  // namespace
}  // namespace mayfly
