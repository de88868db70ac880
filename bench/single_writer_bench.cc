// The single writer against what one writes first: a connection for each thread, autocommit, a busy
// timeout. Single-row inserts of N threads.
//
// Each iteration runs both, one after the other, so that a drifting machine moves both. `x` is how
// many times as many writes a second the single writer did, `ack_x` how many times shorter the
// slowest of a thousand acknowledgements was, `busy` how many writes of the baseline gave up over a
// lock (the single writer's callers see none, or the benchmark fails). "One" brings the next write
// when the last is acknowledged, "Many" keeps 256 outstanding in all. MAYFLY_BENCH_DIR says on
// which disk.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr const char* kCreate =
    "DROP TABLE IF EXISTS t; CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, amount REAL)";
constexpr const char* kInsert = "INSERT INTO t(name, amount) VALUES (?, ?)";
constexpr int kBusyMs = 30'000;

std::string bench_path(const char* name) {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  return (std::filesystem::path(folder != nullptr ? folder : "/tmp") / name).string();
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

// What one run took.
struct Run {
  double seconds = 0;
  std::vector<std::int64_t> acks_ns;  // of every write
  std::int64_t busy = 0;

  std::int64_t p999_ns() {
    if (acks_ns.empty()) return 0;
    const auto at = acks_ns.begin() + static_cast<std::ptrdiff_t>(acks_ns.size() * 999 / 1000);
    std::nth_element(acks_ns.begin(), at, acks_ns.end());
    return *at;
  }
};

// body(thread, acks_ns) in `count` threads, timed from the first to the last.
Run in_threads(int count, const std::function<void(int, std::vector<std::int64_t>&)>& body) {
  Run run;
  std::vector<std::vector<std::int64_t>> acks(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] { body(i, acks[static_cast<std::size_t>(i)]); });
  }
  for (std::thread& thread : threads) thread.join();
  run.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  for (const auto& one : acks) run.acks_ns.insert(run.acks_ns.end(), one.begin(), one.end());
  return run;
}

template <class Write>
void timed(std::vector<std::int64_t>& acks, Write write) {
  const auto begin = Steady::now();
  write();
  acks.push_back((Steady::now() - begin) / std::chrono::nanoseconds(1));
}

Run run_baseline(const std::string& path, bool full, int threads, int writes) {
  remove_database(path);
  sqlite3* first = nullptr;
  sqlite3_open(path.c_str(), &first);
  sqlite3_exec(first, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  sqlite3_exec(first, kCreate, nullptr, nullptr, nullptr);
  std::atomic<std::int64_t> busy{0};
  Run run = in_threads(threads, [&](int, std::vector<std::int64_t>& acks) {
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    sqlite3_busy_timeout(db, kBusyMs);
    sqlite3_exec(db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", nullptr,
                 nullptr, nullptr);
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, kInsert, -1, &insert, nullptr);
    for (int i = 0; i < writes / threads; ++i) {
      timed(acks, [&] {
        sqlite3_bind_text(insert, 1, "a name of some length", -1, SQLITE_STATIC);
        sqlite3_bind_double(insert, 2, i);
        busy += sqlite3_step(insert) != SQLITE_DONE;
        sqlite3_reset(insert);
      });
    }
    sqlite3_finalize(insert);
    sqlite3_close(db);
  });
  sqlite3_close(first);
  run.busy = busy.load();
  return run;
}

std::shared_ptr<SqliteSingleWriter> open_writer(const std::string& path, bool full) {
  remove_database(path);
  const auto writer = SqliteSingleWriter::get_or_create(
      path,
      {.queue_capacity = 256, .synchronous = full ? Synchronous::kFull : Synchronous::kNormal});
  if (!writer.ok() || !(*writer)->write(kCreate).ok()) std::abort();
  return *writer;
}

Run run_one(const std::string& path, bool full, int threads, int writes) {
  const auto writer = open_writer(path, full);
  std::atomic<std::int64_t> failed{0};
  Run run = in_threads(threads, [&](int, std::vector<std::int64_t>& acks) {
    for (int i = 0; i < writes / threads; ++i) {
      timed(acks, [&] {
        failed += !writer->write(kInsert, {"a name of some length", 1.0 * i}).ok();
      });
    }
  });
  run.busy = failed.load();
  return run;
}

Run run_many(const std::string& path, bool full, int threads, int writes) {
  const auto writer = open_writer(path, full);
  std::atomic<std::int64_t> failed{0};
  Run run = in_threads(threads, [&](int, std::vector<std::int64_t>&) {
    for (int i = 0; i < writes / threads; ++i) {
      const Status posted = writer->write_async(
          kInsert, {"a name of some length", 1.0 * i},
          [&failed](const DbResult<std::int64_t>& done) { failed += !done.ok(); });
      failed += !posted.ok();
    }
    failed += !writer->flush_writes().ok();
  });
  run.busy = failed.load();
  return run;
}

template <class RunOurs>
void compare(benchmark::State& state, bool full, RunOurs run_ours, int base_writes,
             int our_writes) {
  const int threads = static_cast<int>(state.range(0));
  const std::string path = bench_path("single_writer_bench.db");
  std::vector<double> ratios, ack_ratios, per_second;
  std::int64_t busy = 0;
  for (auto _ : state) {
    Run base = run_baseline(path, full, threads, base_writes);
    Run ours = run_ours(path, full, threads, our_writes);
    if (ours.busy != 0) return state.SkipWithError("a write of the single writer failed");
    busy += base.busy;
    per_second.push_back(our_writes / ours.seconds);
    ratios.push_back(per_second.back() / (base_writes / base.seconds));
    if (!ours.acks_ns.empty()) {
      ack_ratios.push_back(static_cast<double>(base.p999_ns()) /
                           static_cast<double>(std::max<std::int64_t>(1, ours.p999_ns())));
    }
  }
  remove_database(path);
  const auto median = [](std::vector<double>& values) {
    if (values.empty()) return 0.0;
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
  };
  state.counters["x"] = median(ratios);
  state.counters["ack_x"] = median(ack_ratios);
  state.counters["writes/s"] = median(per_second);
  state.counters["busy"] = static_cast<double>(busy);
}

void BM_FullOne(benchmark::State& state) {
  const int threads = static_cast<int>(state.range(0));
  compare(state, true, run_one, 100 * threads, 200 * threads);
}
BENCHMARK(BM_FullOne)->ArgName("threads")->Arg(1)->Arg(4)->Arg(16)->UseRealTime();

void BM_FullMany(benchmark::State& state) {
  const int threads = static_cast<int>(state.range(0));
  compare(state, true, run_many, 100 * threads, 20'000 * threads);
}
BENCHMARK(BM_FullMany)->ArgName("threads")->Arg(4)->Arg(16)->UseRealTime();

void BM_NormalOne(benchmark::State& state) { compare(state, false, run_one, 16'000, 16'000); }
BENCHMARK(BM_NormalOne)->ArgName("threads")->RangeMultiplier(2)->Range(1, 16)->UseRealTime();

// A read that is in the cache, against a map of shared_ptr in 16 shards, each with a mutex.
class ShardedMap {
 public:
  explicit ShardedMap(int keys) {
    for (int i = 0; i < keys; ++i) {
      const std::string key = "users:" + std::to_string(i);
      shard(key).map.emplace(key, std::make_shared<const std::int64_t>(i));
    }
  }
  std::shared_ptr<const std::int64_t> get(const std::string& key) {
    Shard& one = shard(key);
    const std::lock_guard lock(one.mutex);
    return one.map.find(key)->second;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const std::int64_t>> map;
  };
  Shard& shard(const std::string& key) { return shards_[std::hash<std::string>()(key) % 16]; }
  Shard shards_[16];
};

constexpr int kKeys = 100;

std::vector<std::string> keys() {
  std::vector<std::string> made;
  for (int i = 0; i < kKeys; ++i) made.push_back("users:" + std::to_string(i));
  return made;
}

void BM_ReadShardedMap(benchmark::State& state) {
  ShardedMap map(kKeys);
  const auto names = keys();
  std::size_t i = 0;
  // In a process without threads shared pointers are counted without atomics.
  std::atomic<bool> end{false};
  std::thread other([&] { end.wait(false); });
  for (auto _ : state) benchmark::DoNotOptimize(map.get(names[i++ % kKeys]));
  end = true;
  end.notify_one();
  other.join();
}
BENCHMARK(BM_ReadShardedMap);

// One hit in so many is told as a signal; all of them, unless its user says otherwise.
void BM_ReadCached(benchmark::State& state) {
  const auto writer = SqliteSingleWriter::get_or_create(
      ":memory:", {.sample_rate = static_cast<std::uint32_t>(state.range(0))});
  const auto names = keys();
  std::size_t i = 0;
  for (auto _ : state) {
    auto value = (*writer)->read_shared<std::int64_t>(names[i++ % kKeys], [](SqlSession& session) {
      return session.scalar<std::int64_t>("SELECT 1");
    });
    benchmark::DoNotOptimize(value);
  }
}
BENCHMARK(BM_ReadCached)->ArgName("told")->Arg(1000)->Arg(1);

}  // namespace
}  // namespace mayfly::bench
