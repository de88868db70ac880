// A log call on its caller's thread: the log database against spdlog's asynchronous logger to a
// file.
//
// Each iteration runs both, one after the other, so that a drifting machine moves both. `x` is how
// many times as long the median call took as spdlog's (the time of reading the clock taken off
// both), `x_p99` the same of the slowest of a hundred; `ns` and `base_ns` are the medians. "Paced"
// brings 50,000 records a second in all, "Flood" as many as it can: `per_s` calls returned a
// second, spdlog's by waiting (its queue blocks, as it does by default), the log database's by
// dropping: `dropped` is the share. "Text" logs a text that is there, "Fields" two values, which
// spdlog puts into the text, and "Sink" the same through spdlog's own logger and DatabaseLogSink.
// "Store" is how many records a second get into the table. MAYFLY_BENCH_DIR says on which disk.
#include <benchmark/benchmark.h>
#include <spdlog/async.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mayfly/storage/log_database/log_database.h"
#include "mayfly/storage/log_database/spdlog_sink.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kText = "order 123456 of customer 4711 was filled at 12.75 in 3 parts";
constexpr auto kPace = std::chrono::microseconds(20);

std::string bench_path(const char* name) {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  return (std::filesystem::path(folder != nullptr ? folder : "/tmp") / name).string();
}

void remove_files(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

// What calls took, sorted.
struct Run {
  std::vector<std::int64_t> ns;
  double per_second = 0;
  double dropped = 0;  // of all

  double at(double share) const {
    return static_cast<double>(ns[std::min(
        ns.size() - 1, static_cast<std::size_t>(share * static_cast<double>(ns.size())))]);
  }
};

std::int64_t since(Steady::time_point begin) {
  return (Steady::now() - begin) / std::chrono::nanoseconds(1);
}

// What reading the clock adds to each.
double clock_ns() {
  std::vector<std::int64_t> taken(2001);
  for (std::int64_t& one : taken) one = since(Steady::now());
  std::nth_element(taken.begin(), taken.begin() + 1000, taken.end());
  return static_cast<double>(taken[1000]);
}

using Call = std::function<void(int)>;

// call(i) in each of `threads` threads, `each` times.
Run in_threads(int threads, int each, bool paced, const Call& call) {
  std::vector<std::vector<std::int64_t>> taken(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  const auto begin = Steady::now();
  for (auto& mine : taken) {
    mine.reserve(static_cast<std::size_t>(each));
    running.emplace_back([&] {
      auto next = Steady::now();
      for (int i = 0; i < each; ++i) {
        const auto called = Steady::now();
        call(i);
        mine.push_back(since(called));
        if (!paced) continue;
        next += kPace * threads;
        while (Steady::now() < next) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  Run run;
  run.per_second = threads * each / (static_cast<double>(since(begin)) * 1e-9);
  for (const auto& mine : taken) run.ns.insert(run.ns.end(), mine.begin(), mine.end());
  std::sort(run.ns.begin(), run.ns.end());
  return run;
}

// What is logged, and how.
enum class What { kOfText, kOfFields, kOfSink };

void log_by(spdlog::logger& logger, What what, int i) {
  if (what == What::kOfText) {
    logger.info(kText);
  } else {
    logger.info("order was filled order={} price={}", i, 12.75);
  }
}

Run run_spdlog(What what, int threads, int each, bool paced) {
  const std::string path = bench_path("log_bench.txt");
  spdlog::init_thread_pool(8192, 1);
  auto logger = spdlog::basic_logger_mt<spdlog::async_factory>("bench", path, true);
  Run run = in_threads(threads, each, paced, [&](int i) { log_by(*logger, what, i); });
  logger.reset();
  spdlog::shutdown();
  std::filesystem::remove(path);
  return run;
}

Run run_ours(What what, int threads, int each, bool paced) {
  const std::string path = bench_path("log_bench.db");
  remove_files(path);
  auto logs = LogDatabase::open({.db_path = path});
  if (!logs.ok()) std::abort();
  LogDatabase& db = **logs;
  spdlog::logger logger("bench", std::make_shared<DatabaseLogSink>(*logs));
  const Call calls[] = {
      [&](int) { db.log(LogLevel::kInfo, "bench", kText); },
      [&](int i) {
        db.log(LogLevel::kInfo, "bench", "order was filled", {{"order", i}, {"price", 12.75}});
      },
      [&](int i) { log_by(logger, what, i); },
  };
  Run run = in_threads(threads, each, paced, calls[static_cast<int>(what)]);
  if (!db.stop().ok()) std::abort();
  const LogStats stats = db.stats();
  run.dropped = static_cast<double>(stats.dropped) / (1.0 * threads * each);
  logs->reset();
  remove_files(path);
  return run;
}

void compare(benchmark::State& state, What what, bool paced) {
  const int threads = static_cast<int>(state.range(0));
  const int each = paced ? 5'000 : 50'000;
  const double clock = clock_ns();
  std::vector<double> x, x_p99, ns, base_ns, per_s, base_per_s, dropped;
  for (auto _ : state) {
    const Run base = run_spdlog(what, threads, each, paced);
    const Run ours = run_ours(what, threads, each, paced);
    const auto net = [&](const Run& run, double share) {
      return std::max(1.0, run.at(share) - clock);
    };
    ns.push_back(net(ours, 0.5));
    base_ns.push_back(net(base, 0.5));
    x.push_back(ns.back() / base_ns.back());
    x_p99.push_back(net(ours, 0.99) / net(base, 0.99));
    per_s.push_back(ours.per_second);
    base_per_s.push_back(base.per_second);
    dropped.push_back(ours.dropped);
  }
  const auto median = [](std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  state.counters["x"] = median(x);
  state.counters["x_p99"] = median(x_p99);
  state.counters["ns"] = median(ns);
  state.counters["base_ns"] = median(base_ns);
  state.counters["dropped"] = median(dropped);
  if (paced) return;
  state.counters["per_s"] = median(per_s);
  state.counters["base_per_s"] = median(base_per_s);
}

void BM_PacedText(benchmark::State& state) { compare(state, What::kOfText, true); }
void BM_PacedFields(benchmark::State& state) { compare(state, What::kOfFields, true); }
void BM_PacedSink(benchmark::State& state) { compare(state, What::kOfSink, true); }
void BM_FloodText(benchmark::State& state) { compare(state, What::kOfText, false); }
void BM_FloodSink(benchmark::State& state) { compare(state, What::kOfSink, false); }
BENCHMARK(BM_PacedText)->ArgName("threads")->Arg(1)->Arg(2)->Arg(4)->UseRealTime();
BENCHMARK(BM_PacedFields)->ArgName("threads")->Arg(1)->Arg(4)->UseRealTime();
BENCHMARK(BM_PacedSink)->ArgName("threads")->Arg(1)->Arg(4)->UseRealTime();
BENCHMARK(BM_FloodText)->ArgName("threads")->Arg(1)->Arg(2)->Arg(4)->UseRealTime();
BENCHMARK(BM_FloodSink)->ArgName("threads")->Arg(1)->Arg(4)->UseRealTime();

// Records that wait all together, into the table.
void BM_Store(benchmark::State& state) {
  constexpr std::int64_t kRecords = 100'000;
  const std::string path = bench_path("log_bench.db");
  for (auto _ : state) {
    state.PauseTiming();
    remove_files(path);
    auto logs = LogDatabase::open({.db_path = path,
                                   .max_batch_size = kRecords,
                                   .capacity = kRecords,
                                   .buffer_bytes = std::size_t{64} << 20});
    if (!logs.ok()) std::abort();
    for (std::int64_t i = 0; i < kRecords; ++i) {
      (*logs)->log(LogLevel::kInfo, "bench", kText, {{"order", i}, {"price", 12.75}});
    }
    state.ResumeTiming();
    if (!(*logs)->flush().ok() || (*logs)->stats().stored != kRecords) std::abort();
    state.PauseTiming();
    logs->reset();
    state.ResumeTiming();
  }
  remove_files(path);
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(BM_Store)->UseRealTime();

}  // namespace
}  // namespace mayfly::bench
