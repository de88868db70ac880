// BatchExpressions: RowExpressions by SQLite: a database in memory that holds nothing, and the
// batch as the table mayfly_batch.
//
// What an expression may be: anything over the columns of the row at hand. Subqueries and
// aggregates would depend on where batches begin and end, as would SQLite's rowid; ATTACH, PRAGMA
// and the like on nothing of the row: they are refused.
//
// THREADS  One at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mayfly/data/row_expressions.h"
#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class BatchExpressions final : public RowExpressions {
 public:
  // Code::kConfig: an expression that SQLite can't read, or that isn't one over a row.
  static Result<std::unique_ptr<RowExpressions>> make(const Schema& schema,
                                                      std::span<const std::string> expressions);

  // Whether it can be one over a row, whatever the columns it names; Code::kConfig.
  static Status check_without_columns(const std::string& expression);

  Status test(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
              std::uint8_t* truth) override;
  Result<std::uint32_t> fill(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
                             mayfly_batch& out, std::uint8_t* truth,
                             FunctionRef<bool(std::uint64_t)> reserve) override;
  std::string_view last_error() const override { return last_error_; }

 private:
  explicit BatchExpressions(const Schema& schema);

  Status open();
  Status prepare(std::span<const std::string> expressions);
  Status check(const std::string& expression);
  // Prepares it as the condition of a WHERE; what is wrong with it is `refuse`'s to say.
  Status read_as(const std::string& condition, SqliteStatement& statement,
                 FunctionRef<Status(const std::string&)> refuse);
  // The statement sees these rows, from `first` on.
  void begin(const mayfly_batch& batch, std::span<const std::uint16_t> rows, std::size_t first);
  // The value of a result column, into the column of the row that `out` is at. False: no room.
  bool put(mayfly_batch& out, int column) const;
  std::uint64_t text_bytes() const;
  bool append(const mayfly_batch& batch, std::uint16_t row, mayfly_batch& out,
              FunctionRef<bool(std::uint64_t)> reserve) const;

  const Schema schema_;
  SqliteConnection connection_;
  BatchTable table_;       // behind the connection, which knows it; goes first
  SqliteStatement first_;  // the first expression
  SqliteStatement all_;
  std::string last_error_;
  std::vector<RowRef> window_;  // kept for its memory
};

}  // namespace mayfly
