#include "mayfly/storage/single_writer/owner_rules.h"

#include <sqlite3.h>

#include <algorithm>
#include <span>

namespace mayfly {
namespace {

bool is_one_of(std::span<const char* const> names, const char* name) {
  return std::ranges::any_of(names,
                             [&](const char* one) { return sqlite3_stricmp(one, name) == 0; });
}

// Of a value that is set; without one it is asked for.
ConnectionChange change_of_pragma(const char* name, const char* value) {
  constexpr const char* kOfUsers[] = {"foreign_keys", "synchronous", "busy_timeout"};
  // In the file, a question that takes an argument, or without an effect on what is stored.
  constexpr const char* kHarmless[] = {
      "user_version", "application_id", "wal_checkpoint",     "optimize",         "integrity_check",
      "quick_check",  "table_info",     "table_xinfo",        "table_list",       "index_info",
      "index_xinfo",  "index_list",     "foreign_key_check",  "foreign_key_list", "analysis_limit",
      "cache_size",   "mmap_size",      "incremental_vacuum", "auto_vacuum"};
  if (value == nullptr || is_one_of(kHarmless, name)) return ConnectionChange::kNone;
  return is_one_of(kOfUsers, name) ? ConnectionChange::kSettings : ConnectionChange::kPersonal;
}

}  // namespace

bool is_owners(int action, const char* name, const char* value) {
  if (action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT) return true;
  if (action != SQLITE_PRAGMA || value == nullptr) return false;  // or it is asked for
  constexpr const char* kOwners[] = {"query_only", "locking_mode", "wal_autocheckpoint"};
  // Its log is what keeps readers and the writer out of each other's way.
  const bool ends_log =
      sqlite3_stricmp(name, "journal_mode") == 0 && sqlite3_stricmp(value, "wal") != 0;
  return ends_log || is_one_of(kOwners, name);
}

ConnectionChange change_of(int action, const char* name, const char* value, const char* database) {
  switch (action) {
    case SQLITE_PRAGMA:
      return change_of_pragma(name, value);
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
      return ConnectionChange::kPersonal;
    case SQLITE_CREATE_VTABLE:
    case SQLITE_INSERT:  // a trigger by its full name is told as one of the table's database
      return database != nullptr && sqlite3_stricmp(database, "temp") == 0
                 ? ConnectionChange::kPersonal
                 : ConnectionChange::kNone;
    default:
      return ConnectionChange::kNone;
  }
}

}  // namespace mayfly
