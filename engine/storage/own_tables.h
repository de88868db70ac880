// OwnTables: whether tables of Mayfly's names that a database already has are what Mayfly makes, so
// that another shape is told when the database is opened and not at the first bad row.
#pragma once

#include <string>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Within a transaction: each table that is there takes a row on trial, which is undone. kConfig:
// one doesn't.
Status check_own_tables(SqliteConnection& connection, const std::string& database);

}  // namespace mayfly
