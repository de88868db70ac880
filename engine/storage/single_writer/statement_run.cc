#include "mayfly/storage/single_writer/statement_run.h"

#include <sqlite3.h>

#include <optional>
#include <string>
#include <utility>

#include "mayfly/storage/single_writer/parameter_binder.h"

namespace mayfly {
namespace {

DbError preparing_failed(const SqliteError& error) {
  if (error.primary() != SQLITE_AUTH) return to_db_error(error, "preparing");
  return {.kind = DbError::Kind::kSql,
          .code = error.code,
          .message =
              "expected SQL without what is the writer's own, found BEGIN, COMMIT, ROLLBACK or "
              "SAVEPOINT (use execute_in_transaction), PRAGMA wal_autocheckpoint (use the option "
              "checkpoint_pages), PRAGMA journal_mode (use the option write_ahead_log), or PRAGMA "
              "query_only or locking_mode (leave it out)"};
}

// What SQLite says of a statement that the schema it knows is too old for, among much else.
bool may_be_outdated(const SqliteError& error) { return error.primary() == SQLITE_ERROR; }

// A statement out of the cache, for as long as its rows are looked at.
class TakenStatement {
 public:
  TakenStatement(StatementCache& cache, std::string_view sql, SqliteStatement statement)
      : cache_(cache), sql_(sql), statement_(std::move(statement)) {}
  ~TakenStatement() {
    sqlite3_reset(statement_.get());
    // What is bound is the caller's.
    sqlite3_clear_bindings(statement_.get());
    if (!dropped_) cache_.give_back(sql_, std::move(statement_));
  }
  TakenStatement(const TakenStatement&) = delete;
  TakenStatement& operator=(const TakenStatement&) = delete;

  SqliteStatement& operator*() { return statement_; }
  // It doesn't go back.
  void drop() { dropped_ = true; }

 private:
  StatementCache& cache_;
  const std::string_view sql_;
  SqliteStatement statement_;
  bool dropped_ = false;
};

}  // namespace

std::optional<DbError> refuse_nul(std::string_view sql) {
  const std::size_t at = sql.find('\0');
  if (at == sql.npos) return std::nullopt;
  return DbError{.kind = DbError::Kind::kSql,
                 .message = "expected SQL without a NUL, found one at byte " + std::to_string(at) +
                            "; give such a value as a parameter"};
}

DbResult<std::int64_t> run_sql(SqliteConnection& connection, StatementCache& statements,
                               std::string_view sql, const SqlParams& params) {
  if (auto error = refuse_nul(sql)) return *error;
  ParameterBinder binder(params);
  if (auto error = binder.check()) return *error;
  std::int64_t changed = 0;
  for (std::string_view text = sql; !text.empty();) {
    SqliteError error;
    std::string_view rest;
    SqliteStatement* statement = statements.find(text, error, rest);
    if (!error.ok()) return preparing_failed(error);
    // Nothing of it was taken, and nothing will be.
    if (rest.size() == text.size()) break;
    const std::string_view known_as = std::exchange(text, rest);
    if (statement == nullptr) continue;
    auto refused = binder.bind(*statement);
    if (!refused && text.empty()) refused = binder.check_all_used();
    if (!refused) {
      const std::int64_t before = sqlite3_total_changes64(connection.get());
      error = statement->run();
      if (may_be_outdated(error) && sqlite3_total_changes64(connection.get()) == before) {
        // It has done nothing, so once more by the schema as it is now.
        statements.forget(known_as);
        statement = statements.find(known_as, error, rest);
        if (!error.ok()) return preparing_failed(error);
        if (auto again = binder.bind(*statement)) return *again;
        error = statement->run();
      }
      // Others, SELECT and DDL, leave the last one's count behind.
      if (error.ok() && sqlite3_total_changes64(connection.get()) != before) {
        changed += sqlite3_changes64(connection.get());
      }
    }
    // What is bound is the caller's.
    sqlite3_clear_bindings(statement->get());
    if (refused) return *refused;
    if (!error.ok()) return to_db_error(error, "writing");
  }
  if (auto error = binder.check_all_used()) return *error;
  return changed;
}

DbResult<std::int64_t> query_sql(StatementCache& statements, std::string_view sql,
                                 const SqlParams& params,
                                 FunctionRef<bool(const SqlRow&)> visitor) {
  if (auto refused = refuse_nul(sql)) return *refused;
  ParameterBinder binder(params);
  for (bool again = false;; again = true) {
    SqliteError error;
    std::string_view rest;
    SqliteStatement found = statements.take(sql, error, rest);
    if (!error.ok()) return preparing_failed(error);
    if (!found || !rest.empty()) {
      return DbError{.kind = DbError::Kind::kSql,
                     .message = found ? "expected one statement to query by, found several"
                                      : "expected a statement to query by, found none"};
    }
    TakenStatement statement(statements, sql, std::move(found));
    auto refused = binder.check();
    if (!refused) refused = binder.bind(*statement);
    if (!refused) refused = binder.check_all_used();
    if (refused) return *refused;
    std::int64_t shown = 0;
    while ((*statement).step(error)) {
      ++shown;
      if (!visitor(SqlRow((*statement).get()))) return shown;
    }
    if (error.ok()) return shown;
    if (again || shown > 0 || !may_be_outdated(error)) return to_db_error(error, "querying");
    statement.drop();
  }
}

}  // namespace mayfly
