#include "tools/mayfly/replay_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "mayfly/data/schema.h"

namespace mayfly::cli {
namespace {

std::string source_type_of(ColumnAffinity affinity) {
  switch (affinity) {
    case ColumnAffinity::kInteger:
      return "int64";
    case ColumnAffinity::kReal:
      return "float64";
    case ColumnAffinity::kText:
      return "text";
    case ColumnAffinity::kNumeric:
    case ColumnAffinity::kNone:
      break;
  }
  return "any";
}

bool is_wanted(const TableColumn& column) {
  return column.not_null && !column.has_default && !column.is_rowid && !column.generated;
}

}  // namespace

Result<std::optional<ReplayTable>> ReplayTable::find(SqliteConnection& connection,
                                                     const std::string& name) {
  ReplayTable table;
  const SqliteError error = read_columns(connection, name, table.columns_);
  if (!error.ok()) return to_status(error, "reading the columns of table " + name);
  if (!table.columns_.is_table) return std::optional<ReplayTable>();
  return std::optional<ReplayTable>(std::move(table));
}

bool ReplayTable::can_write(std::string_view column) const {
  const TableColumn* const found = columns_.find(column);
  return found != nullptr && !found->generated;
}

std::vector<std::string> ReplayTable::all_columns() const {
  std::vector<std::string> names;
  for (const TableColumn& column : columns_.columns) {
    if (!column.generated) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> ReplayTable::wanted_columns() const {
  std::vector<std::string> names;
  for (const TableColumn& column : columns_.columns) {
    if (is_wanted(column)) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> ReplayTable::columns_for(const std::vector<std::string>& keys) const {
  std::vector<std::string> names;
  for (const TableColumn& column : columns_.columns) {
    if (column.generated) continue;
    const auto key = std::ranges::find_if(
        keys, [&](const std::string& name) { return is_same_column(name, column.name); });
    if (key != keys.end()) {
      names.push_back(*key);
    } else if (is_wanted(column)) {
      names.push_back(column.name);
    }
  }
  return names.empty() ? all_columns() : names;
}

Result<std::vector<std::string>> ReplayTable::csv_columns_for(
    const std::vector<std::string>& given) const {
  if (given.empty()) return all_columns();
  for (const std::string& name : given) {
    if (has(name)) continue;
    return Status(Code::kUsage, fmt::format("--columns: expected columns of table {} ({}), found "
                                            "\"{}\"",
                                            this->name(), fmt::join(all_columns(), ", "), name));
  }
  return given;
}

std::string ReplayTable::type_of(std::string_view column) const {
  const TableColumn* const found = columns_.find(column);
  return found == nullptr ? std::string() : source_type_of(found->affinity);
}

Result<std::vector<std::string>> declared_types(SqliteConnection& connection,
                                                const std::string& table,
                                                const std::vector<std::string>& columns) {
  MAYFLY_ASSIGN_OR_RETURN(const std::optional<ReplayTable> found,
                          ReplayTable::find(connection, table));
  if (!found) {
    return Status(Code::kConfig,
                  fmt::format("the letters are for table \"{}\", and the database has no such "
                              "table; bring it back, or let the letters be (--abandon)",
                              table));
  }
  std::vector<std::string> types;
  for (const std::string& name : columns) {
    const std::string type = found->type_of(name);
    // One that is gone is told of by the writer.
    if (!type.empty()) types.push_back(fmt::format("{}={}", name, type));
  }
  return types;
}

}  // namespace mayfly::cli
