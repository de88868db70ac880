// The engine end to end against L: two producers append typed rows of three columns, which go
// through pass-through plugin nodes to the writer; the clock stops when every row is answered.
//
// Each iteration runs both, one after the other, so that a drifting machine moves both. Figures are
// medians of the iterations, since a disk's stall falls on one of the two; x_loop is how many times
// as fast as L the engine is. allocations_per_row counts operator new between the
// first and the last row, SQLite's and oneTBB's own excepted (they don't go through operator new).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/allocation_count.h"
#include "bench/textbook_loop.h"
#include "mayfly/mayfly.h"

namespace mayfly::bench {
namespace {

using Clock = std::chrono::steady_clock;

// What stands between the producers and the writer.
using Nodes = std::vector<NodeSpec>;

Nodes pass_nodes(int count) {
  Nodes nodes;
  for (int i = 0; i < count; ++i) nodes.push_back({"pass_" + std::to_string(i), "pass", {}});
  return nodes;
}

// Policies with nothing to do: nothing fails, no limit is reached, no signal is raised.
Nodes policy_nodes(int which) {
  const std::vector<std::string> nobody = {"nobody.*"};
  const Nodes all = {
      {"breaker", "circuit_breaker", {}},
      {"watcher", "signal_log_watcher", {{"signals", nobody}}},
      {"aware", "signal_aware", {{"cancel_on", nobody}}},
      {"anomaly", "anomaly_detector", {{"signals", nobody}}},
      {"work", "fixed_work", {{"limit", std::int64_t{1'000'000}}}},
      {"pressure", "backpressure", {{"high_rows", std::int64_t{1'000'000}}}},
  };
  if (which == 0) return {all[0]};
  return all;
}

template <class T>
T or_exit(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().message().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

std::vector<Column> sample_columns() {
  return {{.name = "id", .type = ColumnType::kInt64},
          {.name = "name"},
          {.name = "amount", .type = ColumnType::kFloat64}};
}

std::unique_ptr<Engine> open_engine(const std::string& path, const Nodes& nodes) {
  EngineConfig config;
  config.database = path;
  config.table = "t";
  config.columns = sample_columns();
  config.synchronous = WriterPlan::Synchronous::kNormal;
  config.batches = 64;
  config.nodes = nodes;
  return or_exit(Engine::open(config));
}

using Kind = Upstream::Kind;

NodePlan plan_node(const char* plugin, const std::vector<RawOption>& options,
                   std::vector<Upstream> inputs) {
  static PluginRegistry registry(search_of_process());
  NodePlan made;
  made.plugin = or_exit(registry.find(plugin));
  made.name = made.plugin->name();
  made.options = parse_options(OptionTable(made.plugin->plugin().options), options).values;
  made.inputs = std::move(inputs);
  return made;
}

PipelinePlan plan_without_nodes(const std::string& path) {
  PipelinePlan plan;
  plan.name = "retry";
  plan.batches = 64;
  plan.sources.emplace_back().name = "producers";
  plan.writer.database = path;
  plan.writer.table = "t";
  plan.writer.synchronous = WriterPlan::Synchronous::kNormal;
  return plan;
}

std::unique_ptr<Engine> open_plan(const PipelinePlan& plan) {
  EngineOptions options;
  options.inlet_schema = Schema(sample_columns());
  return or_exit(Engine::open(plan, std::move(options)));
}

// A retry node for what the writer fails, which is nothing.
std::unique_ptr<Engine> open_engine_with_retry(const std::string& path) {
  PipelinePlan plan = plan_without_nodes(path);
  plan.nodes.push_back(plan_node("retry", {}, {{Kind::kWriter, 0, 0}}));
  plan.writer.inputs = {{Kind::kSource, 0, 0}, {Kind::kNode, 0, 0}};
  plan.writer.transient = WriterPlan::Transient::kRoute;
  plan.writer.unordered = true;
  return open_plan(plan);
}

// A node that fails so many first attempts of 1,000 rows, which a retry node brings back.
std::unique_ptr<Engine> open_engine_that_fails(const std::string& path, std::int64_t failing) {
  PipelinePlan plan = plan_without_nodes(path);
  plan.nodes.push_back(plan_node("tests/plugins/flaky/libflaky.so", {{"failing", failing}},
                                 {{Kind::kSource, 0, 0}, {Kind::kNode, 1, 0}}));
  plan.nodes.push_back(
      plan_node("retry", {{"initial_delay", std::string("1ms")}}, {{Kind::kNode, 0, 1}}));
  plan.writer.inputs = {{Kind::kNode, 0, 0}};
  return open_plan(plan);
}

struct Run {
  double seconds;
  double allocations_per_row;
};

Run run_engine(const std::string& path, std::int64_t rows, std::unique_ptr<Engine> engine) {
  const std::uint64_t allocations = allocation_count();
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&engine, rows, t] {
        const auto producer = std::move(engine->open_producer()).value();
        for (std::int64_t row = t * rows / 2; row < (t + 1) * rows / 2; ++row) {
          const SampleRow sample(row);
          producer->append(sample.id, sample.text(), sample.amount);
        }
      });
    }
  }
  while (engine->stats().rows.answered() < static_cast<std::uint64_t>(rows)) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto allocated = static_cast<double>(allocation_count() - allocations);
  if (!engine->close().ok()) std::exit(1);
  check_sample_rows(path, rows);
  return {seconds, allocated / static_cast<double>(rows)};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void BM_EngineOverLoop(benchmark::State& state) {
  const int nodes = static_cast<int>(state.range(0));
  const std::int64_t rows = state.range(1);
  std::vector<double> loop_ns;
  std::vector<double> engine_ns;
  double allocations = 0;
  const auto ns_per_row = [rows](double seconds) {
    return seconds * 1e9 / static_cast<double>(rows);
  };
  for (auto _ : state) {
    loop_ns.push_back(ns_per_row(run_textbook_loop(fresh_database("loop"), rows)));
    const std::string path = fresh_database("engine");
    const Run run = run_engine(path, rows, open_engine(path, pass_nodes(nodes)));
    engine_ns.push_back(ns_per_row(run.seconds));
    allocations += run.allocations_per_row;
    state.SetIterationTime(run.seconds);
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["loop_ns_per_row"] = median(loop_ns);
  state.counters["engine_ns_per_row"] = median(engine_ns);
  state.counters["x_loop"] = median(loop_ns) / median(engine_ns);
  state.counters["allocations_per_row"] = allocations / static_cast<double>(state.iterations());
}
BENCHMARK(BM_EngineOverLoop)
    ->ArgNames({"nodes", "rows"})
    ->ArgsProduct({{0, 1, 6}, {2'000'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

// Two engines, one after the other in each iteration. `more` is the share of time that the second
// takes more.
template <class Without, class With>
void compare(benchmark::State& state, std::int64_t rows, Without open_without, With open_with) {
  std::vector<double> without;
  std::vector<double> with;
  for (auto _ : state) {
    std::string path = fresh_database("without");
    without.push_back(run_engine(path, rows, open_without(path)).seconds);
    path = fresh_database("with");
    with.push_back(run_engine(path, rows, open_with(path)).seconds);
    state.SetIterationTime(with.back());
  }
  const double scale = 1e9 / static_cast<double>(rows);
  state.counters["without_ns_per_row"] = median(without) * scale;
  state.counters["with_ns_per_row"] = median(with) * scale;
  state.counters["more"] = median(with) / median(without) - 1;
}

// Without nodes and with them: 0 six that pass, 1 a circuit breaker, 2 six policies.
void BM_EngineWithNodes(benchmark::State& state) {
  const auto which = static_cast<int>(state.range(0));
  const Nodes nodes = which == 0 ? pass_nodes(6) : policy_nodes(which - 1);
  compare(
      state, state.range(1), [](const std::string& path) { return open_engine(path, {}); },
      [&](const std::string& path) { return open_engine(path, nodes); });
}
// A retry node that has nothing to do against none at all, and one that has so many rows of 1,000
// against one that has none.
void BM_EngineWithRetries(benchmark::State& state) {
  const std::int64_t failing = state.range(0);
  compare(
      state, state.range(1),
      [&](const std::string& path) {
        return failing == 0 ? open_engine(path, {}) : open_engine_that_fails(path, 0);
      },
      [&](const std::string& path) {
        return failing == 0 ? open_engine_with_retry(path) : open_engine_that_fails(path, failing);
      });
}
BENCHMARK(BM_EngineWithRetries)
    ->ArgNames({"failing", "rows"})
    ->ArgsProduct({{0, 10}, {2'000'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_EngineWithRetries)
    ->Name("BM_EngineWithRetriesSmall")
    ->ArgNames({"failing", "rows"})
    ->ArgsProduct({{0, 10}, {20'000}})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_EngineWithNodes)
    ->ArgNames({"nodes", "rows"})
    ->ArgsProduct({{0, 1, 2}, {2'000'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_EngineWithNodes)
    ->Name("BM_EngineWithNodesSmall")
    ->ArgNames({"nodes", "rows"})
    ->ArgsProduct({{0, 1, 2}, {20'000}})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Small enough for a test: the same path, every row checked.
BENCHMARK(BM_EngineOverLoop)
    ->Name("BM_EngineOverLoopSmall")
    ->ArgNames({"nodes", "rows"})
    ->Args({6, 20'000})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
