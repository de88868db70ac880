// Latency under a steady load of 50,000 rows a second: 50 rows fall due every millisecond, and a
// row's latency lasts from then to its COMMIT. The writer with its own checkpoints against the same
// batches through a connection with SQLite's default autocheckpoint, one after the other.
//
// Latencies are from when rows were due, not from when somebody got round to them, so that a stall
// counts for all rows it delays (coordinated omission).
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/textbook_loop.h"
#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/sqlite_writer.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::int64_t kBatchRows = 50;
constexpr auto kInterval = std::chrono::milliseconds(1);

struct Latencies {
  std::vector<double> us;
  std::uint64_t wal_bytes = 0;

  double at(double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(us.size() - 1));
    std::nth_element(us.begin(), us.begin() + static_cast<std::ptrdiff_t>(index), us.end());
    return us[index];
  }
};

// write(first row) puts kBatchRows rows into the database and returns when they are committed;
// idle() is called when nothing is due.
Latencies run(const std::string& path, std::int64_t batches,
              const std::function<void(std::int64_t)>& write, const std::function<void()>& idle) {
  Latencies latencies;
  const auto begin = Steady::now();
  for (std::int64_t i = 0; i < batches; ++i) {
    const auto due = begin + i * kInterval;
    if (Steady::now() < due) {
      idle();
      std::this_thread::sleep_until(due);
    }
    write(i * kBatchRows);
    latencies.us.push_back(std::chrono::duration<double, std::micro>(Steady::now() - due).count());
    if (i % 100 == 0) {
      std::error_code error;
      const auto bytes = std::filesystem::file_size(path + "-wal", error);
      if (!error) latencies.wal_bytes = std::max<std::uint64_t>(latencies.wal_bytes, bytes);
    }
  }
  return latencies;
}

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "steady_bench: %s\n", what.c_str());
  std::exit(1);
}

Latencies run_default(std::int64_t batches) {
  const std::string path = fresh_database("steady_default");
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  const auto execute = [db](const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) die(sqlite3_errmsg(db));
  };
  execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
  execute("CREATE TABLE t(id INTEGER, name TEXT, amount REAL)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?,?,?)", -1, &insert, nullptr);
  const auto write = [&](std::int64_t first) {
    execute("BEGIN");
    for (std::int64_t row = first; row < first + kBatchRows; ++row) {
      const SampleRow sample(row);
      sqlite3_bind_int64(insert, 1, sample.id);
      sqlite3_bind_text(insert, 2, sample.name, sizeof sample.name, SQLITE_STATIC);
      sqlite3_bind_double(insert, 3, sample.amount);
      if (sqlite3_step(insert) != SQLITE_DONE) die(sqlite3_errmsg(db));
      sqlite3_reset(insert);
    }
    execute("COMMIT");
  };
  Latencies latencies = run(path, batches, write, [] {});
  sqlite3_finalize(insert);
  sqlite3_close(db);
  check_sample_rows(path, batches * kBatchRows);
  return latencies;
}

class NoNames final : public RejectionNames {
 public:
  std::string_view node(std::uint16_t) const override { return "none"; }
  std::string_view code(std::uint16_t, std::uint16_t) const override { return "none"; }
  std::string_view text(std::uint16_t, std::uint16_t) const override { return "none"; }
};

Latencies run_writer(std::int64_t batches) {
  const std::string path = fresh_database("steady_writer");
  const Schema schema({{.name = "id", .type = ColumnType::kInt64},
                       {.name = "name"},
                       {.name = "amount", .type = ColumnType::kFloat64}});
  BatchPool pool({.rows = kBatchRows, .columns = 3, .intake_batches = 4});
  SystemClock clock;
  SignalSink signals(clock);
  NoNames names;
  WriterOptions options;
  options.database = path;
  options.table = std::string("t");  // g++ 12 takes the assignment of a literal for an overlap
  options.synchronous = Synchronous::kNormal;
  auto opened = SqliteWriter::open(options, schema, pool, clock, signals, names);
  if (!opened.ok()) die(opened.status().message());
  SqliteWriter& writer = **opened;
  const auto write = [&](std::int64_t first) {
    mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
    for (std::int64_t row = first; row < first + kBatchRows; ++row) {
      const SampleRow sample(row);
      put_int64(*batch, 0, sample.id);
      put_text(*batch, 1, sample.text());
      put_float64(*batch, 2, sample.amount);
      commit_row(*batch, {});
    }
    pool.add_flight(batch, kBatchRows);
    const RowRef head[] = {seal(*batch, 0, kNoSource)};
    const GroupResult result = writer.write(head);
    if (result.kind != GroupResult::Kind::kCommitted) die(result.status.message());
    pool.settle(batch, kBatchRows);
  };
  Latencies latencies = run(path, batches, write, [&] { writer.on_idle(); });
  if (!writer.finish(false).ok()) die("finish");
  check_sample_rows(path, batches * kBatchRows);
  return latencies;
}

void BM_Steady(benchmark::State& state) {
  const std::int64_t batches = state.range(0);
  for (auto _ : state) {
    Latencies standard = run_default(batches);
    Latencies writer = run_writer(batches);
    state.counters["default_p50_us"] = standard.at(0.5);
    state.counters["default_p999_us"] = standard.at(0.999);
    state.counters["writer_p50_us"] = writer.at(0.5);
    state.counters["writer_p999_us"] = writer.at(0.999);
    state.counters["x_p999"] = standard.at(0.999) / writer.at(0.999);
    state.counters["default_wal_mib"] = static_cast<double>(standard.wal_bytes) / (1 << 20);
    state.counters["writer_wal_mib"] = static_cast<double>(writer.wal_bytes) / (1 << 20);
  }
}
BENCHMARK(BM_Steady)->ArgName("ms")->Arg(10'000)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Steady)
    ->Name("BM_SteadySmall")
    ->ArgName("ms")
    ->Arg(50)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
