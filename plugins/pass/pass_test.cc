#include <doctest/doctest.h>

#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/registry.h"

namespace mayfly {
namespace {

TEST_CASE("pass: every row leaves by port 0, in order") {
  PluginRegistry registry(search_of_process());
  auto library = registry.find("pass");
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  auto node = NodeHarness::create(*library, {});
  REQUIRE_MESSAGE(node.ok(), node.status().message());

  (*node)->push_rows(3);
  (*node)->push_rows(2);

  CHECK((*node)->port(0) == std::vector<std::uint64_t>{0, 1, 2, 3, 4});
  CHECK((*node)->held() == 0);
  CHECK((*node)->conserves());
  CHECK((*node)->violations().empty());
}

TEST_CASE("pass: has no options, and says so") {
  PluginRegistry registry(search_of_process());
  const std::vector<RawOption> options = {{"rows", std::int64_t{1}}};
  auto node = NodeHarness::create(*registry.find("pass"), options);
  REQUIRE(!node.ok());
  CHECK(node.status().message() == "pass.rows: unknown option: this plugin has none");
}

}  // namespace
}  // namespace mayfly
