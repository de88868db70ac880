#include "mayfly/config/plan_graph.h"

#include <algorithm>

#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

std::vector<bool> flood(const std::vector<std::vector<PlanGraph::Vertex>>& next,
                        std::vector<PlanGraph::Vertex> todo) {
  std::vector<bool> seen(next.size());
  for (const PlanGraph::Vertex v : todo) seen[v] = true;
  while (!todo.empty()) {
    const PlanGraph::Vertex v = todo.back();
    todo.pop_back();
    for (const PlanGraph::Vertex w : next[v]) {
      if (seen[w]) continue;
      seen[w] = true;
      todo.push_back(w);
    }
  }
  return seen;
}

bool is_for_failed(const PipelinePlan& plan, const Upstream& upstream) {
  if (upstream.kind != Upstream::Kind::kNode) return upstream.kind == Upstream::Kind::kWriter;
  const auto& plugin = plan.nodes[upstream.index].plugin;
  return plugin != nullptr && is_failed_port(plugin->plugin(), upstream.port);
}

}  // namespace

PlanGraph::PlanGraph(const PipelinePlan& plan, Ways ways)
    : sources_(plan.sources.size()), next_(plan.sources.size() + plan.nodes.size() + 1) {
  const auto connect = [&](const std::vector<Upstream>& inputs, Vertex to) {
    for (const Upstream& upstream : inputs) {
      if (ways == Ways::kNotFailed && is_for_failed(plan, upstream)) continue;
      next_[of(upstream)].push_back(to);
    }
  };
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) connect(plan.nodes[i].inputs, node(i));
  connect(plan.writer.inputs, writer());
}

PlanGraph::Vertex PlanGraph::of(const Upstream& upstream) const {
  if (upstream.kind == Upstream::Kind::kSource) return upstream.index;
  return upstream.kind == Upstream::Kind::kNode ? node(upstream.index) : writer();
}

std::vector<bool> PlanGraph::reachable(const std::vector<Vertex>& from) const {
  return flood(next_, from);
}

std::vector<bool> PlanGraph::reaching(Vertex to) const {
  std::vector<std::vector<Vertex>> before(next_.size());
  for (Vertex v = 0; v < next_.size(); ++v) {
    for (const Vertex w : next_[v]) before[w].push_back(v);
  }
  return flood(before, {to});
}

std::vector<PlanGraph::Vertex> PlanGraph::find_cycle(const std::vector<bool>& without) const {
  enum class Mark : std::uint8_t { kNew, kOnPath, kDone };
  std::vector<Mark> marks(next_.size(), Mark::kNew);
  struct Frame {
    Vertex vertex;
    std::size_t edge;
  };
  for (Vertex root = 0; root < next_.size(); ++root) {
    if (without[root] || marks[root] != Mark::kNew) continue;
    std::vector<Frame> path = {{root, 0}};
    marks[root] = Mark::kOnPath;
    while (!path.empty()) {
      Frame& frame = path.back();
      if (frame.edge == next_[frame.vertex].size()) {
        marks[frame.vertex] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const Vertex to = next_[frame.vertex][frame.edge++];
      if (without[to] || marks[to] == Mark::kDone) continue;
      if (marks[to] == Mark::kNew) {
        marks[to] = Mark::kOnPath;
        path.push_back({to, 0});
        continue;
      }
      std::vector<Vertex> cycle;
      const auto begin =
          std::find_if(path.begin(), path.end(), [&](const Frame& f) { return f.vertex == to; });
      for (auto it = begin; it != path.end(); ++it) cycle.push_back(it->vertex);
      return cycle;
    }
  }
  return {};
}

}  // namespace mayfly
