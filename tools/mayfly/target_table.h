// The table to be written, before the engine opens the database: what it is like, or how to make
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly::cli {

// Refuses what is there and isn't a SQLite database, or an empty file. Before anything is made
// beside it.
Status check_is_database(const std::string& path);

// Whether what was written is still where it was written to; kUnknown: it can't be read now.
enum class TableState : std::uint8_t {
  kThere,
  kTableGone,
  kDatabaseGone,
  kDatabaseReplaced,  // another file has its name
  kPositionsGone,     // the table is there; how far its inputs were read isn't
  kUnknown
};
TableState state_of_table(const std::string& database, const std::string& table);

// Names of the columns with TEXT affinity (datatype3.html, 3.1). None when there is no such table.
// Waits up to wait_ns for another process's lock.
Result<std::vector<std::string>> text_columns_of(const std::string& database,
                                                 const std::string& table, std::int64_t wait_ns);

// Runs the SQL in `file` when the table isn't there, and checks that it is there afterwards; true:
// it was made. Waits up to wait_ns for another process's lock.
Result<bool> create_from_schema_file(const std::string& database, const std::string& table,
                                     const std::string& file, std::int64_t wait_ns);

// The latest dead letters, one line each: "line 12, would_change: ...".
std::vector<std::string> latest_dead_letters(const std::string& database, int rows_max);

}  // namespace mayfly::cli
