// What a statement is about to do to the connection that is lent to it, as SQLite tells it while it
// is prepared: with the arguments of sqlite3_set_authorizer.
//
// THREADS  Any.
#pragma once

#include <cstdint>

namespace mayfly {

// What is up to the owner of a connection, and denied to the callers to whom it is lent:
// transactions, query_only, by which one only reads, locking_mode, by which one keeps locks, and
// wal_autocheckpoint, which takes the place of the hook by which the owner knows of its log.
bool is_owners(int action, const char* name, const char* value);

// What a statement leaves changed on the connection, which is whose in the end.
enum class ConnectionChange : std::uint8_t {
  kNone,      // nothing, or what is in the file
  kSettings,  // what each user of a connection has for itself (SharedConnection::Settings)
  kPersonal,  // what can't be changed with each turn
};
ConnectionChange change_of(int action, const char* name, const char* value, const char* database);

}  // namespace mayfly
