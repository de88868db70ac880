#include "mayfly/config/nodes_ahead.h"

#include "mayfly/base/json_text.h"
#include "mayfly/config/plan_graph.h"

namespace mayfly {
namespace {

bool treats_rows(const NodePlan& node) {
  if (node.plugin == nullptr) return false;
  const mayfly_plugin& plugin = node.plugin->plugin();
  return node.plugin->has(MAYFLY_TRANSFORMS) || plugin.reasons.count > 0 || plugin.ports.count > 1;
}

}  // namespace

std::vector<std::string> nodes_ahead(const PipelinePlan& plan) {
  const PlanGraph graph(plan, PlanGraph::Ways::kNotFailed);
  const std::vector<bool> to_writer = graph.reaching(graph.writer());
  std::vector<PlanGraph::Vertex> sources;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    sources.push_back(static_cast<PlanGraph::Vertex>(i));
  }
  const std::vector<bool> from_source = graph.reachable(sources);
  std::vector<std::string> ahead;
  for (PlanGraph::Vertex from = 0; from < graph.writer(); ++from) {
    const std::vector<bool> reached = graph.reachable({from});
    JsonText names = JsonText::array();
    bool any = false;
    for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
      const PlanGraph::Vertex v = graph.node(i);
      // Rows that come from writer.failed alone have passed all that was before the writer.
      if (!from_source[from] || !reached[v] || !to_writer[v] || !treats_rows(plan.nodes[i]))
        continue;
      names.add(plan.nodes[i].name);
      any = true;
    }
    ahead.push_back(any ? JsonText::object().add("nodes", names).text() : std::string());
  }
  return ahead;
}

}  // namespace mayfly
