#include "mayfly/runtime/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "mayfly/config/check_plan.h"
#include "mayfly/runtime/producer_core.h"

namespace mayfly {
namespace {

constexpr std::int64_t kWaitStepNs = 100 * kMillisecond;
constexpr std::string_view kInlet = "producers";

Result<NodePlan> plan_node(const NodeSpec& spec, PluginRegistry& registry, const Upstream& input) {
  MAYFLY_ASSIGN_OR_RETURN(auto library, registry.find(spec.plugin));
  ParsedOptions parsed = parse_options(OptionTable(library->plugin().options), spec.options);
  if (!parsed.ok()) return to_status(spec.plugin, parsed.errors);
  NodePlan node;
  node.name = spec.name;
  node.plugin = std::move(library);
  node.options = std::move(parsed.values);
  node.inputs = {input};
  return node;
}

Result<PipelinePlan> plan_of(const EngineConfig& config, PluginRegistry& registry) {
  PipelinePlan plan;
  plan.name = "engine";
  plan.batch_rows = config.batch_rows;
  plan.batches = config.batches;
  plan.sources.emplace_back().name = kInlet;
  Upstream last{Upstream::Kind::kSource, 0, 0};
  for (const NodeSpec& spec : config.nodes) {
    MAYFLY_ASSIGN_OR_RETURN(NodePlan node, plan_node(spec, registry, last));
    if (node.plugin->plugin().ports.count != 1) {
      return Status(
          Code::kConfig,
          fmt::format("{}: a chain takes plugins of one port, {} has {}; give the engine a "
                      "PipelinePlan to join several",
                      spec.name, spec.plugin, node.plugin->plugin().ports.count));
    }
    plan.nodes.push_back(std::move(node));
    last = {Upstream::Kind::kNode, static_cast<std::uint32_t>(plan.nodes.size() - 1), 0};
  }
  plan.writer.inputs = {last};
  plan.writer.database = config.database;
  plan.writer.table = config.table;
  plan.writer.columns = config.columns;
  plan.writer.primary_key = config.primary_key;
  plan.writer.mode = config.mode;
  plan.writer.synchronous = config.synchronous;
  plan.reserve_batches = reserve_batches_needed(plan);
  return plan;
}

Status check_columns(const std::vector<Column>& columns) {
  if (columns.empty()) {
    return {Code::kUsage, "columns: expected at least one column that producers append"};
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name.empty()) {
      return {Code::kUsage,
              fmt::format("columns: expected a name, found none at column {}", i + 1)};
    }
    const auto same = [&](const Column& other) {
      return is_same_column(other.name, columns[i].name);
    };
    const auto end = columns.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find_if(columns.begin(), end, same) != end) {
      return {Code::kUsage, fmt::format("columns: expected different names (SQLite takes upper and "
                                        "lower case for the same), found \"{}\" twice",
                                        columns[i].name)};
    }
  }
  return {};
}

// A plan put together in code has been looked at by nobody.
Status check(PipelinePlan plan) {
  std::string text;
  for (const Diagnostic& mistake : check_limits(plan)) {
    text += (text.empty() ? "" : "; ") + mistake.message;
  }
  return text.empty() ? Status() : Status(Code::kConfig, std::move(text));
}

// What the standard library throws for want of threads or memory, as a status.
template <class Open>
Result<std::unique_ptr<Engine>> without_throwing(const Open& open) {
  try {
    return open();
  } catch (const std::system_error& error) {
    return Status(Code::kTryAgain,
                  fmt::format("a thread can't be started: {}; stop others of this user, or raise "
                              "the limit of processes (ulimit -u)",
                              error.what()));
  } catch (const std::bad_alloc&) {
    return Status(Code::kTryAgain, "not enough memory; lower batches, batch_rows or tickets");
  } catch (const std::invalid_argument& error) {
    return Status(Code::kUsage, error.what());  // the options of the signals
  }
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      signals_(clock_, options_.signals) {}

Engine::~Engine() {
  // What was accepted is answered, unless it never ran or the caller has aborted.
  static_cast<void>(running_ ? close() : abort());
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineConfig& config, EngineOptions options) {
  return without_throwing([&]() -> Result<std::unique_ptr<Engine>> {
    PluginRegistry registry(search_of_process());
    return open(config, registry, std::move(options));
  });
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineConfig& config, PluginRegistry& registry,
                                             EngineOptions options) {
  return without_throwing([&]() -> Result<std::unique_ptr<Engine>> {
    MAYFLY_RETURN_IF_ERROR(check_columns(config.columns));
    MAYFLY_ASSIGN_OR_RETURN(const PipelinePlan plan, plan_of(config, registry));
    options.inlet_schema = Schema(config.columns);
    return open(plan, std::move(options));
  });
}

Result<std::unique_ptr<Engine>> Engine::open(const PipelinePlan& plan, EngineOptions options) {
  return without_throwing([&]() -> Result<std::unique_ptr<Engine>> {
    MAYFLY_RETURN_IF_ERROR(check(plan));
    return open_checked(plan, std::move(options));
  });
}

Result<std::unique_ptr<Engine>> Engine::open_checked(const PipelinePlan& plan,
                                                     EngineOptions options) {
  std::unique_ptr<Engine> engine(new Engine(std::move(options)));
  const EngineOptions& o = engine->options_;
  engine->tickets_ = std::make_unique<TicketTable>(std::max<std::uint32_t>(o.tickets, 1));
  for (const SourcePlan& source : plan.sources) engine->source_names_.push_back(source.name);
  MAYFLY_ASSIGN_OR_RETURN(engine->graph_,
                          Graph::build(plan, {.clock = engine->clock_,
                                              .signals = engine->signals_,
                                              .log = o.log,
                                              .tickets = engine->tickets_.get(),
                                              .inlet_schema = o.inlet_schema,
                                              .producers_max = o.producers_max,
                                              .resume = o.resume,
                                              .durable_at_end = o.durable_at_end,
                                              .parallel_sources = o.parallel_sources,
                                              .writer = o.writer}));
  engine->linger_ = std::make_unique<Linger>(engine->clock_, engine->graph_->driver(), o.linger_ns);
  engine->graph_->start();
  engine->running_ = true;
  return engine;
}

Result<std::unique_ptr<Producer>> Engine::open_producer(std::string_view source) {
  const auto name = std::ranges::find(source_names_, source);
  if (name == source_names_.end()) {
    return Status(Code::kUsage, fmt::format("no source is called \"{}\"", source));
  }
  const auto index = static_cast<std::uint32_t>(name - source_names_.begin());
  MAYFLY_ASSIGN_OR_RETURN(const Graph::Lane lane, graph_->open_lane(index));
  return std::make_unique<Producer>(
      std::make_unique<ProducerCore>(*graph_, *tickets_, *linger_, index, lane));
}

void Engine::raise(std::string_view name) {
  signals_.raise(name);
}

void Engine::begin_drain() {
  // In this order: an append that still saw the engine open is in a batch that is sent now.
  graph_->refuse_rows();
  linger_->send_all();
  graph_->begin_drain();
}

bool Engine::wait(std::int64_t timeout_ns) { return graph_->wait(timeout_ns); }

Status Engine::close() {
  if (graph_ == nullptr) return {};
  // Once it was closed or aborted there is nothing to wait for.
  if (std::exchange(running_, false)) {
    begin_drain();
    while (!graph_->wait(kWaitStepNs)) {
    }
  }
  return graph_->close();
}

Status Engine::abort() {
  running_ = false;
  if (graph_ == nullptr) return {};
  graph_->refuse_rows();
  linger_->send_all();  // so that what producers have open comes back through their tickets
  return graph_->close();
}

bool Engine::failed() const { return !graph_->failure().ok(); }

std::int64_t Engine::outage_since_ns() const { return graph_->writer().outage_since_ns(); }

EngineStats Engine::stats() const {
  EngineStats stats;
  stats.rows = graph_->answers().counts();
  stats.writer = graph_->writer().totals();
  stats.memory_bytes = graph_->pool().memory_bytes();
  stats.signals_raised = signals_.raised_total();
  stats.outage_since_ns = outage_since_ns();
  const auto add_counters = [&stats](const PluginInstance& instance) {
    const NamedTable counters(instance.plugin().counters);
    for (std::uint32_t i = 0; i < counters.size(); ++i) {
      stats.counters.push_back({instance.name(), counters[i].name, instance.counter(i)});
    }
  };
  const auto& sources = graph_->sources();
  for (std::uint32_t i = 0; i < sources.size(); ++i) {
    if (sources[i] == nullptr) continue;
    SourceStats& source = stats.sources.emplace_back();
    source.name = sources[i]->name();
    source.key = sources[i]->key();
    source.totals = graph_->writer().source_totals(static_cast<std::uint16_t>(i));
    source.resumed_from = graph_->resumed_from(i);
    source.finished = sources[i]->ended();
    sources[i]->progress(source.bytes_done, source.bytes_total);
    add_counters(*sources[i]);
  }
  for (const auto& node : graph_->nodes()) add_counters(*node);
  return stats;
}

}  // namespace mayfly
