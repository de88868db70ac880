#include "mayfly/graph/components.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

TEST_CASE("a chain's components are its vertices, in order") {
  const Components c = find_components({{1}, {2}, {}});
  REQUIRE(c.members.size() == 3);
  CHECK(c.rank == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("a cycle is one component, between what leads in and what leads out") {
  // 3 -> 0 -> 1 -> 2 -> 0, 2 -> 4
  const Components c = find_components({{1}, {2}, {0, 4}, {0}, {}});
  REQUIRE(c.members.size() == 3);
  CHECK(c.members[0] == std::vector<std::uint32_t>{3});
  CHECK(c.members[1].size() == 3);
  CHECK(c.component_of[0] == c.component_of[2]);
  CHECK(c.members[2] == std::vector<std::uint32_t>{4});
}

TEST_CASE("an edge between components always goes to a higher rank") {
  const std::vector<std::vector<std::uint32_t>> edges = {{2}, {2}, {3, 4}, {2, 5}, {5}, {}};
  const Components c = find_components(edges);
  for (std::uint32_t v = 0; v < edges.size(); ++v) {
    for (const std::uint32_t to : edges[v]) {
      if (c.component_of[v] != c.component_of[to]) CHECK(c.rank[v] < c.rank[to]);
    }
  }
}

}  // namespace
}  // namespace mayfly
