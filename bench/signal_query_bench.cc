// Asking a window of 10,000 signals by a pattern, against fnmatch(3) over the same names in a
// vector; and what a coordinator asks before each item.
//
// "Count" counts; "Sense" copies what matches into a buffer that is used again. A sink remembers
// what it counted in full blocks: "Still" asks a window to which nothing was added, "Sliding" one
// to which kNew signals are added before each question (and measures that too), "Cold" compiles the
// pattern and looks at every signal.
#include <benchmark/benchmark.h>
#include <fnmatch.h>

#include <string>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/base/clock.h"
#include "mayfly/signal/pattern_set.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly::bench {
namespace {

constexpr std::size_t kQueried = 10'000;
constexpr std::size_t kNew = 100;
constexpr std::size_t kStems = 100;

// With arguments, every second signal has one.
struct Query {
  const char* pattern;
  bool arguments;
};
// The last one can't be decided by the stem: arguments are looked at.
const Query kQueries[] = {{"error.*", false},
                          {"*.stage*", false},
                          {"error.*.timeout", false},
                          {"stage.*", true},
                          {"*7", true}};
constexpr int kLast = 4;

std::string name_of(std::size_t i, bool arguments) {
  const std::size_t stem = i % kStems;
  std::string name = stem % 10 == 0 ? "error.stage" + std::to_string(stem) + ".timeout"
                                    : "stage.done" + std::to_string(stem);
  if (arguments && i / kStems % 2 == 0) name += ":item-" + std::to_string(i);
  return name;
}

std::vector<std::string> names_of(bool arguments) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kQueried; ++i) names.push_back(name_of(i, arguments));
  return names;
}

struct Window {
  explicit Window(bool arguments) {
    for (const std::string& name : names_of(arguments)) sink.raise(name);
  }
  ManualClock clock;
  SignalSink sink{clock, {.capacity = kQueried}};
};

void report(benchmark::State& state, const Query& query, std::size_t matches) {
  state.SetLabel(query.pattern);
  state.counters["matches"] = static_cast<double>(matches);
}

void BM_CountFnmatch(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  const std::vector<std::string> names = names_of(query.arguments);
  std::size_t matches = 0;
  for (auto _ : state) {
    matches = 0;
    for (const std::string& name : names) matches += fnmatch(query.pattern, name.c_str(), 0) == 0;
    benchmark::DoNotOptimize(matches);
  }
  report(state, query, matches);
}

void BM_CountStill(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  const Window window(query.arguments);
  std::size_t matches = window.sink.count(query.pattern);
  const AllocationReport allocations;
  for (auto _ : state) benchmark::DoNotOptimize(matches = window.sink.count(query.pattern));
  allocations.report(state, static_cast<double>(state.iterations()));
  report(state, query, matches);
}

void BM_CountSliding(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  Window window(query.arguments);
  const StemId stem = window.sink.intern("stage.done1");
  std::size_t matches = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kNew; ++i) {
      window.sink.raise_at(kSecond, stem, query.arguments ? "item-7" : "");
    }
    benchmark::DoNotOptimize(matches = window.sink.count(query.pattern));
  }
  report(state, query, matches);
}

void BM_CountCold(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  const Window window(query.arguments);
  std::size_t matches = 0;
  for (auto _ : state) {
    const PatternSet set(window.sink, query.pattern);
    benchmark::DoNotOptimize(matches = set.count());
  }
  report(state, query, matches);
}

void BM_SenseFnmatch(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  const std::vector<std::string> names = names_of(query.arguments);
  std::vector<std::string> out(names.size());
  std::size_t matches = 0;
  for (auto _ : state) {
    matches = 0;
    for (const std::string& name : names) {
      if (fnmatch(query.pattern, name.c_str(), 0) == 0) out[matches++].assign(name);
    }
    benchmark::DoNotOptimize(out.data());
  }
  report(state, query, matches);
}

void BM_SenseSink(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  const Window window(query.arguments);
  std::vector<Signal> out;
  std::size_t matches = window.sink.sense_into(out, query.pattern).size();
  const AllocationReport allocations;
  for (auto _ : state) {
    benchmark::DoNotOptimize(matches = window.sink.sense_into(out, query.pattern).size());
  }
  allocations.report(state, static_cast<double>(state.iterations()));
  report(state, query, matches);
}

BENCHMARK(BM_CountFnmatch)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_CountStill)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_CountSliding)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_CountCold)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_SenseFnmatch)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_SenseSink)->ArgName("query")->DenseRange(0, kLast)->Unit(benchmark::kMicrosecond);

// What a coordinator asks before an item: is one of these there?
constexpr const char* kCoordinatorsList = "backpressure.*, rate-limited, circuit-open";

void BM_PresentNeverRaised(benchmark::State& state) {
  const Window window(true);
  const PatternSet set(window.sink, kCoordinatorsList);
  for (auto _ : state) benchmark::DoNotOptimize(set.any_present());
}
BENCHMARK(BM_PresentNeverRaised);

void BM_PresentRetracted(benchmark::State& state) {
  Window window(true);
  const PatternSet set(window.sink, kCoordinatorsList);
  window.sink.raise("backpressure.downstream");
  window.sink.retract("backpressure.downstream");
  for (auto _ : state) benchmark::DoNotOptimize(set.any_present());
}
BENCHMARK(BM_PresentRetracted);

// Its item raises a signal each time: one more to look at.
void BM_PresentRetractedRaising(benchmark::State& state) {
  Window window(true);
  const PatternSet set(window.sink, kCoordinatorsList);
  window.sink.raise("backpressure.downstream");
  window.sink.retract("backpressure.downstream");
  const StemId stem = window.sink.intern("stage.done1");
  for (auto _ : state) {
    window.sink.raise_at(kSecond, stem);
    benchmark::DoNotOptimize(set.any_present());
  }
}
BENCHMARK(BM_PresentRetractedRaising);

// The signal that is present lies `behind` raises back.
void BM_PresentYes(benchmark::State& state) {
  Window window(true);
  const PatternSet set(window.sink, kCoordinatorsList);
  window.sink.raise("backpressure.downstream");
  const StemId stem = window.sink.intern("stage.done1");
  for (std::int64_t i = 0; i < state.range(0); ++i) window.sink.raise_at(kSecond, stem);
  for (auto _ : state) benchmark::DoNotOptimize(set.newest_ns());
}
BENCHMARK(BM_PresentYes)->ArgName("behind")->Arg(0)->Arg(1'000);

void BM_DetectName(benchmark::State& state) {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 1'000});
  const StemId stem = sink.intern("order.accepted");
  sink.intern("backpressure.downstream");
  for (int i = 0; i < 1'000; ++i) sink.raise(stem, "customer-4711");
  for (auto _ : state) benchmark::DoNotOptimize(sink.detect("backpressure.downstream"));
}
BENCHMARK(BM_DetectName);

}  // namespace
}  // namespace mayfly::bench
