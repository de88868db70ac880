// RowStatements: what writes pending rows: prepared on a connection within one transaction.
//
// An upsert is INSERT ... ON CONFLICT(key) DO UPDATE of the columns that were given, never INSERT
// OR REPLACE, which deletes first and takes with it what refers to the row. NULL in a key is equal
// to NULL, also where SQLite's uniqueness says otherwise: such a row is updated, and inserted when
// there is none. Upserts of one column set go many to a statement.
//
// OWNERSHIP  Statements end with this object, before the transaction does. The rows outlive it.
// THREADS    The transaction's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_session.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/write_buffer/pending_rows.h"

namespace mayfly {

class RowStatements {
 public:
  static constexpr std::size_t kRowsMax = 32;  // of one statement

  RowStatements(SqlSession& session, const PendingRows& rows)
      : session_(session), db_(session.borrow()), rows_(rows) {}

  // Whether the row may go into a statement with others of its column set.
  bool joins_others(const PendingRow& row) const;
  // How many rows of this column set one statement takes.
  static std::size_t rows_of_statement(const RowShape& shape);
  // Upserts of one column set, rows_of_statement() of them, by one statement: all or none.
  DbResult<void> upsert_together(std::span<const RowRef> rows);
  // Of an error, a part may have been done: what would have been, had the calls been made in order.
  DbResult<void> write(const PendingRow& row);
  // A statement failed, and what it had done before stays (ON CONFLICT FAIL, RAISE(FAIL)): only the
  // end of the transaction undoes it.
  bool is_half_done() const { return half_done_; }

 private:
  enum class Form : std::uint8_t { kUpsert, kUpsertMany, kInsert, kUpdate, kDelete };
  struct Prepared {
    const RowShape* shape;
    Form form;
    SqliteStatement statement;
    std::optional<DbError> refusal;
  };
  using Chooses = FunctionRef<bool(std::size_t)>;  // among the row's columns, by place

  Prepared& prepared(const RowShape& shape, Form form);
  Prepared prepare(const RowShape& shape, Form form, const std::string& sql) const;
  DbResult<void> run(Prepared& prepared, const PendingRow& row);
  DbResult<void> run_once(const RowShape& shape, Form form, const std::string& sql,
                          const PendingRow& row);
  DbResult<void> step(Prepared& prepared);
  // Those columns, by the way that NULL in the key takes.
  DbResult<void> update_or_insert(const PendingRow& row, Chooses chooses);
  DbResult<void> update_then_upsert(const PendingRow& row);
  bool has_null_key(const PendingRow& row) const;
  int bind(sqlite3_stmt* statement, int first, const PendingRow& row) const;

  SqlSession& session_;
  sqlite3* const db_;
  const PendingRows& rows_;
  std::deque<Prepared> prepared_;
  Prepared* last_ = nullptr;
  bool half_done_ = false;
};

}  // namespace mayfly
