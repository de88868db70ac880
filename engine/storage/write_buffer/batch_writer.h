// BatchWriter: writes a batch of pending rows in one transaction, without those that the database
// refuses.
//
// ISOLATION  A statement that fails undoes itself, so the others of the transaction stay; one of
//            many rows is done again row by row. Where a row ends the transaction (ON CONFLICT
//            ROLLBACK), where a part of a statement stays (FAIL), or COMMIT finds a constraint that
//            was deferred until then, the batch is halved until the rows to blame are alone.
// ERRORS     About a row: a constraint, a type, a size, a table or a column that isn't there. All
//            others (a lock, a full disk) are the batch's: nothing of it is written.
// THREADS    One at a time.
#pragma once

#include <span>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/write_buffer/pending_rows.h"
#include "mayfly/storage/write_buffer/row_statements.h"

namespace mayfly {

// A row that couldn't be written, and why.
struct RefusedRow {
  RowRef row;
  DbError error;
};

class BatchWriter {
 public:
  // What goes along in each transaction, told the rows that it writes.
  using Record = FunctionRef<DbResult<void>(SqlSession&, std::span<const RowRef>)>;
  // Once it is committed, the same. Doesn't throw.
  using Written = FunctionRef<void(std::span<const RowRef>)>;

  // All of them outlive it.
  BatchWriter(SqliteSingleWriter& writer, const PendingRows& rows, Record record, Written written)
      : writer_(writer), rows_(rows), record_(record), written_(written) {}

  // Adds to `refused` the rows that are to blame. An error: that of the transaction, whose rows
  // stay; those of earlier halves may be written.
  DbResult<void> write(std::span<const RowRef> batch, std::vector<RefusedRow>& refused);

 private:
  // How a transaction ended.
  struct Attempt {
    DbResult<void> result;
    bool complete = false;  // all but COMMIT was done
    bool lost = false;      // a row ended the transaction, or left what only its end undoes
    std::vector<RowRef> good;
    std::vector<RefusedRow> refused;
  };

  Attempt attempt(std::span<const RowRef> batch);
  DbResult<void> write_rows(SqlSession& session, std::span<const RowRef> batch, Attempt& attempt);
  // Nothing of the transaction may be committed any more.
  static bool is_lost(SqlSession& session, const RowStatements& statements);
  // False: it is lost.
  DbResult<bool> write_row(SqlSession& session, RowStatements& statements, RowRef ref,
                           Attempt& attempt);

  SqliteSingleWriter& writer_;
  const PendingRows& rows_;
  const Record record_;
  const Written written_;
};

}  // namespace mayfly
