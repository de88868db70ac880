// ExactValue: the SQL function that stands around what a SELECT gives a column that could change
// it.
//
// mayfly_exact(value, column's name, ColumnAffinity) is the value, or an error
// (SQLITE_CONSTRAINT_FUNCTION, whose row becomes a dead letter) when the column would store another
// one. CAST in the SELECT says that a change is meant.
//
// mayfly_key(value, column's name) stands around an INTEGER PRIMARY KEY: NULL is an error
// (SQLITE_CONSTRAINT_NOTNULL), since SQLite would make a number up.
//
// THREADS  The connection's. No state.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/storage/affinity.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

SqliteError attach_exact_value(SqliteConnection& connection);
// The calls: `value` is SQL.
std::string given_key(std::string_view value, std::string_view column);
std::string exact_value(std::string_view value, std::string_view column, ColumnAffinity affinity);

// For a dead letter: the key is NULL.
std::string describe_missing_key(std::string_view column);

}  // namespace mayfly
