#include "mayfly/graph/components.h"

#include <algorithm>
#include <functional>

namespace mayfly {
namespace {

constexpr std::uint32_t kUnseen = 0xFFFF'FFFF;

struct Search {
  const std::vector<std::vector<std::uint32_t>>& edges;
  std::vector<std::uint32_t> order;  // when it was first seen
  std::vector<std::uint32_t> low;    // the earliest vertex of the stack that it reaches
  std::vector<bool> on_stack;
  std::vector<std::uint32_t> stack;
  std::uint32_t seen = 0;
  std::vector<std::vector<std::uint32_t>> found;  // last component first

  explicit Search(const std::vector<std::vector<std::uint32_t>>& graph)
      : edges(graph), order(graph.size(), kUnseen), low(graph.size()), on_stack(graph.size()) {}

  // Recursion is as deep as the longest path: a pipeline file's nodes, not its rows.
  void visit(std::uint32_t v) {
    order[v] = low[v] = seen++;
    stack.push_back(v);
    on_stack[v] = true;
    for (const std::uint32_t to : edges[v]) {
      if (order[to] == kUnseen) {
        visit(to);
        low[v] = std::min(low[v], low[to]);
      } else if (on_stack[to]) {
        low[v] = std::min(low[v], order[to]);
      }
    }
    if (low[v] != order[v]) return;
    std::vector<std::uint32_t>& component = found.emplace_back();
    std::uint32_t member = kUnseen;
    do {
      member = stack.back();
      stack.pop_back();
      on_stack[member] = false;
      component.push_back(member);
    } while (member != v);
    // In the order in which the search reached them: along most edges.
    std::ranges::sort(component, std::less<>{}, [this](std::uint32_t m) { return order[m]; });
  }
};

}  // namespace

Components find_components(const std::vector<std::vector<std::uint32_t>>& edges) {
  Search search(edges);
  for (std::uint32_t v = 0; v < edges.size(); ++v) {
    if (search.order[v] == kUnseen) search.visit(v);
  }
  std::ranges::reverse(search.found);
  Components components{.members = std::move(search.found),
                        .component_of = std::vector<std::uint32_t>(edges.size()),
                        .rank = std::vector<std::uint32_t>(edges.size())};
  std::uint32_t rank = 0;
  for (std::uint32_t c = 0; c < components.members.size(); ++c) {
    for (const std::uint32_t v : components.members[c]) {
      components.component_of[v] = c;
      components.rank[v] = rank++;
    }
  }
  return components;
}

}  // namespace mayfly
