// ReplayTable: a table that dead letters are written into once more, as far as its columns say what
// their rows can be.
//
// Values; connections are borrowed for the call. THREADS  One at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"
#include "tools/mayfly/table_columns.h"

namespace mayfly::cli {

class ReplayTable {
 public:
  // None: there is no such table.
  static Result<std::optional<ReplayTable>> find(SqliteConnection& connection,
                                                 const std::string& name);

  // As the database spells it.
  const std::string& name() const { return columns_.table; }
  bool has(std::string_view column) const { return columns_.find(column) != nullptr; }
  bool can_write(std::string_view column) const;
  // Those that can be written.
  std::vector<std::string> all_columns() const;
  // Those that a row can't be without: NOT NULL, and no default.
  std::vector<std::string> wanted_columns() const;
  // Of rows with values for these keys: in the table's order, spelled as the letters do, and those
  // that the table wants besides.
  std::vector<std::string> columns_for(const std::vector<std::string>& keys) const;
  // Of a CSV record: those that are given, else all. kUsage: there is no such column.
  Result<std::vector<std::string>> csv_columns_for(const std::vector<std::string>& given) const;
  // Which the source takes a column's values for; empty: there is no such column.
  std::string type_of(std::string_view column) const;

 private:
  TableColumns columns_;
};

// column=type as the source takes it, by the types that the table declares.
Result<std::vector<std::string>> declared_types(SqliteConnection& connection,
                                                const std::string& table,
                                                const std::vector<std::string>& columns);

}  // namespace mayfly::cli
