// run_sql, query_sql: bind parameters and run statements on a connection.
//
// PARAMETERS  By position they are used up in the order of the statements, and must fit exactly.
//             One by name goes to every place of that name; each must be used, and each place must
//             have one. What doesn't fit is of kind kParameter; so is a NaN, which SQLite would
//             store as NULL. Nothing of a statement runs then.
// TEXT        Without a NUL, at which SQLite would stop reading (kSql). Nothing of it runs then.
// ONCE MORE  A statement that fails with SQLITE_ERROR before it has changed or shown anything may
//             know an old schema: it is prepared anew and run a second time. So an SQL function of
//             the caller's may be called twice for one statement.
// DENIED      Where the connection's authorizer denies something, that is what is its owner's:
//             control of transactions and some of PRAGMA (owner_rules.h).
// THREADS     The connection's.
#pragma once

#include <cstdint>
#include <string_view>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_params.h"
#include "mayfly/storage/single_writer/sql_row.h"
#include "mayfly/storage/single_writer/statement_cache.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Rows that INSERT, UPDATE and DELETE changed, not counting what triggers did. Rows that a
// statement gives are discarded. Several statements run one after another, and stop at the first
// that fails; what ran before it stays unless the caller rolls back.
// SQLite's text ends at a NUL, whatever stands behind it: that would be left out without a word.
std::optional<DbError> refuse_nul(std::string_view sql);

DbResult<std::int64_t> run_sql(SqliteConnection& connection, StatementCache& statements,
                               std::string_view sql, const SqlParams& params);

// Shows each row of one statement until the visitor returns false; how many it has shown. The
// visitor may run other statements on the connection; what it throws passes through.
DbResult<std::int64_t> query_sql(StatementCache& statements, std::string_view sql,
                                 const SqlParams& params, FunctionRef<bool(const SqlRow&)> visitor);

}  // namespace mayfly
