// SqlSession: a connection that is lent to a caller's function: what it reads, and, on the
// writer's, what it changes.
//
//   db.scalar<std::int64_t>("SELECT count(*) FROM users WHERE age > ?", {18})
//   db.column<std::string>("SELECT name FROM users ORDER BY name")
//   db.for_each("SELECT id, name FROM users", {}, [&](const SqlRow& row) { ...; return true; })
//   db.execute("UPDATE users SET seen = seen + 1 WHERE id = ?", {id})
//
// Statements are kept prepared by their text, so give values as parameters. statement_run.h says
// how parameters have to fit.
//
// OWNERSHIP  Lent for the time of the call; statements made by get() are finalized before it ends.
// THREADS    That of the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_params.h"
#include "mayfly/storage/single_writer/sql_row.h"
#include "mayfly/storage/single_writer/statement_cache.h"
#include "mayfly/storage/single_writer/statement_run.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class SqlSession {
 public:
  // in_transaction: within one that was begun for it. When a statement ends that (ON CONFLICT
  // ROLLBACK, RAISE(ROLLBACK), a time limit, a full disk), later calls here are refused (kSql):
  // each would be committed by itself.
  SqlSession(SqliteConnection& connection, StatementCache& statements, bool in_transaction = false)
      : connection_(connection), statements_(statements), in_transaction_(in_transaction) {}
  SqlSession(const SqlSession&) = delete;
  SqlSession& operator=(const SqlSession&) = delete;

  // Rows changed, by one or several statements. On a connection that reads only: kReadOnly.
  DbResult<std::int64_t> execute(std::string_view sql, const SqlParams& params = {}) {
    if (has_ended()) return transaction_ended();
    return run_sql(connection_, statements_, sql, params);
  }
  // Until the visitor returns false; how many rows it was shown.
  DbResult<std::int64_t> for_each(std::string_view sql, const SqlParams& params,
                                  FunctionRef<bool(const SqlRow&)> visitor) {
    if (has_ended()) return transaction_ended();
    return query_sql(statements_, sql, params, visitor);
  }
  // The first column of the first row; nothing when there is no row.
  template <class T>
  DbResult<std::optional<T>> first(std::string_view sql, const SqlParams& params = {}) {
    std::optional<T> value;
    const auto shown = for_each(sql, params, [&](const SqlRow& row) {
      value.emplace(row.as<T>(0));
      return false;
    });
    if (!shown.ok()) return shown.error();
    return value;
  }
  // The same of a query that always has a row; kSql when it has none.
  template <class T>
  DbResult<T> scalar(std::string_view sql, const SqlParams& params = {}) {
    auto value = first<T>(sql, params);
    if (!value.ok()) return value.error();
    if (!value->has_value()) {
      return DbError{.kind = DbError::Kind::kSql, .message = "expected a row, found none"};
    }
    return std::move(**value);
  }
  // The first column of all rows.
  template <class T>
  DbResult<std::vector<T>> column(std::string_view sql, const SqlParams& params = {}) {
    std::vector<T> values;
    const auto shown = for_each(sql, params, [&](const SqlRow& row) {
      values.push_back(row.as<T>(0));
      return true;
    });
    if (!shown.ok()) return shown.error();
    return values;
  }
  // The first statement of `sql`, for SQLite's C API; it is destroyed before the call ends, within
  // which it was made. `doing` ("writing to orders") stands before SQLite's words.
  DbResult<SqliteStatement> prepare(std::string_view sql, std::string_view doing);
  std::int64_t last_insert_rowid() const;

  // For SQLite's C API, by who changes nothing of the connection itself: for statements and
  // questions. Transactions stay the writer's; but a statement may end one (RAISE(ROLLBACK)), and
  // what is written by this behind it is committed by itself: look at sqlite3_get_autocommit.
  sqlite3* borrow() const { return connection_.get(); }
  // The same for who may: hooks, functions, limits. What is set holds until the connection is
  // opened anew; an engine that writes to the same database uses another one from now on. A
  // reader's connection is closed behind it.
  sqlite3* get() const {
    handed_out_ = true;
    return connection_.get();
  }
  bool handed_out() const { return handed_out_; }

 private:
  bool has_ended() const { return in_transaction_ && connection_.autocommit(); }

  SqliteConnection& connection_;
  StatementCache& statements_;
  const bool in_transaction_;
  mutable bool handed_out_ = false;
};

}  // namespace mayfly
