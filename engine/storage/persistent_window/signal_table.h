// SignalTable: the table of a persistent window, and the statements on it.
//
//   CREATE TABLE signals(id INTEGER PRIMARY KEY, operation_id INTEGER NOT NULL,
//                        signal TEXT NOT NULL, key TEXT, timestamp TEXT NOT NULL,
//                        created_at TEXT DEFAULT CURRENT_TIMESTAMP)
//
// with the indexes idx_signals_timestamp and idx_signals_signal. The id is a sequence: it grows by
// one from signal to signal in the order in which they are committed, so who has read up to an id
// goes on behind it. timestamp: stored_time.h. created_at: when it was written, as
// CURRENT_TIMESTAMP has it.
//
// The functions are called within a function of the writer's (execute_in_transaction, query), on
// its session. THREADS  That of the call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/persistent_window/capture_buffer.h"
#include "mayfly/storage/persistent_window/stored_signal.h"
#include "mayfly/storage/single_writer/sql_session.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

// Which rows are read, and in which order.
struct StoredSignalQuery {
  std::string since;                  // timestamps from here on; empty: all
  std::int64_t after_id = 0;          // and only rows behind it
  std::int64_t up_to_id = INT64_MAX;  // and none behind it
  enum class Order : std::uint8_t { kById, kNewestFirst, kNewestTimeFirst };
  Order order = Order::kById;
};

namespace signal_table {

// Makes it if it isn't there, which takes the database's lock; a look alone doesn't. kSql: there is
// a table of that name with other columns.
DbResult<void> prepare(SqliteSingleWriter& writer);
// The highest id; 0: no row.
DbResult<std::int64_t> newest_id(sqlite3* db);
// Which of a window's columns the table hasn't; nothing when there is no such table.
DbResult<std::optional<std::vector<std::string>>> missing_columns(sqlite3* db);
// Of a table that lacks this one.
std::string foreign_table(std::string_view column);

// The highest id; 0 without rows.
DbResult<std::int64_t> newest_id(SqlSession& session);
DbResult<std::int64_t> count(SqlSession& session);

// What is added to a signal's time for the wall's, in microseconds; and the wall's time now.
struct WallTime {
  std::int64_t offset_us = 0;
  std::int64_t now_us = 0;
};
// What insert() did.
struct Inserted {
  std::int64_t first_id = 0;
  std::size_t rows = 0;
  std::size_t first = 0;  // which of the signals became the first row, and the last
  std::size_t last = 0;
  std::size_t refused = 0;  // by a constraint, a trigger or a limit of SQLite's
  std::string refusal;      // of the first of them
  WallTime wall;

  std::int64_t last_id() const { return first_id + static_cast<std::int64_t>(rows) - 1; }
};
// With the ids from first_id on. One that can't be a row is left out alone.
DbResult<Inserted> insert(SqlSession& session, std::span<const CapturedSignal> signals,
                          std::int64_t first_id, const WallTime& wall);
// Whether the rows of an insert() whose commit failed are there all the same.
DbResult<bool> holds(SqlSession& session, std::span<const CapturedSignal> signals,
                     const Inserted& inserted);
// Deletes the oldest: those before the time, or so many by id; at most `limit`, and never the
// newest of all. How many.
DbResult<std::int64_t> delete_before(SqlSession& session, std::string_view time,
                                     std::int64_t limit);
DbResult<std::int64_t> delete_oldest(SqlSession& session, std::int64_t limit);
// Whether there is more than the newest row, and one from before the time.
DbResult<bool> has_before(SqlSession& session, std::string_view time);

// Until the visitor returns false.
DbResult<void> visit(sqlite3* db, const StoredSignalQuery& query,
                     FunctionRef<bool(const StoredSignal&)> visitor);

}  // namespace signal_table

}  // namespace mayfly
