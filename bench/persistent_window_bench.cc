// The persistent window: what raising costs with the disk behind it, and how fast it is written.
//
// Raising is measured in rounds of kRound signals from each thread, and the flush that follows
// isn't timed; the baselines are the same raises into a bare sink, and into a sink whose one
// listener copies each signal into a vector under a mutex, which is what one would write first.
// Flushing is measured against a loop of prepared inserts into the same table in transactions of
// 1,000, one after the other in each iteration: `x` is how many times as many signals a second the
// window wrote. MAYFLY_BENCH_DIR says on which disk.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "mayfly/storage/persistent_window/stored_time.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kRound = 20'000;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

std::string bench_path() {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  return (std::filesystem::path(folder != nullptr ? folder : "/tmp") / "window_bench.db").string();
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

std::unique_ptr<PersistentSignalWindow> open_window(const std::string& path) {
  remove_database(path);
  PersistentWindowOptions options{.flush_interval_ns = kNever,
                                  .sample_rate = 1'000'000,
                                  .max_pending_signals = 10'000'000,
                                  .max_pending_bytes = std::size_t{1} << 30};
  auto window = PersistentSignalWindow::open(path, options);
  if (!window.ok()) std::abort();
  return std::move(*window);
}

// Rounds of raises by several threads, each timed by itself; settle() after each isn't.
template <class Raise, class Settle>
void raise_rounds(benchmark::State& state, Raise raise, Settle settle) {
  const int threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::vector<double> seconds(static_cast<std::size_t>(threads));
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        const auto begin = Steady::now();
        for (int i = 0; i < kRound; ++i) raise();
        seconds[static_cast<std::size_t>(thread)] = seconds_since(begin);
      });
    }
    for (std::thread& one : running) one.join();
    state.SetIterationTime(*std::max_element(seconds.begin(), seconds.end()) / kRound);
    settle();
  }
}

void BM_RaiseBareSink(benchmark::State& state) {
  const SystemClock clock;
  SignalSink sink(clock, {.capacity = 10'000, .max_age_ns = 600 * kSecond});
  raise_rounds(
      state, [&] { sink.raise("order.completed"); }, [] {});
}
BENCHMARK(BM_RaiseBareSink)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(5)->UseManualTime();

void BM_RaiseNaiveListener(benchmark::State& state) {
  const SystemClock clock;
  SignalSink sink(clock, {.capacity = 10'000, .max_age_ns = 600 * kSecond});
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, std::string>> kept;
  const auto subscription = sink.subscribe("*", [&](const SignalEvent& event) {
    const std::lock_guard lock(mutex);
    kept.emplace_back(event.at_ns(), event.name());
  });
  raise_rounds(
      state, [&] { sink.raise("order.completed"); }, [&] { kept.clear(); });
}
BENCHMARK(BM_RaiseNaiveListener)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(5)
    ->UseManualTime();

template <class Raise>
void raise_in_window(benchmark::State& state, Raise raise) {
  const std::string path = bench_path();
  auto window = open_window(path);
  raise_rounds(
      state, [&] { raise(*window); },
      [&] {
        if (!window->flush().ok()) std::abort();
      });
  if (window->stats().dropped > 0) state.SkipWithError("signals were dropped");
  window.reset();
  remove_database(path);
}

void BM_RaisePersistent(benchmark::State& state) {
  raise_in_window(state, [](PersistentSignalWindow& window) { window.raise("order.completed"); });
}
BENCHMARK(BM_RaisePersistent)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(5)->UseManualTime();

void BM_RaisePersistentWithKey(benchmark::State& state) {
  raise_in_window(state, [](PersistentSignalWindow& window) {
    window.raise("order.completed", "order-service");
  });
}
BENCHMARK(BM_RaisePersistentWithKey)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(5)
    ->UseManualTime();

constexpr const char* kSchema =
    "CREATE TABLE signals(id INTEGER PRIMARY KEY, operation_id INTEGER NOT NULL, signal TEXT NOT "
    "NULL, key TEXT, timestamp TEXT NOT NULL, created_at TEXT DEFAULT CURRENT_TIMESTAMP);"
    "CREATE INDEX idx_signals_timestamp ON signals(timestamp);"
    "CREATE INDEX idx_signals_signal ON signals(signal)";

constexpr const char* kNames[] = {"order.completed", "order.placed", "payment.processed",
                                  "error:timeout", "user.login"};

// The same rows by a loop of prepared inserts; seconds.
double insert_loop(const std::string& path, int count) {
  remove_database(path);
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", nullptr, nullptr,
               nullptr);
  sqlite3_exec(db, kSchema, nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db,
                     "INSERT INTO signals(operation_id, signal, key, timestamp) VALUES (?,?,?,?)",
                     -1, &insert, nullptr);
  StoredTime time;
  const auto begin = Steady::now();
  for (int i = 0; i < count; ++i) {
    if (i % 1000 == 0) sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
    const auto text = time.text(1'700'000'000'000'000 + i);
    sqlite3_bind_int64(insert, 1, i);
    sqlite3_bind_text(insert, 2, kNames[i % 5], -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, "order-service", -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    sqlite3_step(insert);
    sqlite3_reset(insert);
    if (i % 1000 == 999) sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  }
  if (sqlite3_get_autocommit(db) == 0) sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  const double seconds = seconds_since(begin);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return seconds;
}

double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void BM_Flush(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  const std::string path = bench_path();
  std::vector<double> ratios, rates;
  for (auto _ : state) {
    const double base = insert_loop(path, count);
    const auto window = open_window(path);
    for (int i = 0; i < count; ++i) {
      window->raise(WindowSignal(kNames[i % 5], "order-service", static_cast<OperationId>(i)));
    }
    const auto begin = Steady::now();
    if (!window->flush().ok()) return state.SkipWithError("the flush failed");
    const double ours = seconds_since(begin);
    state.SetIterationTime(ours);
    rates.push_back(count / ours);
    ratios.push_back(base / ours);
  }
  remove_database(path);
  state.counters["signals/s"] = median(rates);
  state.counters["x"] = median(ratios);
}
BENCHMARK(BM_Flush)->ArgName("signals")->Arg(1'000)->Arg(100'000)->UseManualTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
