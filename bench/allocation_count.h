// What a benchmark allocates, as one of its counters.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "tests/support/allocation_count.h"

namespace mayfly::bench {

using testing::allocation_count;

// Reports the allocations of all threads between construction and report(), as `allocs`, for each
// item.
class AllocationReport {
 public:
  AllocationReport() : before_(allocation_count()) {}
  void report(benchmark::State& state, double items) const {
    const auto count = static_cast<double>(allocation_count() - before_);
    state.counters["allocs"] = benchmark::Counter(count / items);
  }

 private:
  std::uint64_t before_;
};

}  // namespace mayfly::bench
