// LogTable: the table of a log, as the single writer of its database writes and reads it.
//
//   logs(id INTEGER PRIMARY KEY, timestamp TEXT, level TEXT, logger_name TEXT, message TEXT,
//        extra_data TEXT), with indexes on timestamp and level
//
// timestamp is ISO 8601 in UTC with microseconds, so that it sorts as text; level "INFO";
// extra_data a JSON object, or NULL. VACUUM     A database that is new gets incremental vacuuming,
// which gives room back in steps. In
//            one that was there before, what is deleted leaves room for later rows.
// THREADS    store, and what it is given: one. The rest: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/log_database/log_record.h"
#include "mayfly/storage/log_database/log_ring.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

// Rows, or records, of each level.
using LogCounts = std::array<std::uint64_t, kLogLevels>;

// A record as it stands in the table.
struct LogRow {
  std::int64_t id = 0;
  std::string timestamp;
  std::string level;
  std::string logger_name;
  std::string message;
  std::string extra_data;  // JSON; empty: none
};

class LogTable {
 public:
  // At most so many rows are written, or deleted, while the database's other writers wait.
  static constexpr std::size_t kRowsMax = 1000;

  explicit LogTable(std::shared_ptr<SqliteSingleWriter> writer) : writer_(std::move(writer)) {}

  // Makes what is missing of it. kSql: there is a table of that name with other columns.
  DbResult<void> create();

  // What a transaction has stored.
  struct Stored {
    LogRing::Cursor end;
    std::uint64_t rows = 0;
    std::uint64_t rejected = 0;  // by a constraint that somebody gave the table, or by size
    LogCounts by_level = {};
  };
  // The ring's first records, at most kRowsMax and those before `end_records`, all or none.
  DbResult<Stored> store(LogRing& ring, std::uint64_t end_records);

  // At most kRowsMax of those that are older; how many there were.
  DbResult<std::int64_t> remove_before(std::int64_t wall_us);
  // Gives some of the room of deleted rows back to the file system; whether there may be more.
  DbResult<bool> shrink();

  // Newest first.
  DbResult<std::vector<LogRow>> newest(std::optional<LogLevel> level, std::size_t limit);
  DbResult<LogCounts> count();

 private:
  DbResult<void> make_shrinkable();

  const std::shared_ptr<SqliteSingleWriter> writer_;
};

}  // namespace mayfly
