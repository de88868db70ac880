// A caller's update of a random row, in a table of 200,000 rows with an index, with a transaction
// of an engine on the same database before each, against the same updates without one.
//
// Each iteration measures both, one after the other. Figures are medians, in microseconds of the
// update alone; x_alone is how many times as long it takes behind another user's transaction.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"

namespace mayfly::bench {
namespace {

using Clock = std::chrono::steady_clock;

std::string database_path() {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  const std::string path =
      std::string(folder != nullptr ? folder : std::filesystem::temp_directory_path().c_str()) +
      "/mayfly_shared_bench.db";
  for (const char* suffix : {"", "-wal", "-shm", "-mayfly.lock"}) {
    std::filesystem::remove(path + suffix);
  }
  return path;
}

template <class T>
void check(const T& result, const std::string& message) {
  if (result.ok()) return;
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void BM_UpdateBetweenEngineRows(benchmark::State& state) {
  constexpr std::int64_t kRows = 200'000;
  constexpr int kUpdates = 500;
  const std::string path = database_path();
  auto opened = SqliteSingleWriter::get_or_create(
      path, {.synchronous = Synchronous::kNormal, .cache_bytes = 64 << 20});
  check(opened, opened.ok() ? "" : opened.error().message);
  const std::shared_ptr<SqliteSingleWriter> callers = *opened;
  const auto made = callers->write(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER); CREATE INDEX t_name ON "
      "t(name);"
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200000)"
      "INSERT INTO t SELECT i, printf('name %08d', (i * 7919) % 200000), 0 FROM c");
  check(made, made.ok() ? "" : made.error().message);
  EngineConfig config;
  config.database = path;
  config.table = "rows";
  config.columns = {{.name = "id", .type = ColumnType::kInt64}};
  config.synchronous = WriterPlan::Synchronous::kNormal;
  auto engine = Engine::open(config);
  check(engine, engine.status().message());
  const auto producer = std::move((*engine)->open_producer()).value();

  std::mt19937_64 random(1);
  std::int64_t next = 0;
  std::vector<double> alone, between;
  const auto update = [&](std::vector<double>& times) {
    const std::int64_t id = static_cast<std::int64_t>(random() % kRows) + 1;
    const auto begin = Clock::now();
    const auto done =
        callers->write("UPDATE t SET name = name || '', n = n + 1 WHERE id = ?", {id});
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    check(done, done.ok() ? "" : done.error().message);
  };
  for (auto _ : state) {
    for (int i = 0; i < kUpdates; ++i) update(alone);
    for (int i = 0; i < kUpdates; ++i) {
      Ticket ticket = producer->open_ticket();
      producer->append(next++);
      producer->close_ticket();
      ticket.wait();
      update(between);
    }
  }
  state.counters["alone_us"] = median(alone);
  state.counters["between_us"] = median(between);
  state.counters["x_alone"] = median(between) / median(alone);
}
BENCHMARK(BM_UpdateBetweenEngineRows)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
