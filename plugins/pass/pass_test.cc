#include <doctest/doctest.h>

#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

TEST_CASE("pass: every row leaves by port 0, in order") {
  const auto node = open_node("pass");

  node->push_rows(3);
  node->push_rows(2);

  CHECK(node->port(0) == Ordinals{0, 1, 2, 3, 4});
  CHECK(node->held() == 0);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("pass: has no options, and says so") {
  const auto node = try_node("pass", {{"rows", std::int64_t{1}}});
  REQUIRE(!node.ok());
  CHECK(node.status().message() == "pass.rows: unknown option: this plugin has none");
}

}  // namespace
}  // namespace mayfly
