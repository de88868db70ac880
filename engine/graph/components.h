// Components: the order in which a graph is drained and woken.
//
// Strongly connected components of nodes and writer, in topological order: what is in one component
// can only come from that component or from earlier ones. Completions count as edges from the
// writer to the node that waits for them. Pure; the algorithm is Tarjan's (Depth-First Search and
// Linear Graph Algorithms, SIAM J. Comput. 1(2), 1972).
#pragma once

#include <cstdint>
#include <vector>

namespace mayfly {

struct Components {
  // Vertices of each component; an edge leads into the same component or a later one.
  std::vector<std::vector<std::uint32_t>> members;
  std::vector<std::uint32_t> component_of;  // by vertex
  // Position of each vertex when the components are written out one after the other. An edge to a
  // higher rank goes forward; what goes round a cycle goes backward somewhere.
  std::vector<std::uint32_t> rank;
};

// edges[v]: the vertices that v leads to.
Components find_components(const std::vector<std::vector<std::uint32_t>>& edges);

}  // namespace mayfly
