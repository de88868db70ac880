#include "tools/mayfly/table_columns.h"

#include <algorithm>

#include "mayfly/data/schema.h"

namespace mayfly::cli {

const TableColumn* TableColumns::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      columns, [name](const TableColumn& column) { return is_same_column(column.name, name); });
  return found == columns.end() ? nullptr : &*found;
}

SqliteError read_columns(SqliteConnection& connection, std::string_view table,
                         TableColumns& columns) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT l.name, l.type = 'table', l.strict, x.name, x.type, x.\"notnull\", x.dflt_value IS "
      "NOT NULL, x.pk > 0, x.pk > 0 AND upper(x.type) = 'INTEGER' AND NOT l.wr AND sum(x.pk > 0) "
      "OVER () = 1, x.hidden >= 2 FROM pragma_table_list(?1) l, pragma_table_xinfo(l.name) x "
      "WHERE l.schema = 'main' AND x.hidden <> 1 ORDER BY x.cid",
      statement, false);
  if (!error.ok()) return error;
  statement.bind(1, table);
  columns = {};
  while (statement.step(error)) {
    columns.table = statement.text(0);
    columns.is_table = statement.int64(1) != 0;
    columns.is_strict = statement.int64(2) != 0;
    columns.columns.push_back({.name = std::string(statement.text(3)),
                               .affinity = affinity_of(statement.text(4), columns.is_strict),
                               .not_null = statement.int64(5) != 0,
                               .has_default = statement.int64(6) != 0,
                               .in_key = statement.int64(7) != 0,
                               .is_rowid = statement.int64(8) != 0,
                               .generated = statement.int64(9) != 0});
  }
  return error;
}

}  // namespace mayfly::cli
