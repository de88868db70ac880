// What a decision costs: GCRA against the least that any such decision needs, one compare-exchange
// on a word that all threads share.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>

#include "mayfly/policy/circuit_breaker_policy.h"
#include "mayfly/policy/gcra.h"

namespace mayfly::bench {
namespace {

std::atomic<std::int64_t> word{0};

// Each adds one unless the word is ahead of a limit that is never reached.
void BM_CompareExchange(benchmark::State& state) {
  std::int64_t now = 0;
  for (auto _ : state) {
    std::int64_t seen = word.load(std::memory_order_relaxed);
    ++now;
    while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
    }
    benchmark::DoNotOptimize(now);
  }
}
BENCHMARK(BM_CompareExchange)->ThreadRange(1, 2)->UseRealTime();

Gcra& shared_gcra() {
  static Gcra gcra({.events = 1'000'000'000, .per_ns = kSecond, .burst = 1'000'000'000});
  return gcra;
}

void BM_GcraAllowed(benchmark::State& state) {
  Gcra& gcra = shared_gcra();
  std::int64_t now = 1'000'000 * kSecond;
  std::int64_t allowed = 0;
  for (auto _ : state) allowed += gcra.try_acquire(now += 10);
  benchmark::DoNotOptimize(allowed);
}
BENCHMARK(BM_GcraAllowed)->ThreadRange(1, 2)->UseRealTime();

void BM_GcraRefused(benchmark::State& state) {
  static Gcra gcra({.events = 1, .per_ns = 3600 * kSecond, .burst = 1});
  std::int64_t now = 1'000'000 * kSecond;
  std::int64_t allowed = 0;
  for (auto _ : state) allowed += gcra.try_acquire(now += 1);
  benchmark::DoNotOptimize(allowed);
}
BENCHMARK(BM_GcraRefused)->ThreadRange(1, 2)->UseRealTime();

// A call that succeeds while the breaker is closed.
void BM_BreakerClosed(benchmark::State& state) {
  CircuitBreakerPolicy breaker({});
  std::int64_t now = kSecond;
  for (auto _ : state) {
    benchmark::DoNotOptimize(breaker.try_begin(now += 100));
    breaker.succeeded(now);
  }
}
BENCHMARK(BM_BreakerClosed);

}  // namespace
}  // namespace mayfly::bench
