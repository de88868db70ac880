#include "tools/mayfly/existing_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mayfly/storage/sqlite.h"
#include "tools/mayfly/table_columns.h"

namespace mayfly::cli {
namespace {

TableColumns columns_of(const std::string& database, const std::string& table,
                        std::int64_t wait_ns) {
  TableColumns columns;
  SqliteConnection connection;
  SqliteError error = SqliteConnection::open(database, {.create = false}, connection);
  if (error.ok()) {
    error = connection.run(fmt::format("PRAGMA busy_timeout = {}", wait_ns / kMillisecond));
  }
  if (error.ok()) error = read_columns(connection, table, columns);
  return columns;
}

}  // namespace

std::vector<std::string> unmet_wishes(const IngestOptions& options, const std::string& table) {
  std::vector<std::string> unmet;
  if (options.primary_key.empty() && options.not_null.empty() && options.defaults.empty() &&
      !options.strict) {
    return unmet;
  }
  const TableColumns there = columns_of(options.database, table, options.deadline_ns);
  if (there.columns.empty()) return unmet;
  const auto in_key = [&](const std::string& name) {
    const TableColumn* const column = there.find(name);
    return column != nullptr && column->in_key;
  };
  const auto keys = std::ranges::count_if(there.columns, &TableColumn::in_key);
  // Of --upsert it names the columns by which rows are known, which an index may keep, too.
  if (!options.primary_key.empty() && !options.upsert &&
      (static_cast<std::size_t>(keys) != options.primary_key.size() ||
       !std::ranges::all_of(options.primary_key, in_key))) {
    unmet.push_back(fmt::format("--pk {}", fmt::join(options.primary_key, " --pk ")));
  }
  for (const std::string& name : options.not_null) {
    const TableColumn* const column = there.find(name);
    // Other keys than these and those that are said to be NOT NULL take it.
    if (column == nullptr ? !options.alter : !column->not_null && !column->is_rowid) {
      unmet.push_back("--not-null " + name);
    }
  }
  for (const std::string& each : options.defaults) {
    const TableColumn* const column = there.find(each.substr(0, each.find('=')));
    if (column == nullptr ? !options.alter : !column->has_default) {
      unmet.push_back("--default " + each);
    }
  }
  if (options.strict && !there.is_strict) unmet.emplace_back("--strict");
  return unmet;
}

}  // namespace mayfly::cli
