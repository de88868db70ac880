#include "mayfly/storage/journal_mode.h"

#include <sqlite3.h>

namespace mayfly {

// The change itself waits for nobody: a transaction before it does. Others may come between the
// two, again and again only if they are many.
SqliteError change_to_wal(SqliteConnection& connection, std::string& mode) {
  constexpr int kTries = 100;
  SqliteError error = connection.query_text("PRAGMA journal_mode", mode);
  if (!error.ok() || mode == "wal") return error;
  for (int i = 0; i < kTries; ++i) {
    error = connection.query_text("PRAGMA journal_mode = WAL", mode);
    if (!error.is_busy()) return error;
    error = connection.run("BEGIN EXCLUSIVE");
    if (error.ok()) error = connection.run("ROLLBACK");
    if (!error.ok()) return error;
  }
  return error;
}

}  // namespace mayfly
