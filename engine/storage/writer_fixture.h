// WriterFixture: a database in the test's folder, a pool, and rows to write. For tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/sqlite_writer.h"

namespace mayfly {

class TestNames final : public RejectionNames {
 public:
  std::string_view node(std::uint16_t judge) const override {
    return judge == 1 ? "parser" : "filter";
  }
  std::string_view code(std::uint16_t, std::uint16_t reason) const override {
    return reason == 7 ? "bad_quote" : "unwanted";
  }
  std::string_view text(std::uint16_t, std::uint16_t) const override { return "not wanted here"; }
};

// A value of a row: NULL, int64, float64, text, or bytes.
struct Blob {
  std::string bytes;
};
struct Exception {  // text in a column of another type
  std::string text;
};
using Cell = std::variant<std::nullptr_t, std::int64_t, double, std::string, Blob, Exception>;
using Row = std::vector<Cell>;

inline Cell text(std::string s) { return Cell(std::move(s)); }
inline Cell num(std::int64_t v) { return Cell(v); }

// An empty folder of its own for a test.
inline std::string fresh_folder() {
  static int count = 0;
  const char* root = std::getenv("TEST_TMPDIR");
  const std::filesystem::path path = std::filesystem::path(root != nullptr ? root : "/tmp") /
                                     ("storage_" + std::to_string(count++));
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path.string();
}

class WriterFixture {
 public:
  explicit WriterFixture(Schema columns = id_and_name(), std::uint32_t rows = 64)
      : schema(std::move(columns)),
        pool({.rows = rows,
              .columns = std::max(1u, schema.size()),
              .heap_bytes = 1 << 20,
              .intake_batches = 32}),
        signals(clock) {
    options.database = fresh_folder() + "/test.db";
    options.table = "t";
    options.synchronous = Synchronous::kNormal;
    options.group_ns = 3600 * kSecond;
  }
  static Schema id_and_name() {
    return Schema({{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}});
  }

  // Before the writer opens: DDL by a connection of its own.
  void run(const std::string& sql) {
    SqliteConnection db = connect();
    const SqliteError error = db.run(sql);
    REQUIRE_MESSAGE(error.ok(), error.message);
  }
  SqliteConnection connect() {
    SqliteConnection db;
    REQUIRE(SqliteConnection::open(options.database, {}, db).ok());
    return db;
  }
  // All rows of a query: columns by '|', rows by '\n'.
  std::string query(const std::string& sql) {
    SqliteConnection db = connect();
    SqliteStatement statement;
    const SqliteError prepared = db.prepare(sql, statement);
    REQUIRE_MESSAGE(prepared.ok(), prepared.message);
    std::string out;
    SqliteError error;
    while (statement.step(error)) {
      if (!out.empty()) out += '\n';
      for (int i = 0; i < statement.column_count(); ++i) {
        if (i > 0) out += '|';
        out += statement.is_null(i) ? "NULL" : std::string(statement.text(i));
      }
    }
    REQUIRE_MESSAGE(error.ok(), error.message);
    return out;
  }

  void open() {
    auto opened = try_open();
    REQUIRE_MESSAGE(opened.ok(), opened.message());
  }
  Status try_open() {
    auto opened = SqliteWriter::open(options, schema, pool, clock, signals, names);
    if (opened.ok()) writer = std::move(opened).value();
    return opened.status();
  }
  SourceStart add_source(bool resume = false, const std::string& key = "orders.csv") {
    auto start = writer->add_source(0, {.key = key, .resume = resume});
    REQUIRE_MESSAGE(start.ok(), start.status().message());
    return *start;
  }

  // Rows into new batches of the pool, one slice a batch. Ordinals go on from next_ordinal.
  std::vector<RowRef> fill(const std::vector<Row>& rows, std::uint16_t source = 0) {
    std::vector<RowRef> heads;
    mayfly_batch* batch = nullptr;
    const auto seal_batch = [&] {
      if (batch == nullptr || batch->rows == 0) return;
      pool.add_flight(batch, batch->rows);
      heads.push_back(seal(*batch, clock.now_ns(), source));
      batch = nullptr;
    };
    for (const Row& row : rows) {
      if (batch != nullptr && !has_room_for_row(*batch)) seal_batch();
      if (batch == nullptr) batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
      REQUIRE(batch != nullptr);
      for (std::uint32_t c = 0; c < row.size(); ++c) put(*batch, c, row[c]);
      commit_row(*batch, {next_ordinal, (next_ordinal + 1) * 10, next_ordinal + 2});
      ++next_ordinal;
    }
    seal_batch();
    return heads;
  }
  // id = first ... first + count - 1.
  static std::vector<Row> numbered(std::int64_t first, std::int64_t count) {
    std::vector<Row> rows;
    for (std::int64_t i = first; i < first + count; ++i) {
      rows.push_back({num(i), text("name " + std::to_string(i))});
    }
    return rows;
  }
  std::uint8_t outcome(RowRef head, std::uint16_t row) {
    return pool.batch(head)->outcome[row_of(head) + row];
  }
  void settle(const std::vector<RowRef>& heads) {
    for (const RowRef head : heads) {
      pool.settle(pool.batch(head), slice_rows(*pool.batch(head), row_of(head)));
    }
  }
  // Writes, expects it to commit, and returns the outcomes of all rows as digits.
  std::string write(const std::vector<Row>& rows, std::uint16_t source = 0) {
    const std::vector<RowRef> heads = fill(rows, source);
    const GroupResult result = writer->write(heads);
    REQUIRE_MESSAGE(result.kind == GroupResult::Kind::kCommitted, result.status.message());
    REQUIRE(result.slices == heads.size());
    const std::string outcomes = outcomes_of(heads);
    settle(heads);
    return outcomes;
  }
  std::string outcomes_of(const std::vector<RowRef>& heads) {
    std::string digits;
    for (const RowRef head : heads) {
      const mayfly_batch& batch = *pool.batch(head);
      for_each_row(batch, row_of(head), [&](std::uint16_t row) {
        digits += static_cast<char>('0' + batch.outcome[row]);
      });
    }
    return digits;
  }

  ManualClock clock;
  Schema schema;
  BatchPool pool;
  SignalSink signals;
  TestNames names;
  WriterOptions options;
  std::unique_ptr<SqliteWriter> writer;
  std::uint64_t next_ordinal = 0;

 private:
  static void put(mayfly_batch& batch, std::uint32_t column, const Cell& value) {
    const bool any = batch.columns[column].type == MAYFLY_ANY;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      put_int64(batch, column, *integer);
      if (any) put_kind(batch, column, MAYFLY_INT64);
    } else if (const auto* real = std::get_if<double>(&value)) {
      put_float64(batch, column, *real);
      if (any) put_kind(batch, column, MAYFLY_FLOAT64);
    } else if (const auto* string = std::get_if<std::string>(&value)) {
      REQUIRE(put_text(batch, column, *string));
      if (any) put_kind(batch, column, MAYFLY_TEXT);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      REQUIRE(put_text(batch, column, blob->bytes));
      if (any) put_kind(batch, column, MAYFLY_BLOB);
    } else if (const auto* exception = std::get_if<Exception>(&value)) {
      REQUIRE(put_exception(batch, column, exception->text));
    }
  }
};

}  // namespace mayfly
