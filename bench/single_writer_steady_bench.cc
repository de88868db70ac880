// Latency of single writes under a steady load of 50,000 a second: 50 fall due every millisecond,
// and a write's latency lasts from then to its acknowledgement. The single writer with its own
// checkpoints against the same with SQLite's default autocheckpoint (every 1,000 pages), at NORMAL,
// one after the other in each iteration.
//
// Latencies are from when writes were due, not from when somebody got round to them, so that a
// stall counts for all that it delays (coordinated omission). `x` is how many times shorter the
// slowest of a thousand was, `ms` what it was, `wal_mib` how large the log became.
// MAYFLY_BENCH_DIR says on which disk.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::int64_t kWritesPerInterval = 50;
constexpr auto kInterval = std::chrono::milliseconds(1);
constexpr std::int64_t kIntervalsPerSecond = 1000;

struct Load {
  std::vector<std::int64_t> acks_ns;
  std::uint64_t wal_bytes = 0;
  std::int64_t failed = 0;

  double p999_ms() {
    const auto at = acks_ns.begin() + static_cast<std::ptrdiff_t>(acks_ns.size() * 999 / 1000);
    std::nth_element(acks_ns.begin(), at, acks_ns.end());
    return static_cast<double>(*at) / 1e6;
  }
};

std::string fresh_database(const char* name) {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  const auto path = std::filesystem::path(folder != nullptr ? folder : "/tmp") / name;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(path.string() + suffix);
  }
  return path.string();
}

// own: the writer's checkpoints; false: SQLite's, which take the writer's place as soon as the
// setting is made.
Load run(std::int64_t seconds, bool own) {
  const std::string path = fresh_database(own ? "steady_own.db" : "steady_default.db");
  auto writer = *SqliteSingleWriter::get_or_create(
      path, {.queue_capacity = 1 << 16, .sample_rate = 1000, .synchronous = Synchronous::kNormal});
  // Its own handle, behind the writer's back: by SQL it isn't given.
  const auto to_default = [](SqlSession& session) -> DbResult<void> {
    sqlite3_wal_autocheckpoint(session.get(), 1000);
    return {};
  };
  if (!own && !writer->execute_in_transaction(to_default).ok()) std::abort();
  if (!writer->write("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, amount REAL)").ok()) {
    std::abort();
  }
  const std::int64_t intervals = seconds * kIntervalsPerSecond;
  Load load;
  load.acks_ns.resize(static_cast<std::size_t>(intervals * kWritesPerInterval));
  const auto begin = Steady::now();
  std::size_t next = 0;
  for (std::int64_t i = 0; i < intervals; ++i) {
    const auto due = begin + i * kInterval;
    std::this_thread::sleep_until(due);
    for (std::int64_t k = 0; k < kWritesPerInterval; ++k) {
      std::int64_t& ack = load.acks_ns[next++];
      const Status posted =
          writer->write_async("INSERT INTO t(name, amount) VALUES (?, ?)", {"somebody", 12.5},
                              [&load, &ack, due](const DbResult<std::int64_t>& result) {
                                // One thread at a time executes, and flush_writes() below comes
                                // after all.
                                if (!result.ok()) ++load.failed;
                                ack = std::chrono::nanoseconds(Steady::now() - due).count();
                              });
      if (!posted.ok()) std::abort();
    }
    if (i % 100 == 0) {
      std::error_code error;
      const auto bytes = std::filesystem::file_size(path + "-wal", error);
      if (!error) load.wal_bytes = std::max<std::uint64_t>(load.wal_bytes, bytes);
    }
  }
  if (!writer->flush_writes().ok()) ++load.failed;
  return load;
}

void BM_Steady(benchmark::State& state, std::int64_t seconds) {
  double own_ms = 0;
  double default_ms = 0;
  double wal_mib = 0;
  for (auto _ : state) {
    Load sqlite = run(seconds, false);
    Load own = run(seconds, true);
    if (own.failed + sqlite.failed > 0) return state.SkipWithError("a write failed");
    own_ms = own.p999_ms();
    default_ms = sqlite.p999_ms();
    wal_mib = static_cast<double>(own.wal_bytes) / (1 << 20);
  }
  state.counters["ms"] = own_ms;
  state.counters["default_ms"] = default_ms;
  state.counters["x"] = default_ms / own_ms;
  state.counters["wal_mib"] = wal_mib;
}
BENCHMARK_CAPTURE(BM_Steady, Small, 1)->Iterations(1)->UseRealTime();
BENCHMARK_CAPTURE(BM_Steady, Minute, 60)->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace mayfly::bench
