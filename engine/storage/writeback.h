// Writeback: has the disk begin with a large transaction's pages while rows are still inserted, so
// that the sync in COMMIT waits for the last of them alone.
//
// SQLite keeps the pages of a transaction in its cache, writes them in COMMIT and waits at once
// until the disk has them all. Here the cache is written every kRows rows (sqlite3_db_cacheflush),
// and the kernel is asked to start on what it was given (sync_file_range, which doesn't wait). What
// is durable, and when, stays SQLite's.
//
// For a database that this run has made and that has a rollback journal: from the first page that
// is to be written until COMMIT nobody else can begin to read. A third of a transaction of the
// usual size has passed by then. Where somebody reads already nothing is written, but no new reader
// comes in (SQLite keeps its PENDING lock), as in the COMMIT that waits for the one inside. A
// failure is none here: what couldn't be written is still in the cache, and the next statement or
// COMMIT meets the same disk.
//
// OWNERSHIP  Borrows SQLite's own descriptor of the file, by number: one of our own would take all
//            of this process's locks on the file with it when it is closed. Before each use it is
//            looked at whether the number is still that file's.
// THREADS    The writer's.
#pragma once

#include <cstdint>

#include "mayfly/storage/file_identity.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class Writeback {
 public:
  static constexpr std::size_t kRows = 24 * 1024;

  // Off until then. `file`: the connection's database.
  void enable(const FileIdentity& file);
  void disable() { descriptor_ = -1; }

  // A transaction begins.
  void begin() { rows_ = 0; }
  // Between two statements of one transaction, which has so many rows by now.
  void inserted(SqliteConnection& connection, std::size_t rows) {
    if (descriptor_ >= 0 && rows >= rows_ + kRows) start(connection, rows);
  }

 private:
  void start(SqliteConnection& connection, std::size_t rows);

  int descriptor_ = -1;
  FileIdentity file_;
  std::size_t rows_ = 0;  // when it was started last
};

}  // namespace mayfly
