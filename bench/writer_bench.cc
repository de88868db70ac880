// The writer alone, from full batches to committed rows on one thread, against L (textbook_loop.h).
//
// Each iteration runs both, one after the other, so that a drifting machine moves both. x_loop
// compares L with filling and writing, as L makes its rows too; x_write with SqliteWriter::write
// alone. MAYFLY_BENCH_DIR says on which disk.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/allocation_count.h"
#include "bench/textbook_loop.h"
#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/sqlite_writer.h"

namespace mayfly::bench {
namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

class NoNames final : public RejectionNames {
 public:
  std::string_view node(std::uint16_t) const override { return "none"; }
  std::string_view code(std::uint16_t, std::uint16_t) const override { return "none"; }
  std::string_view text(std::uint16_t, std::uint16_t) const override { return "none"; }
};

struct Setup {
  WriteMode mode = WriteMode::kInsert;
  bool key = false;
  std::uint32_t batch_rows = 1024;
};

struct Times {
  double fill = 0;
  double write = 0;
  std::uint64_t allocations = 0;
};

void fill(BatchPool& pool, const Schema& schema, std::int64_t first, std::int64_t end,
          std::vector<RowRef>& heads) {
  heads.clear();
  for (std::int64_t row = first; row < end;) {
    mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
    for (; row < end && has_room_for_row(*batch); ++row) {
      const SampleRow sample(row);
      put_int64(*batch, 0, sample.id);
      put_text(*batch, 1, sample.text());
      put_float64(*batch, 2, sample.amount);
      commit_row(*batch, {.ordinal = static_cast<std::uint64_t>(row)});
    }
    pool.add_flight(batch, batch->rows);
    heads.push_back(seal(*batch, 0, 0));
  }
}

Times run_writer(const std::string& path, std::int64_t rows, const Setup& setup) {
  const Schema schema({{.name = "id", .type = ColumnType::kInt64, .key = setup.key},
                       {.name = "name"},
                       {.name = "amount", .type = ColumnType::kFloat64}});
  BatchPool pool({.rows = setup.batch_rows, .columns = 3, .intake_batches = 8});
  SystemClock clock;
  SignalSink signals(clock);
  NoNames names;
  WriterOptions options;
  options.database = path;
  options.table = std::string("t");  // g++ 12 takes the assignment of a literal for an overlap
  options.mode = setup.mode;
  options.synchronous = Synchronous::kNormal;
  auto opened = SqliteWriter::open(options, schema, pool, clock, signals, names);
  if (!opened.ok() || !(*opened)->add_source(0, {.key = "rows"}).ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    std::exit(1);
  }
  SqliteWriter& writer = **opened;
  Times times;
  std::vector<RowRef> heads;
  heads.reserve(8);
  const std::int64_t group = 8 * setup.batch_rows;
  for (std::int64_t row = 0; row < rows; row += group) {
    auto begin = Steady::now();
    fill(pool, schema, row, std::min(rows, row + group), heads);
    times.fill += seconds_since(begin);
    const std::uint64_t allocations = allocation_count();
    begin = Steady::now();
    for (std::span<const RowRef> left(heads); !left.empty();) {
      const GroupResult result = writer.write(left);
      if (result.kind != GroupResult::Kind::kCommitted) {
        std::fprintf(stderr, "%s\n", result.status.message().c_str());
        std::exit(1);
      }
      left = left.subspan(result.slices);
    }
    times.write += seconds_since(begin);
    times.allocations += allocation_count() - allocations;
    for (const RowRef head : heads) {
      pool.settle(pool.batch(head), slice_rows(*pool.batch(head), row_of(head)));
    }
  }
  if (!writer.finish(false).ok()) std::exit(1);
  check_sample_rows(path, rows);
  return times;
}

void measure(benchmark::State& state, const Setup& setup, std::int64_t rows) {
  double loop = 0;
  Times sum;
  for (auto _ : state) {
    loop += run_textbook_loop(fresh_database("loop"), rows);
    const Times times = run_writer(fresh_database("writer"), rows, setup);
    sum.fill += times.fill;
    sum.write += times.write;
    sum.allocations += times.allocations;
    state.SetIterationTime(times.fill + times.write);
  }
  const auto total = static_cast<double>(state.iterations() * rows);
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["loop_ns"] = loop * 1e9 / total;
  state.counters["fill_ns"] = sum.fill * 1e9 / total;
  state.counters["write_ns"] = sum.write * 1e9 / total;
  state.counters["x_loop"] = loop / (sum.fill + sum.write);
  state.counters["x_write"] = loop / sum.write;
  state.counters["allocs"] = static_cast<double>(sum.allocations) / total;
}

void BM_WriterOverLoop(benchmark::State& state) {
  measure(state, {.batch_rows = static_cast<std::uint32_t>(state.range(0))}, state.range(1));
}
// With an INTEGER PRIMARY KEY; L has none.
void BM_KeyedOverLoop(benchmark::State& state) { measure(state, {.key = true}, state.range(0)); }
void BM_UpsertOverLoop(benchmark::State& state) {
  measure(state, {.mode = WriteMode::kUpsert, .key = true}, state.range(0));
}

BENCHMARK(BM_WriterOverLoop)
    ->ArgNames({"batch_rows", "rows"})
    ->ArgsProduct({{64, 256, 1024, 4096}, {1'000'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_KeyedOverLoop)->Arg(1'000'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_UpsertOverLoop)->Arg(1'000'000)->UseManualTime()->Unit(benchmark::kMillisecond);
// For the test: the same path, every row checked.
BENCHMARK(BM_WriterOverLoop)
    ->Name("BM_WriterOverLoopSmall")
    ->ArgNames({"batch_rows", "rows"})
    ->Args({1024, 20'000})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
