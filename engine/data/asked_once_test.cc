#include "mayfly/data/asked_once.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace mayfly {
namespace {

constexpr std::uint64_t kAll = 0x3333'3333'3333'3333;

TEST_CASE("asked once: a row goes again by the port that it went by, once for each failure") {
  std::uint64_t passed = 0;
  const AskedOnce node(3);
  CHECK(node.is_noted());
  CHECK_FALSE(node.comes_again(passed));
  note_failed_attempt(passed, kAll);
  CHECK_FALSE(node.comes_again(passed));  // it failed before it came here
  for (const std::uint32_t port : {1u, 0u, 1u}) {
    node.note(passed, port);
    CHECK_FALSE(node.comes_again(passed));
    note_failed_attempt(passed, kAll);
    note_failed_attempt(passed, kAll);
    REQUIRE(node.comes_again(passed));
    CHECK(node.port_again(passed) == port);
  }
  node.note(passed, 1);
  CHECK_FALSE(node.comes_again(passed));
}

TEST_CASE("asked once: each node has its own part, the first as the last") {
  for (std::uint32_t at = 0; at < AskedOnce::kNodesMax; ++at) {
    std::uint64_t passed = 0;
    AskedOnce(at).note(passed, 1);
    note_failed_attempt(passed, kAll);
    for (std::uint32_t i = 0; i < AskedOnce::kNodesMax; ++i) {
      CHECK(AskedOnce(i).comes_again(passed) == (i == at));
    }
    AskedOnce((at + 1) % AskedOnce::kNodesMax).note(passed, 0);
    CHECK(AskedOnce(at).port_again(passed) == 1);
    CHECK(AskedOnce(at).comes_again(passed));
  }
}

TEST_CASE("asked once: who is behind the place that failed the row is asked again") {
  std::uint64_t passed = 0;
  const AskedOnce before(1);
  const AskedOnce behind(2);
  before.note(passed, 0);
  behind.note(passed, 0);
  note_failed_attempt(passed, before.left());
  CHECK(before.comes_again(passed));
  CHECK_FALSE(behind.comes_again(passed));
}

TEST_CASE("asked once: without a place nothing is noted") {
  std::uint64_t passed = 0;
  const AskedOnce none;
  CHECK_FALSE(none.is_noted());
  none.note(passed, 0);
  note_failed_attempt(passed, kAll);
  CHECK(passed == 0);
  CHECK_FALSE(none.comes_again(passed));
}

}  // namespace
}  // namespace mayfly
