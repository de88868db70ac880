// for_each against tbb::parallel_for with its auto_partitioner: a million bodies of about 1 us on
// two threads. Both compute the same; for_each also keeps a window of what it ran, with a reading
// of the clock for each body.
#include <benchmark/benchmark.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/work/for_each.h"

namespace mayfly::bench {
namespace {

constexpr int kThreads = 2;
constexpr std::int64_t kBodies = 1'000'000;
constexpr std::int64_t kBodiesSmall = 10'000;
// About 1 us at 3 GHz: each round waits for the one before it.
constexpr int kRounds = 375;

std::uint64_t body(std::uint64_t seed) {
  std::uint64_t state = seed;
  for (int round = 0; round < kRounds; ++round) state = Rng(state).next();
  return state;
}

void report(benchmark::State& state, const std::vector<std::uint64_t>& answers) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  // The same for all of them.
  state.SetLabel("hash " + std::to_string(std::accumulate(answers.begin(), answers.end(), 0ULL)));
}

void BM_TbbParallelFor(benchmark::State& state) {
  std::vector<std::uint64_t> answers(static_cast<std::size_t>(state.range(0)));
  tbb::task_arena arena(kThreads);
  for (auto _ : state) {
    arena.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<std::size_t>(0, answers.size()),
          [&](const tbb::blocked_range<std::size_t>& part) {
            for (std::size_t i = part.begin(); i != part.end(); ++i) answers[i] = body(i);
          },
          tbb::auto_partitioner());
    });
  }
  report(state, answers);
}

void for_each_index(benchmark::State& state, const WorkOptions& options, bool blocking) {
  std::vector<std::uint64_t> answers(static_cast<std::size_t>(state.range(0)));
  std::size_t window = 0;
  for (auto _ : state) {
    const ForEachResult result =
        for_each(std::views::iota(std::size_t{0}, answers.size()), options, {.blocking = blocking},
                 [&](std::size_t i) { answers[i] = body(i); });
    if (!result.ok()) state.SkipWithError("a body failed");
    window = result.window.size();
  }
  report(state, answers);
  state.counters["window"] = static_cast<double>(window);
}

void BM_ForEach(benchmark::State& state) {
  for_each_index(state, {.max_concurrency = kThreads}, true);
}
void BM_ForEachOnTbb(benchmark::State& state) {
  for_each_index(state, {.max_concurrency = kThreads}, false);
}
void BM_ForEachOperation(benchmark::State& state) {
  std::vector<std::uint64_t> answers(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const ForEachResult result =
        for_each(std::views::iota(std::size_t{0}, answers.size()), {.max_concurrency = kThreads},
                 [&](std::size_t i, Operation& operation) {
                   answers[i] = body(i);
                   benchmark::DoNotOptimize(operation.id());
                 });
    if (!result.ok()) state.SkipWithError("a body failed");
  }
  report(state, answers);
}
// A range without random access: read under a mutex, a few items at a time.
void BM_ForEachSequential(benchmark::State& state) {
  std::vector<std::uint64_t> answers(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    auto indexes = std::views::iota(std::size_t{0}, answers.size()) |
                   std::views::filter([](std::size_t) { return true; });
    const ForEachResult result = for_each(indexes, {.max_concurrency = kThreads},
                                          [&](std::size_t i) { answers[i] = body(i); });
    if (!result.ok()) state.SkipWithError("a body failed");
  }
  report(state, answers);
}

// Wall time, and the processor time of all threads, which says more where the machine is shared.
#define MAYFLY_FOR_EACH_BENCHMARK(NAME) \
  BENCHMARK(NAME)                       \
      ->Name(#NAME)                     \
      ->ArgName("bodies")               \
      ->Arg(kBodies)                    \
      ->MeasureProcessCPUTime()         \
      ->UseRealTime()                   \
      ->Unit(benchmark::kMillisecond);  \
  BENCHMARK(NAME)                       \
      ->Name(#NAME "Small")             \
      ->ArgName("bodies")               \
      ->Arg(kBodiesSmall)               \
      ->MeasureProcessCPUTime()         \
      ->UseRealTime()                   \
      ->Unit(benchmark::kMillisecond)

MAYFLY_FOR_EACH_BENCHMARK(BM_TbbParallelFor);
MAYFLY_FOR_EACH_BENCHMARK(BM_ForEach);
MAYFLY_FOR_EACH_BENCHMARK(BM_ForEachOnTbb);
MAYFLY_FOR_EACH_BENCHMARK(BM_ForEachOperation);
MAYFLY_FOR_EACH_BENCHMARK(BM_ForEachSequential);

}  // namespace
}  // namespace mayfly::bench
