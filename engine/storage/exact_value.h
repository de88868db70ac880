// ExactValue: the SQL function that stands around what a SELECT gives a column that could change
// it.
//
// mayfly_exact(value, column's name, ColumnAffinity) is the value, or an error
// (SQLITE_CONSTRAINT_FUNCTION, whose row becomes a dead letter) when the column would store another
// one. CAST in the SELECT says that a change is meant.
//
// THREADS  The connection's. No state.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/storage/affinity.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

SqliteError attach_exact_value(SqliteConnection& connection);
// The call: `value` is SQL.
std::string exact_value(std::string_view value, std::string_view column, ColumnAffinity affinity);

}  // namespace mayfly
