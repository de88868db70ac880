// ColumnExpression: one entry of map's `columns`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"

namespace mayfly::map {

struct ColumnExpression {
  std::string name;
  std::optional<ColumnType> type;
  std::string expression;
  bool stays = false;  // the column of that name, as it is
};

// "name", "name = expression" or "name:type = expression"; the first = counts. Code::kConfig.
inline Result<ColumnExpression> parse_column(std::string_view entry) {
  const auto trimmed = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return std::string_view();
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  };
  const auto refuse = [&](std::string_view what) {
    return Status(Code::kConfig,
                  "columns: expected NAME = EXPRESSION, NAME:TYPE = EXPRESSION or "
                  "NAME, found \"" +
                      std::string(entry) + "\": " + std::string(what));
  };
  ColumnExpression column;
  const std::size_t equals = entry.find('=');
  std::string_view name = trimmed(entry.substr(0, equals));
  if (const std::size_t colon = name.rfind(':'); colon != name.npos) {
    const std::string_view type = trimmed(name.substr(colon + 1));
    column.type = column_type_from(type);
    if (!column.type) return refuse("there is no type \"" + std::string(type) + "\"");
    name = trimmed(name.substr(0, colon));
  }
  if (name.empty()) return refuse("the name is missing");
  column.name = name;
  if (equals == entry.npos) {
    column.stays = true;
    column.expression = "\"";
    for (const char c : name) column.expression.append(c == '"' ? 2 : 1, c);
    column.expression += '"';
    return column;
  }
  column.expression = trimmed(entry.substr(equals + 1));
  if (column.expression.empty()) return refuse("the expression is missing");
  return column;
}

}  // namespace mayfly::map
