// What the graph itself costs a row: sealed batches pushed into the first of N pass-through plugin
// nodes, a sink that settles them at the end, no writer. Everything on one thread, the driver's
// way.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/graph/node.h"
#include "mayfly/plugin/registry.h"

// Of the plugin that is linked in.
extern "C" const mayfly_plugin* mayfly_plugin_v1(void);

namespace mayfly::bench {
namespace {

// Where the chain ends: rows are settled, batches go back to the pool.
class Sink final : public Inbox {
 public:
  Sink(BatchPool& pool, Answers& answers) : pool_(pool), answers_(answers) {}
  SliceQueue::LaneId add_lane() override { return 0; }
  void push(SliceQueue::LaneId, RowRef head, std::uint32_t, bool) override {
    mayfly_batch& batch = *pool_.batch(head);
    std::fill_n(batch.outcome, batch.rows, std::uint8_t{MAYFLY_WRITTEN});
    answers_.on_answered({&head, 1});
  }

 private:
  BatchPool& pool_;
  Answers& answers_;
};

std::shared_ptr<const PluginLibrary> load_plugin(const char* name) {
  PluginRegistry registry(search_of_process());
  auto library = registry.find(name);
  if (!library.ok()) {
    std::fprintf(stderr, "%s\n", library.status().message().c_str());
    std::exit(1);
  }
  return *library;
}

// Batches through a chain of nodes of one plugin to a sink that answers at once.
void run_chain(benchmark::State& state, const mayfly_plugin& plugin,
               const std::vector<RawOption>& given, std::size_t nodes_count, std::uint32_t rows) {
  const OptionValues options = parse_options(OptionTable(plugin.options), given).values;
  const SystemClock clock;
  SignalSink signals(clock);
  BatchPool pool({.rows = rows, .columns = 3, .heap_bytes = rows * 32, .intake_batches = 8});
  const Schema schema({{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}});
  Services services{.clock = clock, .signals = signals, .pool = &pool, .log = {}};
  Driver driver(clock);
  Answers answers;
  answers.attach_pool(pool);
  Sink sink(pool, answers);
  std::vector<std::unique_ptr<Node>> nodes;
  for (std::size_t i = 0; i < nodes_count; ++i) {
    nodes.push_back(std::make_unique<Node>(plugin, "node", static_cast<std::uint16_t>(i), services,
                                           driver, answers));
    if (!nodes[i]->configure(options).ok() || !nodes[i]->open_with(schema).ok()) std::exit(1);
    nodes[i]->attach_pool(1);
  }
  for (std::size_t i = 0; i < nodes_count; ++i) {
    Inbox* next = i + 1 < nodes_count ? static_cast<Inbox*>(nodes[i + 1].get()) : &sink;
    const Edge out{.to = next, .lane = next->add_lane(), .input = 0, .forward = true};
    nodes[i]->wire({.ports = {out}, .record = {.to = &sink}});
  }
  const Edge in{.to = nodes.empty() ? static_cast<Inbox*>(&sink) : nodes[0].get(),
                .lane = nodes.empty() ? 0 : nodes[0]->add_lane()};
  const AllocationReport allocations;
  for (auto _ : state) {
    mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
    batch->rows = rows;
    const RowRef head = seal(*batch, 0, 0);
    answers.accept(*batch, rows);
    in.push(head);
    driver.run_pending();
  }
  const auto total = static_cast<double>(state.iterations()) * rows;
  if (!answers.counts().balanced() || answers.in_flight() != 0)
    state.SkipWithError("rows are lost");
  state.SetItemsProcessed(state.iterations() * rows);
  allocations.report(state, total);
}

void BM_PassThroughNodes(benchmark::State& state) {
  const auto library = load_plugin("pass");
  run_chain(state, library->plugin(), {}, static_cast<std::size_t>(state.range(0)),
            static_cast<std::uint32_t>(state.range(1)));
}
// nodes:0 is what acquiring, sealing and settling a batch costs by themselves.
BENCHMARK(BM_PassThroughNodes)
    ->ArgNames({"nodes", "rows"})
    ->ArgsProduct({{0, 1, 6}, {64, 256, 1024}});

// loaded: the plugin of the .so, or the same code linked into this program. Six nodes that draw a
// number for each row.
void BM_LoadedOrLinked(benchmark::State& state) {
  const auto library = load_plugin("sample");
  const mayfly_plugin& plugin = state.range(0) == 1 ? library->plugin() : *mayfly_plugin_v1();
  run_chain(state, plugin, {{"ratio", 1.0}}, 6, 1024);
}
BENCHMARK(BM_LoadedOrLinked)->ArgName("loaded")->Arg(0)->Arg(1);

}  // namespace
}  // namespace mayfly::bench
