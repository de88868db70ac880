// TargetSelect: what the writer's SELECT gives: its columns, which of them are the batch's own, and
// whether each row comes out by itself.
//
// THREADS  The connection's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

struct TargetSelect {
  struct ResultColumn {
    std::string name;
    ColumnType type;
    // The column of mayfly_batch that is handed through as it is; none: an expression, or another
    // table's column.
    std::optional<std::uint32_t> origin;
  };
  std::string sql;  // to be put into parentheses: without the semicolon that may end it
  std::vector<ResultColumn> columns;
  std::string dependence;  // on where a batch ends; empty: on nothing
  bool one_scan = false;   // no row can come out of it twice
};

// mayfly_batch must be attached. kConfig: SQLite doesn't take it, or it isn't one statement.
Result<TargetSelect> look_at_select(SqliteConnection& connection, const std::string& select,
                                    const Schema& schema);

}  // namespace mayfly
