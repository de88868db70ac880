#include "mayfly/config/nodes_ahead.h"

#include <doctest/doctest.h>

#include <utility>

#include "engine/config/test_plugins.h"
#include "mayfly/config/plan_builder.h"

namespace mayfly {
namespace {

// Source `in`, then these nodes, each of name, plugin and input, then the writer.
std::vector<std::string> ahead_of(const std::vector<std::vector<std::string>>& nodes,
                                  const std::vector<std::string>& writer_inputs) {
  PluginRegistry registry = test::plugins();
  PlanBuilder builder(registry);
  builder.source({.name = "in", .plugin = "feed", .options = {{"path", "x"}}});
  for (const auto& node : nodes) {
    if (node[2] == "writer.failed") builder.writer().transient = WriterPlan::Transient::kRoute;
    builder.node({.name = node[0], .plugin = node[1], .inputs = {{node[2]}}});
  }
  std::vector<InputName> inputs;
  for (const std::string& input : writer_inputs) inputs.push_back({input});
  builder.writer_inputs(std::move(inputs));
  builder.writer().database = "x.db";
  builder.writer().table = "x";
  builder.writer().at_least_once = true;
  const CheckedPlan checked = std::move(builder).build();
  REQUIRE_MESSAGE(checked.ok(), checked.status().message());
  return nodes_ahead(checked.plan);
}

using Texts = std::vector<std::string>;

TEST_CASE("nodes ahead: those behind it on the way to the writer that do something to rows") {
  CHECK(ahead_of({}, {"in"}) == Texts{""});
  CHECK(ahead_of({{"a", "relay", "in"}, {"b", "wait", "a"}}, {"b"}) == Texts{"", "", ""});
  // What turns a row down hasn't let it pass, either.
  CHECK(ahead_of(
            {{"split", "fork", "in"}, {"wide", "explode", "split.left"}, {"late", "wait", "wide"}},
            {"late", "split.right"}) == Texts{R"({"nodes":["split","wide"]})",
                                              R"({"nodes":["split","wide"]})",
                                              R"({"nodes":["wide"]})", ""});
}

TEST_CASE("nodes ahead: what doesn't lead to the writer, or takes what failed, isn't among them") {
  CHECK(ahead_of({{"split", "fork", "in"}, {"out", "post", "split.left"}}, {"split.right"})[0] ==
        R"({"nodes":["split"]})");
  const Texts failed = ahead_of(
      {{"guard", "fork", "in"}, {"again", "wait", "writer.failed"}, {"split", "fork", "again"}},
      {"guard.left", "guard.right", "split.left", "split.right"});
  CHECK(failed == Texts{R"({"nodes":["guard"]})", R"({"nodes":["guard"]})", "", ""});
}

}  // namespace
}  // namespace mayfly
