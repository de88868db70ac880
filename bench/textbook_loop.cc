#include "bench/textbook_loop.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace mayfly::bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what, sqlite3* db) {
  std::fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  std::exit(1);
}

void run(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) die(sql, db);
}

sqlite3* open(const std::string& path) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) die(path.c_str(), db);
  return db;
}

}  // namespace

std::string fresh_database(const std::string& name) {
  const char* folder = std::getenv("MAYFLY_BENCH_DIR");
  if (folder == nullptr) folder = std::getenv("TEST_TMPDIR");
  const std::filesystem::path base =
      folder != nullptr ? std::filesystem::path(folder) : std::filesystem::temp_directory_path();
  const std::string path = (base / ("mayfly_bench_" + name + ".db")).string();
  for (const char* suffix : {"", "-wal", "-shm", "-mayfly.lock"}) {
    std::filesystem::remove(path + suffix);
  }
  return path;
}

double run_textbook_loop(const std::string& path, std::int64_t rows) {
  sqlite3* db = open(path);
  run(db, "PRAGMA journal_mode=WAL");
  run(db, "PRAGMA synchronous=NORMAL");
  run(db, "CREATE TABLE t(id INTEGER, name TEXT, amount REAL)");
  sqlite3_stmt* insert = nullptr;
  if (sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?,?,?)", -1, &insert, nullptr) != SQLITE_OK) {
    die("prepare", db);
  }
  const auto begin = Clock::now();
  for (std::int64_t row = 0; row < rows;) {
    run(db, "BEGIN");
    for (const std::int64_t end = std::min<std::int64_t>(rows, row + 1000); row < end; ++row) {
      const SampleRow sample(row);
      sqlite3_bind_int64(insert, 1, sample.id);
      sqlite3_bind_text(insert, 2, sample.name, sizeof sample.name, SQLITE_STATIC);
      sqlite3_bind_double(insert, 3, sample.amount);
      if (sqlite3_step(insert) != SQLITE_DONE) die("insert", db);
      sqlite3_reset(insert);
    }
    run(db, "COMMIT");
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return seconds;
}

void check_sample_rows(const std::string& path, std::int64_t rows) {
  sqlite3* db = open(path);
  sqlite3_stmt* query = nullptr;
  const char* sql = "SELECT count(*), sum(id), count(DISTINCT name), sum(amount) FROM t";
  if (sqlite3_prepare_v2(db, sql, -1, &query, nullptr) != SQLITE_OK) die(sql, db);
  sqlite3_step(query);
  const std::int64_t sum = rows * (rows - 1) / 2;
  const bool exact = sqlite3_column_int64(query, 0) == rows &&
                     sqlite3_column_int64(query, 1) == 7 * sum &&
                     sqlite3_column_int64(query, 2) == rows &&
                     sqlite3_column_double(query, 3) == static_cast<double>(sum) * 0.5;
  sqlite3_finalize(query);
  sqlite3_close(db);
  if (exact) return;
  std::fprintf(stderr, "%s doesn't hold the %lld rows that went in\n", path.c_str(),
               static_cast<long long>(rows));
  std::exit(1);
}

}  // namespace mayfly::bench
