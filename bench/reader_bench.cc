// Parsing CSV and NDJSON into batches: about 100 bytes and 7 columns a row, numbers among them.
//
//   bazel run -c opt //bench:reader_bench
//
// From memory, so that only the readers are measured; bytes/s are of the document. `sum` is over
// the values, so that a reader that reads other rows shows.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "bench/allocation_count.h"
#include "mayfly/base/rng.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/ndjson_reader.h"

namespace mayfly {
namespace {

constexpr std::size_t kChunk = 256 << 10;

const Schema& schema() {
  static const Schema kSchema({{"id", ColumnType::kInt64},
                               {"name", ColumnType::kText},
                               {"amount", ColumnType::kFloat64},
                               {"city", ColumnType::kText},
                               {"qty", ColumnType::kInt64},
                               {"at", ColumnType::kText},
                               {"note", ColumnType::kText}});
  return kSchema;
}

enum class Shape { kCsv, kQuotedCsv, kNdjson };

std::string document(Shape shape, int rows) {
  constexpr const char* kCities[] = {"Rome", "Paris", "Amsterdam", "Oslo"};
  Rng rng(3);
  std::string out;
  char line[256];
  const char* const format =
      shape == Shape::kCsv
          ? "%d,customer %d,%d.%02d,%s,%d,2024-01-%02dT12:30:00,some longer note %d\n"
      : shape == Shape::kQuotedCsv
          ? "%d,\"customer %d\",%d.%02d,\"%s\",%d,\"2024-01-%02dT12:30:00\",\"some note, %d\"\n"
          : "{\"id\":%d,\"name\":\"c%d\",\"amount\":%d.%02d,\"city\":\"%s\",\"qty\":%d,"
            "\"at\":\"2024-01-%02d\",\"note\":\"%d\"}\n";
  const auto below = [&rng](std::uint64_t bound) { return static_cast<int>(rng.below(bound)); };
  for (int i = 0; i < rows; ++i) {
    const int customer = below(100'000), whole = below(1000), hundredths = below(100);
    const char* const city = kCities[below(4)];
    const int quantity = below(17), day = 1 + below(28), note = below(1'000'000'000);
    const int size = std::snprintf(line, sizeof line, format, 1'000'000 + i, customer, whole,
                                   hundredths, city, quantity, day, note);
    out.append(line, static_cast<std::size_t>(size));
  }
  return out;
}

std::unique_ptr<RecordReader> make_reader(Shape shape) {
  if (shape != Shape::kNdjson) return std::make_unique<CsvReader>(schema(), CsvOptions{});
  std::vector<std::string> keys;
  for (const Column& column : schema().columns()) keys.push_back(column.name);
  return std::make_unique<NdjsonReader>(schema(), keys, NdjsonOptions{});
}

void read_document(benchmark::State& state, Shape shape) {
  constexpr int kRows = 50'000;
  std::string text = document(shape, kRows);
  const std::size_t size = text.size();
  text.append(kReadPadding, ' ');
  BatchPool pool({.rows = 1024, .columns = schema().size(), .intake_batches = 4});
  FixedHeapSink sink;
  const std::unique_ptr<RecordReader> reader = make_reader(shape);
  std::uint64_t rows = 0, errors = 0;
  std::int64_t sum = 0;
  const auto read_once = [&] {
    reader->set_position({});
    for (std::size_t at = 0; at < size;) {
      mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema());
      const std::size_t chunk = std::min(kChunk, size - at);
      at += reader->parse({text.data() + at, chunk}, at + chunk == size, *batch, sink).consumed;
      rows += batch->rows;
      for (std::uint32_t row = 0; row < batch->rows; ++row) {
        errors += batch->outcome[row] != MAYFLY_PENDING;
        sum += batch->columns[0].cells[row].i64;
      }
      pool.release(batch);
    }
  };
  read_once();  // what grows to its size has grown
  rows = 0, sum = 0;
  const bench::AllocationReport allocations;
  for (auto _ : state) read_once();
  if (errors > 0) state.SkipWithError("rows were refused");
  allocations.report(state, static_cast<double>(rows));
  state.SetItemsProcessed(static_cast<std::int64_t>(rows));
  state.SetBytesProcessed(static_cast<std::int64_t>(rows / kRows * size));
  state.counters["ns/row"] = benchmark::Counter(
      static_cast<double>(rows) * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/row"] = static_cast<double>(size) / kRows;
  state.counters["sum"] = static_cast<double>(sum) / static_cast<double>(rows);
}

void BM_ReadCsv(benchmark::State& state) { read_document(state, Shape::kCsv); }
void BM_ReadQuotedCsv(benchmark::State& state) { read_document(state, Shape::kQuotedCsv); }
void BM_ReadNdjson(benchmark::State& state) { read_document(state, Shape::kNdjson); }
BENCHMARK(BM_ReadCsv);
BENCHMARK(BM_ReadQuotedCsv);
BENCHMARK(BM_ReadNdjson);

}  // namespace
}  // namespace mayfly
