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

std::unique_ptr<Engine> open_engine(const std::string& path, const Nodes& nodes,
                                    WriterPlan::Synchronous synchronous) {
  EngineConfig config;
  config.database = path;
  config.table = "t";
  config.columns = {{.name = "id", .type = ColumnType::kInt64},
                    {.name = "name"},
                    {.name = "amount", .type = ColumnType::kFloat64}};
  config.synchronous = synchronous;
  config.batches = 64;
  config.nodes = nodes;
  auto engine = Engine::open(config);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().message().c_str());
    std::exit(1);
  }
  return std::move(engine).value();
}

struct Run {
  double seconds;
  double allocations_per_row;
};

Run run_engine(const std::string& path, std::int64_t rows, const Nodes& nodes) {
  const auto engine = open_engine(path, nodes, WriterPlan::Synchronous::kNormal);
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
    const Run run = run_engine(fresh_database("engine"), rows, pass_nodes(nodes));
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

// Without nodes and with them, one after the other in each iteration. nodes: 0 six that pass, 1 a
// circuit breaker, 2 six policies. `more` is the share of time that they add.
void BM_EngineWithNodes(benchmark::State& state) {
  const auto which = static_cast<int>(state.range(0));
  const std::int64_t rows = state.range(1);
  const Nodes nodes = which == 0 ? pass_nodes(6) : policy_nodes(which - 1);
  std::vector<double> without;
  std::vector<double> with;
  for (auto _ : state) {
    without.push_back(run_engine(fresh_database("without"), rows, {}).seconds);
    with.push_back(run_engine(fresh_database("with"), rows, nodes).seconds);
    state.SetIterationTime(with.back());
  }
  const double scale = 1e9 / static_cast<double>(rows);
  state.counters["without_ns_per_row"] = median(without) * scale;
  state.counters["with_ns_per_row"] = median(with) * scale;
  state.counters["more"] = median(with) / median(without) - 1;
}
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
