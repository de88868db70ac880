#include "tools/mayfly/existing_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "mayfly/data/schema.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {
namespace {

struct ExistingColumn {
  std::string name;
  bool not_null = false;
  bool has_default = false;
  bool in_key = false;
};

std::vector<ExistingColumn> columns_of(const std::string& database, const std::string& table,
                                       std::int64_t wait_ns) {
  std::vector<ExistingColumn> columns;
  SqliteConnection connection;
  SqliteStatement statement;
  SqliteError error = SqliteConnection::open(database, {.create = false}, connection);
  if (error.ok()) {
    error = connection.run(fmt::format("PRAGMA busy_timeout = {}", wait_ns / kMillisecond));
  }
  if (error.ok()) {
    error = connection.prepare(
        "SELECT name, \"notnull\", dflt_value IS NOT NULL, pk > 0 FROM pragma_table_info(?1)",
        statement);
  }
  if (!error.ok()) return columns;
  statement.bind(1, table);
  while (statement.step(error)) {
    columns.push_back({std::string(statement.text(0)), statement.int64(1) != 0,
                       statement.int64(2) != 0, statement.int64(3) != 0});
  }
  return columns;
}

}  // namespace

std::vector<std::string> unmet_wishes(const IngestOptions& options, const std::string& table) {
  std::vector<std::string> unmet;
  if (options.primary_key.empty() && options.not_null.empty() && options.defaults.empty()) {
    return unmet;
  }
  const std::vector<ExistingColumn> columns =
      columns_of(options.database, table, options.deadline_ns);
  if (columns.empty()) return unmet;
  const auto find = [&](std::string_view name) -> const ExistingColumn* {
    const auto found = std::ranges::find_if(columns, [name](const ExistingColumn& column) {
      return is_same_column(column.name, name);
    });
    return found == columns.end() ? nullptr : &*found;
  };
  const auto in_key = [&](const std::string& name) {
    const ExistingColumn* const column = find(name);
    return column != nullptr && column->in_key;
  };
  const auto keys = std::ranges::count_if(columns, &ExistingColumn::in_key);
  // Of --upsert it names the columns by which rows are known, which an index may keep, too.
  if (!options.primary_key.empty() && !options.upsert &&
      (static_cast<std::size_t>(keys) != options.primary_key.size() ||
       !std::ranges::all_of(options.primary_key, in_key))) {
    unmet.push_back(fmt::format("--pk {}", fmt::join(options.primary_key, " --pk ")));
  }
  for (const std::string& name : options.not_null) {
    const ExistingColumn* const column = find(name);
    if (column != nullptr && !column->not_null && !column->in_key) {
      unmet.push_back("--not-null " + name);
    }
  }
  for (const std::string& each : options.defaults) {
    const ExistingColumn* const column = find(each.substr(0, each.find('=')));
    if (column != nullptr && !column->has_default) unmet.push_back("--default " + each);
  }
  return unmet;
}

}  // namespace mayfly::cli
