// PlanGraph: a plan's edges as adjacency, for its checks. Vertices: the sources, the nodes, then
// the writer. Built once, immutable; refers to nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "mayfly/config/plan.h"

namespace mayfly {

class PlanGraph {
 public:
  using Vertex = std::uint32_t;

  // Which ways rows take: all, or those alone that one takes without having failed (not
  // writer.failed, not a sink's port for failed attempts).
  enum class Ways : std::uint8_t { kAll, kNotFailed };

  explicit PlanGraph(const PipelinePlan& plan, Ways ways = Ways::kAll);

  Vertex of(const Upstream& upstream) const;
  Vertex node(std::size_t index) const { return static_cast<Vertex>(sources_ + index); }
  Vertex writer() const { return static_cast<Vertex>(next_.size() - 1); }
  std::size_t size() const { return next_.size(); }
  bool is_node(Vertex v) const { return v >= sources_ && v < writer(); }
  std::size_t node_index(Vertex v) const { return v - sources_; }
  const std::vector<Vertex>& next(Vertex v) const { return next_[v]; }

  // Vertices that can be reached from the given ones (which count as reached).
  std::vector<bool> reachable(const std::vector<Vertex>& from) const;
  // Vertices from which `to` can be reached.
  std::vector<bool> reaching(Vertex to) const;
  // Some cycle that avoids the vertices in `without`, in order; empty: there is none.
  std::vector<Vertex> find_cycle(const std::vector<bool>& without) const;

 private:
  std::size_t sources_;
  std::vector<std::vector<Vertex>> next_;
};

}  // namespace mayfly
