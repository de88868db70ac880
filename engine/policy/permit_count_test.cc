#include "mayfly/policy/permit_count.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("permit count: no more are out than the limit says") {
  PermitCount permits(3);
  CHECK(permits.take(2) == 2);
  CHECK(permits.take(5) == 1);
  CHECK(permits.take(1) == 0);
  CHECK(permits.out() == 3);
  permits.give_back(2);
  CHECK(permits.free() == 2);
  CHECK(permits.take(9) == 2);
  CHECK(permits.highest() == 3);
}

TEST_CASE(
    "permit count: lowering the limit has an effect under backlog, and no cycle leaks (P10)") {
  PermitCount permits(8);
  CHECK(permits.take(100) == 8);
  for (int cycle = 0; cycle < 3; ++cycle) {
    permits.set_limit(2);
    CHECK(permits.take(100) == 0);
    permits.give_back(6);
    CHECK(permits.take(100) == 0);
    permits.give_back(1);
    CHECK(permits.take(100) == 1);
    permits.set_limit(8);
    CHECK(permits.take(100) == 6);
    CHECK(permits.out() == 8);
  }
  CHECK(permits.highest() == 8);
}

TEST_CASE("permit count: what was never taken isn't given back, and a limit is never zero") {
  PermitCount permits(0);
  CHECK(permits.limit() == 1);
  permits.give_back(5);
  CHECK(permits.out() == 0);
  CHECK(permits.take(5) == 1);
  permits.set_limit(0);
  CHECK(permits.limit() == 1);
}

}  // namespace
}  // namespace mayfly
