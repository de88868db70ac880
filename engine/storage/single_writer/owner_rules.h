// is_owners: what of SQL is up to the owner of a connection, and denied to the callers to whom it
// is lent: transactions, and query_only, by which one only reads.
//
// For sqlite3_set_authorizer, with that one's arguments. THREADS  Any.
#pragma once

#include <sqlite3.h>

namespace mayfly {

inline bool is_owners(int action, const char* name, const char* value) {
  if (action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT) return true;
  if (action != SQLITE_PRAGMA || value == nullptr) return false;  // or it is asked for
  return sqlite3_stricmp(name, "query_only") == 0;
}

}  // namespace mayfly
