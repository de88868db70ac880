#include "mayfly/config/plan.h"

#include <doctest/doctest.h>

#include <numeric>

#include "engine/config/test_plugins.h"

namespace mayfly {
namespace {

PipelinePlan plan_of(std::vector<const char*> plugins, std::uint32_t batches,
                     std::size_t sources = 1) {
  PluginRegistry registry = test::plugins();
  PipelinePlan plan;
  plan.batches = batches;
  plan.sources.resize(sources);
  for (const char* plugin : plugins) {
    plan.nodes.emplace_back();
    plan.nodes.back().plugin = *registry.find(plugin);
  }
  return plan;
}

TEST_CASE("pool: sources and each node that makes rows have as many batches") {
  const PoolShares none = pool_shares(plan_of({"relay", "gate", "wait"}, 256));
  CHECK(none.intake == 252);
  CHECK(none.reserve == 4);
  CHECK(none.makers.empty());
  const PoolShares two = pool_shares(plan_of({"explode", "gate", "explode"}, 256));
  CHECK(two.intake == 86);
  CHECK(two.reserve == 2);
  CHECK(two.makers == std::vector<std::uint32_t>{84, 84});
}

TEST_CASE("pool: the smallest has two for each node, and all for the sources, whatever they are") {
  for (std::size_t sources = 1; sources < 40; ++sources) {
    for (const std::vector<const char*>& nodes :
         {std::vector<const char*>{}, {"explode"}, {"explode", "explode", "gate"}}) {
      PipelinePlan plan = plan_of(nodes, 0, sources);
      for (plan.batches = batches_min(plan); plan.batches < 200; ++plan.batches) {
        const PoolShares shares = pool_shares(plan);
        CHECK(shares.intake >= sources + 2);
        for (const std::uint32_t maker : shares.makers) CHECK(maker >= 2);
        CHECK(std::accumulate(shares.makers.begin(), shares.makers.end(),
                              shares.intake + shares.reserve) == plan.batches);
      }
    }
  }
}

}  // namespace
}  // namespace mayfly
