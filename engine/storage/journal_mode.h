// change_to_wal: gives a database a write-ahead log, waiting for those who have it locked.
#pragma once

#include <string>

#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Waits as long as the connection's busy timeout says, for writers and for readers. `mode` is what
// the database has then: "wal", or "memory" where there is no file. An error leaves it as it was.
SqliteError change_to_wal(SqliteConnection& connection, std::string& mode);

}  // namespace mayfly
