#include "mayfly/storage/write_buffer/batch_writer.h"

#include <sqlite3.h>

namespace mayfly {
namespace {

bool is_about_a_row(const DbError& error) {
  using Kind = DbError::Kind;
  return error.kind == Kind::kConstraint || error.kind == Kind::kTooBig ||
         error.kind == Kind::kSql || error.kind == Kind::kParameter;
}

}  // namespace

bool BatchWriter::is_lost(SqlSession& session, const RowStatements& statements) {
  return sqlite3_get_autocommit(session.borrow()) != 0 || statements.is_half_done();
}

DbResult<bool> BatchWriter::write_row(SqlSession& session, RowStatements& statements, RowRef ref,
                                      Attempt& attempt) {
  const DbResult<void> done = statements.write(rows_.row(ref));
  if (done.ok()) {
    attempt.good.push_back(ref);
    return true;
  }
  if (!is_about_a_row(done.error())) return done.error();
  attempt.refused.push_back({ref, done.error()});
  attempt.lost = is_lost(session, statements);
  return !attempt.lost;
}

DbResult<void> BatchWriter::write_rows(SqlSession& session, std::span<const RowRef> batch,
                                       Attempt& attempt) {
  RowStatements statements(session, rows_);
  std::size_t at = 0;
  while (at < batch.size()) {
    const PendingRow& row = rows_.row(batch[at]);
    const std::size_t many = RowStatements::rows_of_statement(*row.shape);
    std::size_t end = at + 1;
    if (many > 1 && batch.size() - at >= many && statements.joins_others(row)) {
      const auto is_alike = [&](const PendingRow& other) {
        return other.shape == row.shape && statements.joins_others(other);
      };
      while (end < at + many && is_alike(rows_.row(batch[end]))) ++end;
    }
    const auto run = batch.subspan(at, end - at);
    at = end;
    if (run.size() == many && many > 1) {
      if (statements.upsert_together(run).ok()) {
        attempt.good.insert(attempt.good.end(), run.begin(), run.end());
        continue;
      }
      // Which of them it was, and whether it is about a row, is seen below, or in the halves of the
      // batch.
      if (is_lost(session, statements)) {
        attempt.lost = true;
        return DbError{.kind = DbError::Kind::kConstraint,
                       .message = "a row ended the transaction, or left a part of itself"};
      }
    }
    for (const RowRef ref : run) {
      const DbResult<bool> goes_on = write_row(session, statements, ref, attempt);
      if (!goes_on.ok()) return goes_on.error();
      if (!*goes_on) return attempt.refused.back().error;
    }
  }
  return {};
}

BatchWriter::Attempt BatchWriter::attempt(std::span<const RowRef> batch) {
  Attempt attempt;
  attempt.good.reserve(batch.size());
  attempt.result = writer_.execute_in_transaction([&](SqlSession& session) -> DbResult<void> {
    DbResult<void> done = write_rows(session, batch, attempt);
    if (done.ok()) done = record_(session, attempt.good);
    attempt.complete = done.ok();
    return done;
  });
  return attempt;
}

DbResult<void> BatchWriter::write(std::span<const RowRef> batch, std::vector<RefusedRow>& refused) {
  if (batch.empty()) return {};
  Attempt done = attempt(batch);
  if (done.result.ok()) {
    // First what can't throw: these rows are in, and must be known to be.
    written_(done.good);
    refused.insert(refused.end(), done.refused.begin(), done.refused.end());
    return {};
  }
  const DbError& error = done.result.error();
  const bool is_rows = done.lost || (done.complete && is_about_a_row(error));
  if (!is_rows) return error;
  if (batch.size() == 1) {
    refused.push_back({batch.front(), error});
    return {};
  }
  const std::size_t half = batch.size() / 2;
  auto first = write(batch.first(half), refused);
  if (!first.ok()) return first;
  return write(batch.subspan(half), refused);
}

}  // namespace mayfly
