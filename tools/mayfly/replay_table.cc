#include "tools/mayfly/replay_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "mayfly/data/schema.h"

namespace mayfly::cli {
namespace {

Status reading(const SqliteError& error, const std::string& table) {
  return to_status(error, "reading the columns of table " + table);
}

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

}  // namespace

Result<std::optional<ReplayTable>> ReplayTable::find(SqliteConnection& connection,
                                                     const std::string& name) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT l.name, l.strict, x.name, x.type, x.\"notnull\" AND x.dflt_value IS NULL AND NOT "
      "(x.pk > 0 AND upper(x.type) = 'INTEGER'), x.hidden >= 2 "
      "FROM pragma_table_list l, pragma_table_xinfo(l.name) x "
      "WHERE l.schema = 'main' AND l.type = 'table' AND l.name = ?1 COLLATE NOCASE ORDER BY x.cid",
      statement, false);
  if (!error.ok()) return reading(error, name);
  statement.bind(1, name);
  ReplayTable table;
  while (statement.step(error)) {
    table.name_ = statement.text(0);
    const bool strict = statement.int64(1) != 0;
    table.columns_.push_back({.name = std::string(statement.text(2)),
                              .affinity = affinity_of(statement.text(3), strict),
                              .wanted = statement.int64(4) != 0,
                              .generated = statement.int64(5) != 0});
  }
  if (!error.ok()) return reading(error, name);
  if (table.columns_.empty()) return std::optional<ReplayTable>();
  return std::optional<ReplayTable>(std::move(table));
}

const ReplayTable::Column* ReplayTable::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      columns_, [name](const Column& column) { return is_same_column(column.name, name); });
  return found == columns_.end() ? nullptr : &*found;
}

std::vector<std::string> ReplayTable::all_columns() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (!column.generated) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> ReplayTable::columns_for(const std::vector<std::string>& keys) const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (column.generated) continue;
    const auto key = std::ranges::find_if(
        keys, [&](const std::string& name) { return is_same_column(name, column.name); });
    if (key != keys.end()) {
      names.push_back(*key);
    } else if (column.wanted) {
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
                                            name_, fmt::join(all_columns(), ", "), name));
  }
  return given;
}

std::string ReplayTable::type_of(std::string_view column) const {
  const Column* const found = find(column);
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
