#include "mayfly/graph/graph_builder.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mayfly/config/nodes_ahead.h"
#include "mayfly/config/step_mistake.h"
#include "mayfly/plugin/tables.h"
#include "mayfly/storage/rejection_names.h"
#include "mayfly/storage/single_writer/database_name.h"

namespace mayfly {
namespace {

std::string describe(const Schema& schema) {
  std::string text;
  for (const Column& column : schema.columns()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column.name, name_of(column.type));
  }
  return text;
}

bool same_but_for_order(const Schema& a, const Schema& b) {
  return std::ranges::is_permutation(a.columns(), b.columns());
}

}  // namespace

GraphBuilder::GraphBuilder(const PipelinePlan& plan, GraphOptions options)
    : plan_(plan), graph_(new Graph(std::move(options))), answered_(plan.sources.size()) {
  graph_->plan_ = plan;
  graph_->services_.seed = plan.seed;
}

Result<std::unique_ptr<Graph>> GraphBuilder::build() {
  MAYFLY_RETURN_IF_ERROR(open_sources());
  MAYFLY_RETURN_IF_ERROR(make_nodes());
  find_order();
  MAYFLY_RETURN_IF_ERROR(open_nodes());
  MAYFLY_RETURN_IF_ERROR(make_pool());
  MAYFLY_RETURN_IF_ERROR(open_writer());
  MAYFLY_RETURN_IF_ERROR(graph_->open_stores());
  MAYFLY_RETURN_IF_ERROR(wire());
  return std::move(graph_);
}

Result<std::unique_ptr<Source>> GraphBuilder::make_source(std::uint32_t index) {
  const SourcePlan& plan = plan_.sources[index];
  auto source =
      std::make_unique<Source>(plan.plugin->plugin(), plan.name, static_cast<std::uint16_t>(index),
                               graph_->services_, graph_->answers_);
  MAYFLY_RETURN_IF_ERROR(with_place(plan_, plan, source->configure(plan.options)));
  source->control(plan.controls);
  return source;
}

Status GraphBuilder::open_sources() {
  graph_->sources_.resize(plan_.sources.size());
  graph_->resumed_from_.resize(plan_.sources.size());
  graph_->inlets_.resize(plan_.sources.size());
  for (std::uint32_t i = 0; i < plan_.sources.size(); ++i) {
    graph_->inlets_[i].name = plan_.sources[i].name;
    if (plan_.sources[i].plugin == nullptr) continue;
    MAYFLY_ASSIGN_OR_RETURN(graph_->sources_[i], make_source(i));
    MAYFLY_RETURN_IF_ERROR(
        with_place(plan_, plan_.sources[i], graph_->sources_[i]->open_at(nullptr)));
  }
  return {};
}

Status GraphBuilder::make_nodes() {
  for (const NodePlan& plan : plan_.nodes) {
    // Numbered after the sources: batch.judge tells all of them apart.
    const auto index = static_cast<std::uint16_t>(plan_.sources.size() + graph_->nodes_.size());
    auto& node = graph_->nodes_.emplace_back(
        std::make_unique<Node>(plan.plugin->plugin(), plan.name, index, graph_->services_,
                               graph_->driver_, graph_->answers_));
    MAYFLY_RETURN_IF_ERROR(with_place(plan_, plan, node->configure(plan.options)));
    node->control(plan.controls);
  }
  return {};
}

void GraphBuilder::find_order() {
  std::vector<std::vector<std::uint32_t>> edges(plan_.nodes.size() + 1);
  const auto connect = [&](const std::vector<Upstream>& inputs, std::uint32_t to) {
    for (const Upstream& input : inputs) {
      if (input.kind == Upstream::Kind::kNode) edges[input.index].push_back(to);
      if (input.kind == Upstream::Kind::kWriter) edges[writer_vertex()].push_back(to);
    }
  };
  for (std::uint32_t n = 0; n < plan_.nodes.size(); ++n) {
    connect(plan_.nodes[n].inputs, n);
    if (graph_->nodes_[n]->has(MAYFLY_WANTS_COMPLETIONS)) edges[writer_vertex()].push_back(n);
  }
  connect(plan_.writer.inputs, writer_vertex());
  graph_->components_ = find_components(edges);
}

const Schema* GraphBuilder::schema_of(const Upstream& upstream) const {
  switch (upstream.kind) {
    case Upstream::Kind::kSource:
      return plan_.sources[upstream.index].plugin == nullptr
                 ? &graph_->options_.inlet_schema
                 : &graph_->sources_[upstream.index]->schema();
    case Upstream::Kind::kNode:
      return node_open_[upstream.index] ? &graph_->nodes_[upstream.index]->schema() : nullptr;
    case Upstream::Kind::kWriter:
      // What failed has the columns that went in.
      for (const Upstream& input : plan_.writer.inputs) {
        if (input.kind == Upstream::Kind::kWriter) continue;
        if (const Schema* schema = schema_of(input); schema != nullptr) return schema;
      }
      return nullptr;
  }
  return nullptr;
}

Result<Schema> GraphBuilder::schema_into_node(std::uint32_t index) const {
  const NodePlan& node = plan_.nodes[index];
  Result<Schema> schema = schema_of_all(node.inputs, node.name);
  return schema.ok() ? std::move(schema) : with_place(plan_, node, schema.status());
}

Result<Schema> GraphBuilder::schema_into_writer() const {
  Result<Schema> schema = schema_of_all(plan_.writer.inputs, "writer");
  return schema.ok() ? std::move(schema) : with_place(plan_, plan_.writer, schema.status());
}

Result<Schema> GraphBuilder::schema_of_all(const std::vector<Upstream>& inputs,
                                           const std::string& who) const {
  const Schema* found = nullptr;
  const Upstream* first = nullptr;
  for (const Upstream& input : inputs) {
    const Schema* schema = schema_of(input);
    if (schema == nullptr) continue;  // further round the cycle: checked once that node is open
    if (found != nullptr && !(*found == *schema)) {
      return Status(
          Code::kConfig,
          fmt::format(
              "{}: expected inputs with one set of columns, found {}: {} has ({}), {} has "
              "({}); give them the same by a map in front",
              who,
              same_but_for_order(*found, *schema) ? "the same columns, but not in the same order"
                                                  : "different ones",
              name_of(plan_, *first), describe(*found), name_of(plan_, input), describe(*schema)));
    }
    found = schema;
    first = &input;
  }
  if (found == nullptr) {
    return Status(Code::kConfig, fmt::format("{}: no input that rows come from", who));
  }
  return *found;
}

Status GraphBuilder::open_nodes() {
  node_open_.assign(plan_.nodes.size(), false);
  for (const auto& component : graph_->components_.members) {
    // Within a cycle, whoever has an open input is next.
    std::vector<std::uint32_t> waiting;
    for (const std::uint32_t v : component) {
      if (v != writer_vertex()) waiting.push_back(v);
    }
    while (!waiting.empty()) {
      const auto ready = std::ranges::find_if(waiting, [&](std::uint32_t v) {
        return std::ranges::any_of(plan_.nodes[v].inputs, [&](const Upstream& input) {
          return schema_of(input) != nullptr;
        });
      });
      const std::uint32_t v = ready == waiting.end() ? waiting.front() : *ready;
      MAYFLY_ASSIGN_OR_RETURN(const Schema input, schema_into_node(v));
      MAYFLY_RETURN_IF_ERROR(
          with_place(plan_, plan_.nodes[v], graph_->nodes_[v]->open_with(input)));
      node_open_[v] = true;
      waiting.erase(ready == waiting.end() ? waiting.begin() : ready);
    }
  }
  for (std::uint32_t v = 0; v < plan_.nodes.size(); ++v) {
    MAYFLY_ASSIGN_OR_RETURN(const Schema input, schema_into_node(v));
  }
  MAYFLY_ASSIGN_OR_RETURN(graph_->writer_schema_, schema_into_writer());
  return {};
}

Status GraphBuilder::make_pool() {
  std::uint32_t columns = graph_->writer_schema_.size();
  for (const auto& source : graph_->sources_) {
    if (source != nullptr) columns = std::max(columns, source->schema().size());
  }
  // What comes in as well: an inlet's rows are known by that alone.
  for (const auto& node : graph_->nodes_) {
    columns = std::max({columns, node->input().size(), node->schema().size()});
  }
  if (std::string mistake = batches_mistake(plan_); !mistake.empty()) {
    return {Code::kConfig, std::move(mistake)};
  }
  if (plan_.memory_limit_bytes != 0 && pool_bytes(plan_, columns) > plan_.memory_limit_bytes) {
    return {Code::kConfig,
            fmt::format(
                "pipeline.memory_limit: for rows of {} columns the batches need {} MiB, over "
                "the limit of {} MiB; lower batches, batch_rows or batch_bytes",
                columns, (pool_bytes(plan_, columns) >> 20) + 1, plan_.memory_limit_bytes >> 20)};
  }
  PoolShares shares = pool_shares(plan_);
  graph_->pool_ = std::make_unique<BatchPool>(
      BatchPoolOptions{.rows = batch_rows_within(plan_, columns),
                       .columns = columns,
                       .heap_bytes = plan_.batch_bytes,
                       .intake_batches = shares.intake,
                       .reserve_batches = shares.reserve,
                       .maker_batches = std::move(shares.makers),
                       // One record of the longest kind, and what its error row repeats of it.
                       .oversize_bytes = plan_.max_row_bytes + (1u << 20)});
  graph_->services_.pool = graph_->pool_.get();
  graph_->answers_.attach_pool(*graph_->pool_);
  std::uint32_t makers = 0;
  for (std::uint32_t n = 0; n < graph_->nodes_.size(); ++n) {
    Node& node = *graph_->nodes_[n];
    if (node.has(MAYFLY_TRANSFORMS)) node.set_part(BatchPool::part_of_maker(makers++));
    node.attach_pool(lanes_into(plan_.nodes[n].inputs));
  }
  return {};
}

// Whether rows come here as a source has read them from text. What a producer appends, and what a
// transform makes, has no other form than its type.
bool GraphBuilder::carry_parsed_text(std::vector<Upstream> pending) const {
  std::vector<bool> seen(plan_.nodes.size());
  while (!pending.empty()) {
    const Upstream at = pending.back();
    pending.pop_back();
    if (at.kind == Upstream::Kind::kSource) {
      const auto& source = graph_->sources_[at.index];
      if (source != nullptr && source->has(MAYFLY_PARSES_TEXT)) return true;
    } else if (at.kind == Upstream::Kind::kNode && !seen[at.index] &&
               !graph_->nodes_[at.index]->has(MAYFLY_TRANSFORMS)) {
      seen[at.index] = true;
      const std::vector<Upstream>& inputs = plan_.nodes[at.index].inputs;
      pending.insert(pending.end(), inputs.begin(), inputs.end());
    }
  }
  return false;
}

// Before the database is touched. A path has many spellings, so a plan can't tell.
Status GraphBuilder::check_source_keys() const {
  std::map<std::string_view, const Source*> seen;
  for (const auto& source : graph_->sources_) {
    if (source == nullptr) continue;
    const auto [first, is_new] = seen.emplace(source->key(), source.get());
    if (is_new) continue;
    const std::string both =
        fmt::format("sources \"{}\" and \"{}\"", first->second->name(), source->name());
    if (!source->replayable()) {
      return {
          Code::kConfig,
          fmt::format("{} both read a stream (standard input or a pipe), which have no names to "
                      "tell them apart; a pipeline reads one: leave the other to a second "
                      "pipeline, or to a file",
                      both)};
    }
    return {Code::kConfig,
            fmt::format("{} both read {}; how far it was read is kept by its name, so a pipeline "
                        "reads it once: take its rows from one of the two, or read it again by a "
                        "second pipeline into another table",
                        both, source->key())};
  }
  return {};
}

// Before the database is touched, too.
Status GraphBuilder::check_stores() const {
  const WriterPlan& writer = plan_.writer;
  // One that can't be read is refused as it is opened.
  const auto key_of = [](const std::string& database) {
    const auto name = DatabaseName::parse(database);
    return name.ok() ? name->key() : std::string();
  };
  std::map<std::string, std::string_view> kept_by;
  for (std::size_t i = 0; i < graph_->nodes_.size(); ++i) {
    const SignalStore* store = graph_->nodes_[i]->store();
    if (store == nullptr) continue;
    const NodePlan& node = plan_.nodes[i];
    const std::string& database = store->database(writer.database);
    const std::string key = key_of(database);
    const auto refuse = [&](std::string why) {
      return with_place(plan_, node, {Code::kConfig, fmt::format("{}: {}", node.name, why)});
    };
    if (const auto [first, is_new] = kept_by.emplace(key, node.name); !is_new) {
      return refuse(
          fmt::format("expected one node that keeps the pipeline's signals in {}, found \"{}\" "
                      "before it; each signal would be there twice: take one of the two out, or "
                      "name another database",
                      database, first->second));
    }
    if (key == key_of(writer.database) &&
        strcasecmp(writer.table.c_str(), SignalStore::kTable) == 0) {
      return refuse(
          fmt::format("it keeps signals in the table {} of {}, in which [writer] puts its "
                      "rows: name another table there, or another database here",
                      SignalStore::kTable, database));
    }
  }
  return {};
}

Status GraphBuilder::open_writer() {
  Graph& graph = *graph_;
  MAYFLY_RETURN_IF_ERROR(check_source_keys());
  MAYFLY_RETURN_IF_ERROR(check_stores());
  // Each node records what it rejects by a lane of its own, each source its error rows; then two
  // spare.
  const std::size_t sources = graph.options_.parallel_sources ? plan_.sources.size() : 1;
  const auto lanes = lanes_into(plan_.writer.inputs) +
                     static_cast<std::uint32_t>(plan_.nodes.size() + sources) + 2;
  MAYFLY_ASSIGN_OR_RETURN(
      graph.writer_,
      WriterStage::open(plan_.writer, graph.options_.writer,
                        {.schema = graph.writer_schema_,
                         .parsed_text = carry_parsed_text(plan_.writer.inputs),
                         .max_row_bytes = plan_.max_row_bytes,
                         .lanes_max = lanes,
                         .resume = graph.options_.resume,
                         .ahead = nodes_ahead(plan_)},
                        graph.services_, graph.answers_, graph.sources_, graph.nodes_));
  for (std::uint32_t i = 0; i < graph.sources_.size(); ++i) {
    if (graph.sources_[i] != nullptr) MAYFLY_RETURN_IF_ERROR(position_source(i));
  }
  return {};
}

Status GraphBuilder::position_source(std::uint32_t index) {
  Graph& graph = *graph_;
  const bool resume = graph.options_.resume && graph.sources_[index]->replayable();
  MAYFLY_ASSIGN_OR_RETURN(SourceStart start,
                          graph.writer_->add_source(static_cast<std::uint16_t>(index), resume));
  graph.resumed_from_[index] = start.resumed ? start.byte : 0;
  if (!start.resumed) return {};
  answered_[index] = std::move(start.answered);
  // A source is opened once: a second instance starts at the mark.
  MAYFLY_ASSIGN_OR_RETURN(std::unique_ptr<Source> resumed, make_source(index));
  const mayfly_position position = {
      .struct_size = sizeof(mayfly_position),
      .resumed = 1,
      .ordinal = start.ordinal,
      .byte = start.byte,
      .line = start.line,
      .fingerprint = {start.fingerprint.data(), start.fingerprint.size()}};
  MAYFLY_RETURN_IF_ERROR(resumed->open_at(&position));
  if (!(resumed->schema() == graph.sources_[index]->schema())) {
    return {Code::kNoInput,
            fmt::format("{}: its columns changed since the run that is resumed: expected ({}), "
                        "found ({})",
                        resumed->name(), describe(graph.sources_[index]->schema()),
                        describe(resumed->schema()))};
  }
  graph.sources_[index] = std::move(resumed);
  return {};
}

}  // namespace mayfly
