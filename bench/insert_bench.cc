// Inserting rows into SQLite from one thread: L (textbook_loop.h), and the same loop with kGroup
// rows a statement. Same rows, same settings, same transactions. A round inserts kRows into a fresh
// database; creating, checking and closing it isn't timed.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/textbook_loop.h"

namespace mayfly::bench {
namespace {

constexpr std::int64_t kRows = 100'000;
constexpr std::int64_t kTransactionRows = 1'000;
constexpr std::int64_t kGroup = 64;
constexpr int kColumns = 3;
static_assert(kRows % kTransactionRows == 0);

void require(sqlite3* db, bool succeeded, const char* doing) {
  if (succeeded) return;
  std::fprintf(stderr, "insert_bench: %s: %s\n", doing, sqlite3_errmsg(db));
  std::exit(1);
}

void execute(sqlite3* db, const char* sql) {
  require(db, sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql);
}

// INSERT of up to `rows` rows; runs when it is told to.
class Insert {
 public:
  Insert(sqlite3* db, std::int64_t rows) : db_(db) {
    std::string sql = "INSERT INTO t VALUES(?,?,?)";
    for (std::int64_t i = 1; i < rows; ++i) sql += ",(?,?,?)";
    require(db, sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) == SQLITE_OK,
            "preparing an INSERT");
  }
  ~Insert() { sqlite3_finalize(statement_); }
  Insert(const Insert&) = delete;
  Insert& operator=(const Insert&) = delete;

  // `sample` has to live until run() returns.
  void bind(std::int64_t position, const SampleRow& sample) {
    const int first = static_cast<int>(position) * kColumns;
    sqlite3_bind_int64(statement_, first + 1, sample.id);
    sqlite3_bind_text(statement_, first + 2, sample.name, sizeof sample.name, SQLITE_STATIC);
    sqlite3_bind_double(statement_, first + 3, sample.amount);
  }
  void run() {
    require(db_, sqlite3_step(statement_) == SQLITE_DONE, "inserting");
    sqlite3_reset(statement_);
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
};

void insert_groups(sqlite3* db) {
  Insert group(db, kGroup);
  Insert rest(db, kTransactionRows % kGroup);
  std::vector<SampleRow> samples;
  samples.reserve(kGroup);
  for (std::int64_t row = 0; row < kRows;) {
    execute(db, "BEGIN");
    for (std::int64_t left = kTransactionRows; left > 0;) {
      const std::int64_t size = left < kGroup ? left : kGroup;
      Insert& insert = size == kGroup ? group : rest;
      samples.clear();
      for (std::int64_t i = 0; i < size; ++i) insert.bind(i, samples.emplace_back(row++));
      insert.run();
      left -= size;
    }
    execute(db, "COMMIT");
  }
}

double run_groups(const std::string& path) {
  sqlite3* db = nullptr;
  require(db, sqlite3_open(path.c_str(), &db) == SQLITE_OK, "opening a database");
  execute(db, "PRAGMA journal_mode=WAL");
  execute(db, "PRAGMA synchronous=NORMAL");
  execute(db, "CREATE TABLE t(id INTEGER, name TEXT, amount REAL)");
  const auto begin = std::chrono::steady_clock::now();
  insert_groups(db);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  sqlite3_close(db);
  return elapsed.count();
}

template <class Run>
void measure(benchmark::State& state, const char* name, Run run) {
  for (auto _ : state) {
    const std::string path = fresh_database(name);
    state.SetIterationTime(run(path));
    check_sample_rows(path, kRows);
  }
  fresh_database(name);  // leaves nothing behind
  state.SetItemsProcessed(state.iterations() * kRows);
  state.counters["per_row"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kRows),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_InsertLoop(benchmark::State& state) {
  measure(state, "insert_loop",
          [](const std::string& path) { return run_textbook_loop(path, kRows); });
}
void BM_InsertGroups(benchmark::State& state) {
  measure(state, "insert_groups", [](const std::string& path) { return run_groups(path); });
}

BENCHMARK(BM_InsertLoop)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_InsertGroups)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mayfly::bench
