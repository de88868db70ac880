// BatchTable: rows of batches as the SQL table `mayfly_batch`, so that one statement inserts them
// all.
//
// An eponymous virtual table of one connection. Its columns are the schema's, then hidden ones:
// _ordinal, _source, _line, _byte_end (unless the schema has a column of that name). A statement
// sees the window of rows set before it runs; values are lent to SQLite straight from the batch's
// cells.
//
// OWNERSHIP  Rows and the list of references are borrowed until the statement is reset. The table
//            is detached before it goes, if its connection doesn't go first.
// THREADS    The connection's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/batch_pool.h"
#include "mayfly/data/schema.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

struct BatchVtab;

class BatchTable {
 public:
  static constexpr const char* kName = "mayfly_batch";

  BatchTable(const Schema& schema, BatchPool& pool) : BatchTable(schema, &pool) {}
  // For rows of one batch at a time, told by set_batch().
  explicit BatchTable(const Schema& schema) : BatchTable(schema, nullptr) {}
  ~BatchTable();
  BatchTable(const BatchTable&) = delete;
  BatchTable& operator=(const BatchTable&) = delete;

  SqliteError attach(SqliteConnection& connection);
  // The connection, which is still open, knows it no more; statements that read it fail.
  void detach();
  // As SQLite reads it. A column's declared type says which one it is, so that a result column that
  // hands one through is known by its own (sqlite3_column_decltype).
  const std::string& declaration() const { return declaration_; }
  // Which column of the schema such a declared type is of.
  static std::optional<std::uint32_t> column_of(std::string_view declared_type);

  void set_batch(const mayfly_batch& batch) { only_ = &batch; }
  // The rows of the next statement, in order. All of this table's schema.
  void set_window(std::span<const RowRef> rows) {
    rows_ = rows;
    position_ = 0;
    scanned_ = false;
  }
  // Where the cursor stands in the window; its size when the statement has read all of it.
  std::size_t position() const { return position_; }
  std::size_t window_size() const { return rows_.size(); }
  // The statement got as far as reading the window.
  bool scanned() const { return scanned_; }

 private:
  friend struct BatchCursor;
  friend struct BatchVtab;

  // A column of the batch that the cursor is at, if none of its values is NULL or an exception:
  // then a cell is handed over without a question. kAsk: look at each.
  struct PlainColumn {
    enum class Cells : std::uint8_t { kAsk, kInteger, kReal, kText, kBlob };
    Cells kind = Cells::kAsk;
    const mayfly_cell* cells = nullptr;
  };
  static PlainColumn plain_column(const mayfly_column& column, std::uint32_t rows);

  BatchTable(const Schema& schema, BatchPool* pool);
  const mayfly_batch* batch(std::uint32_t id) const {
    return pool_ != nullptr ? pool_->at(id) : only_;
  }

  const Schema& schema_;
  BatchPool* const pool_;
  const mayfly_batch* only_ = nullptr;
  SqliteConnection* connection_ = nullptr;  // that knows it
  BatchVtab* vtabs_ = nullptr;              // what statements hold on to
  std::string declaration_;
  std::vector<PlainColumn> plain_;  // of the first cursor
  std::span<const RowRef> rows_;
  std::size_t position_ = 0;
  bool scanned_ = false;
};

}  // namespace mayfly
