// DatabaseName: which database a caller means: a path, or a connection string as the seed writes
// it.
//
//   "orders.db"
//   "Data Source=orders.db;Mode=ReadWriteCreate;Cache=Shared"
//   ":memory:", "Data Source=scratch;Mode=Memory"
//
// Mode: ReadWriteCreate (the default), ReadWrite (it must be there), ReadOnly, Memory. A database
// in memory lives as long as something in the process has it open, and is shared by its name. Cache
// is accepted and does nothing: connections of a process have caches of their own. A hard link is
// another database to SQLite, whose log it doesn't share: never open one file by two of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mayfly/storage/db_error.h"

namespace mayfly {

struct DatabaseName {
  enum class Mode : std::uint8_t { kReadWriteCreate, kReadWrite, kReadOnly, kMemory };

  // Of the file, absolute and behind every symbolic link once it is parsed; or "/NAME" in memory.
  std::string path;
  Mode mode = Mode::kReadWriteCreate;

  // kParameter: blank, or not such a string.
  static DbResult<DatabaseName> parse(std::string_view text);

  // SQLite's, for a database in memory; nullptr: the default one.
  const char* vfs() const { return mode == Mode::kMemory ? "memdb" : nullptr; }
  // The same for every name of one file that is there, or whose folder is; also by symbolic links.
  std::string key() const;
};

}  // namespace mayfly
