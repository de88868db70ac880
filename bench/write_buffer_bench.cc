// The write buffer against what one writes first: a loop over a prepared upsert, in transactions of
// 1,000, on one connection with the same pragmas. And what a call costs while a flush is running.
//
// Each iteration runs both, one after the other, so that a drifting machine moves both. BM_Flush:
// `x` is how many times as fast the buffer's flush wrote as many rows, which were coalesced before;
// the loop writes them in the order of the calls, "random" or "ascending" by key, into a table that
// has them all, or none ("empty"). BM_Upsert: `p99_x` is the ratio of the 99th percentile of a call
// while a flush is running to that of an idle buffer. MAYFLY_BENCH_DIR says on which disk.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr const char* kCreate =
    "CREATE TABLE downloads(id INTEGER PRIMARY KEY, status TEXT, progress INTEGER)";
constexpr const char* kUpsert =
    "INSERT INTO downloads(id, status, progress) VALUES (?, ?, ?) "
    "ON CONFLICT(id) DO UPDATE SET status = excluded.status, progress = excluded.progress";
constexpr int kLoopTransaction = 1'000;
constexpr std::size_t kFlushBatch = 16'384;

std::string bench_path() {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  return (std::filesystem::path(folder != nullptr ? folder : "/tmp") / "write_buffer_bench.db")
      .string();
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

// Keys in the order in which they are written.
std::vector<std::int64_t> keys_of(std::int64_t rows, bool random) {
  std::vector<std::int64_t> keys(static_cast<std::size_t>(rows));
  std::iota(keys.begin(), keys.end(), 1);
  if (random) std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));
  return keys;
}

void must(bool ok) {
  if (!ok) std::abort();
}

// A database with the table, and all rows in it unless it is to be empty.
void make_database(const std::string& path, std::int64_t rows, bool empty) {
  remove_database(path);
  sqlite3* db = nullptr;
  must(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", nullptr, nullptr,
               nullptr);
  sqlite3_exec(db, kCreate, nullptr, nullptr, nullptr);
  const std::string fill =
      "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(rows) + ") INSERT INTO downloads SELECT i, 'waiting', 0 FROM n";
  if (!empty) must(sqlite3_exec(db, fill.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

double run_loop(const std::string& path, const std::vector<std::int64_t>& keys) {
  sqlite3* db = nullptr;
  must(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) ==
       SQLITE_OK);
  sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", nullptr, nullptr,
               nullptr);
  sqlite3_stmt* upsert = nullptr;
  must(sqlite3_prepare_v3(db, kUpsert, -1, SQLITE_PREPARE_PERSISTENT, &upsert, nullptr) ==
       SQLITE_OK);
  const auto begin = Steady::now();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % kLoopTransaction == 0) sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
    sqlite3_bind_int64(upsert, 1, keys[i]);
    sqlite3_bind_text(upsert, 2, "complete", 8, SQLITE_STATIC);
    sqlite3_bind_int64(upsert, 3, static_cast<std::int64_t>(i));
    must(sqlite3_step(upsert) == SQLITE_DONE);
    sqlite3_reset(upsert);
    if ((i + 1) % kLoopTransaction == 0 || i + 1 == keys.size()) {
      must(sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
    }
  }
  const double seconds = seconds_since(begin);
  sqlite3_finalize(upsert);
  sqlite3_close(db);
  return seconds;
}

std::unique_ptr<WriteBuffer> open_buffer(const std::string& path, std::size_t rows_max) {
  const auto writer =
      SqliteSingleWriter::get_or_create(path, {.synchronous = Synchronous::kNormal});
  must(writer.ok());
  auto made =
      WriteBuffer::create(*writer, {.max_buffer_size = rows_max, .flush_batch_size = kFlushBatch});
  must(made.ok());
  return std::move(*made);
}

void upsert(WriteBuffer& buffer, std::int64_t key, std::int64_t progress) {
  must(buffer
           .buffer_upsert("downloads",
                          {{"id", key}, {"status", "complete"}, {"progress", progress}}, {"id"})
           .ok());
}

double run_flush(const std::string& path, const std::vector<std::int64_t>& keys) {
  const auto buffer = open_buffer(path, keys.size() * 2);
  std::int64_t i = 0;
  for (const std::int64_t key : keys) upsert(*buffer, key, i++);
  const auto begin = Steady::now();
  const auto flushed = buffer->force_flush();
  const double seconds = seconds_since(begin);
  must(flushed.ok() && *flushed == static_cast<std::int64_t>(keys.size()));
  return seconds;
}

double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void BM_Flush(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const bool empty = state.range(2) != 0;
  const auto keys = keys_of(rows, state.range(1) != 0);
  const std::string path = bench_path();
  std::vector<double> ratios, rates;
  for (auto _ : state) {
    make_database(path, rows, empty);
    const double loop = run_loop(path, keys);
    make_database(path, rows, empty);
    const double ours = run_flush(path, keys);
    ratios.push_back(loop / ours);
    rates.push_back(static_cast<double>(rows) / ours);
  }
  remove_database(path);
  state.counters["x"] = median(ratios);
  state.counters["rows/s"] = median(rates);
}
BENCHMARK(BM_Flush)
    ->ArgNames({"rows", "random", "empty"})
    ->ArgsProduct({{10'000, 100'000, 1'000'000}, {0, 1}, {0, 1}})
    ->UseRealTime();

// Calls one after another, each timed, until `over`; ns.
template <class Over>
std::vector<std::int64_t> timed_calls(WriteBuffer& buffer, Over over) {
  std::vector<std::int64_t> times;
  times.reserve(1 << 20);
  std::mt19937_64 random(3);
  while (!over(times.size())) {
    const auto key = static_cast<std::int64_t>(random() % 100'000);
    const auto begin = Steady::now();
    upsert(buffer, key, key);
    times.push_back((Steady::now() - begin) / std::chrono::nanoseconds(1));
  }
  return times;
}

double percentile(std::vector<std::int64_t>& times, double share) {
  const auto at =
      times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), at, times.end());
  return static_cast<double>(*at);
}

void BM_Upsert(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const std::string path = bench_path();
  std::vector<double> ratios, idle, busy, middle_ratios;
  for (auto _ : state) {
    make_database(path, 1, true);
    const auto buffer = open_buffer(path, static_cast<std::size_t>(rows) * 4);
    for (std::int64_t key = 0; key < rows; ++key) upsert(*buffer, key, key);
    std::atomic<bool> over{false};
    std::thread flusher([&] {
      must(buffer->force_flush().ok());
      over = true;
    });
    auto during = timed_calls(*buffer, [&](std::size_t) { return over.load(); });
    flusher.join();
    must(buffer->force_flush().ok());
    auto alone = timed_calls(*buffer, [&](std::size_t n) { return n >= during.size(); });
    if (during.size() < 100) continue;
    idle.push_back(percentile(alone, 0.99));
    busy.push_back(percentile(during, 0.99));
    ratios.push_back(busy.back() / idle.back());
    middle_ratios.push_back(percentile(during, 0.5) / percentile(alone, 0.5));
  }
  remove_database(path);
  state.counters["p99_x"] = median(ratios);
  state.counters["p50_x"] = median(middle_ratios);
  state.counters["idle_p99_ns"] = median(idle);
  state.counters["flushing_p99_ns"] = median(busy);
}
BENCHMARK(BM_Upsert)->ArgName("rows")->Arg(10'000)->Arg(1'000'000)->UseRealTime();

}  // namespace
}  // namespace mayfly::bench
