#include "mayfly/storage/own_tables.h"

#include "mayfly/storage/batch_table.h"

namespace mayfly {
namespace {

struct OwnTable {
  std::string name;
  std::string columns;
  std::string row;  // the plainest that is ever written
};

const OwnTable kOwnTables[] = {
    {"mayfly_dead_letters",
     "at, source, ordinal, line, node, code, reason, columns, raw, target, attempts",
     "'', NULL, NULL, NULL, '', '', '', NULL, NULL, '', 0"},
    {"mayfly_record_formats", "format", "''"},
    {"mayfly_offsets",
     "source, target, generation, low, byte, line, fingerprint, read, written, inserted, updated, "
     "ignored, rejected, dropped, consumed, finished, at",
     "'', '', -1, 0, 0, 0, x'', 0, 0, 0, 0, 0, 0, 0, 0, 0, ''"},
    {"mayfly_offset_ranges", "source, target, generation, first, last, byte, line",
     "'', '', -1, 0, 0, 0, 0"},
    {"mayfly_commits", "writer, seq", "'', 0"},
    {"mayfly_stats", "writer, at, pid, json", "'', '', 0, ''"},
};

// It would be read in place of the rows that are to be written.
Status check_batch_name(SqliteConnection& connection, const std::string& database) {
  std::string found;
  const SqliteError error = connection.query_text(
      std::string("SELECT type FROM sqlite_schema WHERE name = ") +
          quote_literal(BatchTable::kName) + " COLLATE NOCASE AND type IN ('table', 'view')",
      found);
  if (!error.ok()) return to_status(error, "reading the names of tables");
  if (found.empty()) return Status::success();
  return {Code::kConfig, database + " has a " + found + " " + BatchTable::kName +
                             ", which is the name of the rows that are to be written; rename it"};
}

}  // namespace

Status check_own_tables(SqliteConnection& connection, const std::string& database) {
  MAYFLY_RETURN_IF_ERROR(check_batch_name(connection, database));
  for (const OwnTable& table : kOwnTables) {
    std::string found;
    SqliteError error = connection.query_text("SELECT name FROM sqlite_schema WHERE name = " +
                                                  quote_literal(table.name) + " COLLATE NOCASE",
                                              found);
    if (error.ok() && found.empty()) continue;
    if (error.ok()) error = connection.run("SAVEPOINT mayfly_trial");
    if (!error.ok()) return to_status(error, "reading " + table.name);
    const SqliteError refused = connection.run("INSERT OR REPLACE INTO " + table.name + "(" +
                                               table.columns + ") VALUES(" + table.row + ")");
    error = connection.run("ROLLBACK TO mayfly_trial; RELEASE mayfly_trial");
    if (classify(refused.code) == ErrorClass::kRow && !refused.ok()) {
      return {Code::kConfig, table.name + " in " + database +
                                 " isn't the table that Mayfly makes: " + refused.message +
                                 "; expected columns " + table.columns +
                                 ". Rename it or drop it, and Mayfly makes its own"};
    }
    if (!refused.ok()) error = refused;
    if (!error.ok()) return to_status(error, "trying " + table.name);
  }
  return Status::success();
}

}  // namespace mayfly
