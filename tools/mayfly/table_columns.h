// What a table's columns are declared to be, for commands that look at it beside the engine.
//
// Values; connections are borrowed for the call. THREADS  One at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/storage/affinity.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

struct TableColumn {
  std::string name;
  ColumnAffinity affinity = ColumnAffinity::kNone;
  bool not_null = false;
  bool has_default = false;
  bool in_key = false;
  bool is_rowid = false;   // INTEGER PRIMARY KEY alone, not WITHOUT ROWID: SQLite fills it itself
  bool generated = false;  // always as an expression says
};

struct TableColumns {
  std::string table;  // as the database spells it
  bool is_strict = false;
  bool is_table = false;  // no view, and not virtual
  std::vector<TableColumn> columns;

  // Upper and lower case are the same; null: there is none.
  const TableColumn* find(std::string_view name) const;
};

// In their order; no columns: the database has nothing of that name.
SqliteError read_columns(SqliteConnection& connection, std::string_view table,
                         TableColumns& columns);

}  // namespace mayfly::cli
