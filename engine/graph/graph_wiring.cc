// GraphBuilder's last step: every port gets its edge, and what failed its way back.
#include <map>
#include <optional>
#include <utility>

#include "mayfly/graph/graph_builder.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// What comes before every node: pushes from sources, producers and the writer always go to the
// driver.
constexpr std::uint32_t kFromOutside = 0xFFFF'FFFF;

}  // namespace

GraphBuilder::Receiver GraphBuilder::receiver_of(const Upstream& upstream) const {
  for (std::uint32_t n = 0; n < plan_.nodes.size(); ++n) {
    const auto& inputs = plan_.nodes[n].inputs;
    const auto at = std::ranges::find(inputs, upstream);
    if (at != inputs.end()) return {n, static_cast<std::uint32_t>(at - inputs.begin())};
  }
  // Checked plans join every port; what no node takes goes to the writer.
  return {writer_vertex(), 0};
}

bool GraphBuilder::is_joined(const Upstream& port) const {
  return receiver_of(port).vertex != writer_vertex() ||
         std::ranges::find(plan_.writer.inputs, port) != plan_.writer.inputs.end();
}

Inbox& GraphBuilder::inbox_of(std::uint32_t vertex) {
  if (vertex == writer_vertex()) return graph_->writer_->inbox();
  return *graph_->nodes_[vertex];
}

Edge GraphBuilder::edge_to(const Receiver& receiver, std::uint32_t from_rank) {
  Inbox& inbox = inbox_of(receiver.vertex);
  return {.to = &inbox,
          .lane = inbox.add_lane(),
          .input = receiver.input,
          .forward =
              from_rank != kFromOutside && graph_->components_.rank[receiver.vertex] > from_rank};
}

std::uint32_t GraphBuilder::lanes_into(const std::vector<Upstream>& inputs) const {
  std::uint32_t lanes = 0;
  bool in_turn = false;  // those share one: a lane costs memory for all rows of the pool
  for (const Upstream& input : inputs) {
    switch (input.kind) {
      case Upstream::Kind::kSource:
        if (plan_.sources[input.index].plugin == nullptr) {
          lanes += graph_->options_.producers_max;
        } else if (graph_->options_.parallel_sources || !std::exchange(in_turn, true)) {
          lanes += 1;
        }
        break;
      case Upstream::Kind::kNode:
        // A port for failed attempts has one more, for rows that a node gave a permit back of.
        lanes += graph_->nodes_[input.index]->is_failed_port(input.port) ? 2 : 1;
        break;
      case Upstream::Kind::kWriter:
        lanes += 2;  // failed: from the writer, and from a node that gave a permit back first
        break;
    }
  }
  return lanes;
}

Status GraphBuilder::wire() {
  Graph& graph = *graph_;
  const Receiver to_writer{writer_vertex(), 0};
  // Sources that are read one after the other share a lane, which one thread uses: so their rows
  // arrive in the plan's order. Between lanes there is none.
  std::map<std::uint32_t, Edge> in_turn;  // by receiver
  for (std::uint32_t i = 0; i < plan_.sources.size(); ++i) {
    const Receiver receiver = receiver_of({Upstream::Kind::kSource, i, 0});
    if (graph.sources_[i] != nullptr) {
      Edge edge = !graph.options_.parallel_sources && in_turn.contains(receiver.vertex)
                      ? in_turn[receiver.vertex]
                      : edge_to(receiver, kFromOutside);
      edge.input = receiver.input;
      in_turn[receiver.vertex] = edge;
      graph.sources_[i]->wire({.out = edge,
                               .record = record_of_source(receiver),
                               .answered = std::move(answered_[i]),
                               .finished = [g = &graph, i] { g->on_source_finished(i); }});
      continue;
    }
    for (std::uint32_t p = 0; p < graph.options_.producers_max; ++p) {
      graph.inlets_[i].free_lanes.push_back(edge_to(receiver, kFromOutside));
    }
  }
  for (std::uint32_t n = 0; n < graph.nodes_.size(); ++n) {
    Node& node = *graph.nodes_[n];
    const std::uint32_t rank = graph.components_.rank[n];
    Node::Wiring wiring{.ports = {}, .record = edge_to(to_writer, rank)};
    for (std::uint32_t port = 0; port < node.plugin().ports.count; ++port) {
      const Upstream out{Upstream::Kind::kNode, n, port};
      const bool unjoined = may_be_unjoined(node.plugin(), port) && !is_joined(out);
      wiring.ports.push_back(unjoined ? Edge{} : edge_to(receiver_of(out), rank));
    }
    node.wire(std::move(wiring));
    wire_failed_port_of_sink(n);
  }
  wire_failed_port();
  return {};
}

// For the error rows of a source whose rows go to a node. Shared where its lane into that is.
Edge GraphBuilder::record_of_source(const Receiver& receiver) {
  if (receiver.vertex == writer_vertex()) return {};
  if (graph_->options_.parallel_sources) return edge_to({writer_vertex(), 0}, kFromOutside);
  if (source_record_.to == nullptr) source_record_ = edge_to({writer_vertex(), 0}, kFromOutside);
  return source_record_;
}

void GraphBuilder::wire_failed_port() {
  Graph& graph = *graph_;
  const Receiver receiver = receiver_of({Upstream::Kind::kWriter, 0, 0});
  if (receiver.vertex == writer_vertex()) return;  // transient = "wait"
  graph.answers_.set_failed_route(kWriterJudge, {.from_writer = edge_to(receiver, kFromOutside),
                                                 .from_nodes = edge_to(receiver, kFromOutside),
                                                 .met_again = owed_behind(receiver),
                                                 .asked_before = asked_once_behind(receiver, {})});
}

void GraphBuilder::wire_failed_port_of_sink(std::uint32_t node) {
  Graph& graph = *graph_;
  const mayfly_plugin& plugin = graph.nodes_[node]->plugin();
  if (!graph.nodes_[node]->has(MAYFLY_FAILS_ATTEMPTS)) return;
  const Upstream failed{Upstream::Kind::kNode, node, plugin.ports.count - 1};
  if (!is_joined(failed)) return;
  const Receiver receiver = receiver_of(failed);
  graph.answers_.set_failed_route(graph.nodes_[node]->index(),
                                  {.from_writer = {},
                                   .from_nodes = edge_to(receiver, kFromOutside),
                                   .met_again = owed_behind(receiver),
                                   .asked_before = asked_once_behind(receiver, node)});
}

// The nodes from the receiver on. Not the writer's whole component, in which all that wait for
// completions are: a row that goes back to the writer behind a node is still beyond that node.
// Nor what is only behind the node `without`.
std::vector<bool> GraphBuilder::nodes_behind(const Receiver& receiver,
                                             std::optional<std::uint32_t> without) const {
  std::vector<bool> behind(graph_->nodes_.size());
  std::vector<std::uint32_t> to_visit = {receiver.vertex};
  while (!to_visit.empty()) {
    const std::uint32_t n = to_visit.back();
    to_visit.pop_back();
    if (n == writer_vertex() || n == without || behind[n]) continue;
    behind[n] = true;
    for (std::uint32_t port = 0; port < graph_->nodes_[n]->plugin().ports.count; ++port) {
      to_visit.push_back(receiver_of({Upstream::Kind::kNode, n, port}).vertex);
    }
  }
  return behind;
}

// Bits of batch.owed: those who meet the row again.
std::uint64_t GraphBuilder::owed_behind(const Receiver& receiver) const {
  const std::vector<bool> behind = nodes_behind(receiver, {});
  std::uint64_t mask = 0;
  for (std::uint32_t n = 0; n < behind.size(); ++n) {
    if (behind[n]) mask |= graph_->nodes_[n]->owed_bit();
  }
  return mask;
}

// Bits of batch.passed: those who asked about the row before it failed at `place`, a node or the
// writer. check_graph says that there is room for each.
std::uint64_t GraphBuilder::asked_once_behind(const Receiver& receiver,
                                              std::optional<std::uint32_t> place) {
  const std::vector<bool> behind = nodes_behind(receiver, place);
  std::uint64_t mask = 0;
  for (std::uint32_t n = 0; n < behind.size(); ++n) {
    Node& node = *graph_->nodes_[n];
    if (!behind[n] || !node.has(MAYFLY_ASKED_ONCE)) continue;
    if (!node.asked_once().is_noted()) node.ask_once(AskedOnce(asked_once_places_++));
    mask |= node.asked_once().left();
  }
  return mask;
}

}  // namespace mayfly
