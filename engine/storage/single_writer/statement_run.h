// run_sql: binds parameters and runs one or several statements on a connection.
//
// Where the connection's authorizer denies something, that is control of transactions
// (group_writer.h).
// THREADS  The connection's.
#pragma once

#include <cstdint>
#include <string_view>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_params.h"
#include "mayfly/storage/single_writer/statement_cache.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Rows that INSERT, UPDATE and DELETE changed, not counting what triggers did. Rows that a
// statement gives are discarded. Several statements run one after another, and stop at the first
// that fails; what ran before it stays unless the caller rolls back.
//
// Parameters by position are used up in the order of the statements, and must fit exactly. One by
// name goes to every place of that name; each must be used, and each place must have one. What
// doesn't fit is of kind kParameter; so is a NaN, which SQLite would store as NULL. Nothing of a
// statement runs then.
DbResult<std::int64_t> run_sql(SqliteConnection& connection, StatementCache& statements,
                               std::string_view sql, const SqlParams& params);

}  // namespace mayfly
