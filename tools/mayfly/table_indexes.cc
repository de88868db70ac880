#include "tools/mayfly/table_indexes.h"

#include <fmt/format.h>

#include "mayfly/base/clock.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

std::vector<std::string> columns_of_index(std::string_view index) {
  std::vector<std::string> columns;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = index.find(',');
    columns.emplace_back(index.substr(0, comma));
    if (comma != std::string_view::npos) index.remove_prefix(comma + 1);
  }
  return columns;
}

Status create_indexes(const std::string& database, const std::string& table,
                      const std::vector<std::string>& indexes, std::int64_t wait_ns) {
  if (indexes.empty()) return {};
  const std::string doing =
      fmt::format("making the indexes of {} in {}, where its rows are", table, database);
  SqliteConnection connection;
  SqliteError error = SqliteConnection::open(database, {.create = false}, connection);
  if (error.ok()) {
    error = connection.run(fmt::format("PRAGMA busy_timeout = {}", wait_ns / kMillisecond));
  }
  for (const std::string& index : indexes) {
    if (!error.ok()) break;
    std::string name = "idx_" + table;
    std::string list;
    for (const std::string& column : columns_of_index(index)) {
      name += "_" + column;
      list += (list.empty() ? "" : ", ") + quote_identifier(column);
    }
    error = connection.run(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {}({})",
                                       quote_identifier(name), quote_identifier(table), list));
  }
  return to_status(error, doing);
}

}  // namespace mayfly::cli
