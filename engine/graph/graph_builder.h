// GraphBuilder: opens a plan's parts in the order that schemas and positions flow, and wires them.
//
//   sources open  -> what columns they have
//   nodes open    -> what columns leave them, in topological order
//   pool          -> now the widest schema is known
//   writer opens  -> its table is there or made; where each source goes on
//   sources open again at their positions, when they resume
//   stores open   -> of signals, where nodes asked for one
//   wiring        -> every port gets its edge (graph_wiring.cc)
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mayfly/graph/graph.h"

namespace mayfly {

class GraphBuilder {
 public:
  GraphBuilder(const PipelinePlan& plan, GraphOptions options);
  Result<std::unique_ptr<Graph>> build();

 private:
  struct Receiver {
    std::uint32_t vertex;  // a node's index, or the writer's vertex
    std::uint32_t input;
  };

  std::uint32_t writer_vertex() const { return static_cast<std::uint32_t>(plan_.nodes.size()); }
  Result<std::unique_ptr<Source>> make_source(std::uint32_t index);
  Status open_sources();
  Status make_nodes();
  void find_order();
  Status open_nodes();
  // The columns of all that is open of these inputs, which have to be the same.
  Result<Schema> schema_into_node(std::uint32_t index) const;
  Result<Schema> schema_into_writer() const;
  Result<Schema> schema_of_all(const std::vector<Upstream>& inputs, const std::string& who) const;
  const Schema* schema_of(const Upstream& upstream) const;
  Status make_pool();
  bool carry_parsed_text(std::vector<Upstream> pending) const;
  Status check_source_keys() const;
  Status check_stores() const;
  Status open_writer();
  Status position_source(std::uint32_t index);
  Status wire();
  Edge record_of_source(const Receiver& receiver);
  void wire_failed_port();
  void wire_failed_port_of_sink(std::uint32_t node);
  std::vector<bool> nodes_behind(const Receiver& receiver,
                                 std::optional<std::uint32_t> without) const;
  std::uint64_t owed_behind(const Receiver& receiver) const;
  std::uint64_t asked_once_behind(const Receiver& receiver, std::optional<std::uint32_t> place);
  Receiver receiver_of(const Upstream& upstream) const;
  // Whether a node or the writer names it as an input.
  bool is_joined(const Upstream& port) const;
  Inbox& inbox_of(std::uint32_t vertex);
  Edge edge_to(const Receiver& receiver, std::uint32_t from_rank);
  std::uint32_t lanes_into(const std::vector<Upstream>& inputs) const;

  const PipelinePlan& plan_;
  std::unique_ptr<Graph> graph_;
  std::vector<bool> node_open_;
  std::vector<std::vector<AnsweredRange>> answered_;  // by source
  std::uint32_t asked_once_places_ = 0;               // given out
  Edge source_record_;  // of all sources, when they are read one after the other
};

}  // namespace mayfly
