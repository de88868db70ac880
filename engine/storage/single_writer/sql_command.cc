#include "mayfly/storage/single_writer/sql_command.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace mayfly {
namespace {

constexpr std::string_view kBetween = " \t\r\n\f;";

// Behind blanks, comments and semicolons.
std::string_view first_statement(std::string_view sql) {
  for (;;) {
    sql.remove_prefix(std::min(sql.find_first_not_of(kBetween), sql.size()));
    std::size_t end = std::string_view::npos;
    if (sql.starts_with("--")) {
      end = sql.find('\n');
    } else if (sql.starts_with("/*")) {
      end = sql.find("*/", 2);
      if (end != sql.npos) end += 1;
    } else {
      return sql;
    }
    if (end == sql.npos) return {};
    sql.remove_prefix(end + 1);
  }
}

bool starts_with_word(std::string_view sql, std::string_view word) {
  if (sql.size() < word.size() || ::strncasecmp(sql.data(), word.data(), word.size()) != 0) {
    return false;
  }
  if (sql.size() == word.size()) return true;
  const auto next = static_cast<unsigned char>(sql[word.size()]);
  return std::isalnum(next) == 0 && next != '_';
}

}  // namespace

GroupedWrite::Shape shape_of(std::string_view sql) {
  using Shape = GroupedWrite::Shape;
  sql = first_statement(sql);
  constexpr std::array<std::string_view, 4> kOutside = {"VACUUM", "PRAGMA", "ATTACH", "DETACH"};
  for (const std::string_view word : kOutside) {
    if (starts_with_word(sql, word)) return Shape::kOutside;
  }
  const std::size_t semicolon = sql.find(';');
  if (semicolon == sql.npos) return Shape::kStatement;
  const bool one = sql.find_first_not_of(kBetween, semicolon) == sql.npos;
  return one ? Shape::kStatement : Shape::kSeveral;
}

}  // namespace mayfly
