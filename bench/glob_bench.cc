// One compiled pattern against one name, beside fnmatch(3) on the same strings: names and patterns
// of the kind that coordinators meet.
#include <benchmark/benchmark.h>
#include <fnmatch.h>

#include <string>
#include <vector>

#include "mayfly/base/glob.h"

namespace mayfly::bench {
namespace {

struct Match {
  const char* pattern;
  std::vector<std::string> names;
};

const std::vector<Match>& matches() {
  static const std::vector<Match> kMatches = {
      {"signal.*", {"signal.ready", "signal.failed", "other.ready", "signal.done"}},
      {"error.*.timeout", {"error.database.timeout", "error.http.timeout", "error.cache.refused"}},
      {"*.timeout", {"error.database.timeout", "error.timeout", "warning.low"}},
      {"*cache*", {"error.cache.miss", "cache.hit", "error.database.timeout"}},
      {"order.accepted", {"order.accepted", "order.rejected"}},
      {"err?r.*.t*out", {"error.database.timeout", "warning.low"}},
  };
  return kMatches;
}

void BM_MatchFnmatch(benchmark::State& state) {
  const Match& match = matches()[state.range(0)];
  for (auto _ : state) {
    for (const std::string& name : match.names) {
      benchmark::DoNotOptimize(fnmatch(match.pattern, name.c_str(), 0) == 0);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(match.names.size()));
  state.SetLabel(match.pattern);
}

void BM_MatchGlob(benchmark::State& state) {
  const Match& match = matches()[state.range(0)];
  const Glob glob(match.pattern);
  for (auto _ : state) {
    for (const std::string& name : match.names) benchmark::DoNotOptimize(glob.matches(name));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(match.names.size()));
  state.SetLabel(match.pattern);
}

BENCHMARK(BM_MatchFnmatch)->ArgName("pattern")->DenseRange(0, 5);
BENCHMARK(BM_MatchGlob)->ArgName("pattern")->DenseRange(0, 5);

}  // namespace
}  // namespace mayfly::bench
