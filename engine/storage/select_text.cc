#include "mayfly/storage/select_text.h"

#include <algorithm>

#include "mayfly/storage/batch_table.h"

namespace mayfly {
namespace {

// SQLite has one code for all that is wrong with a statement.
bool is_about_syntax(std::string_view message) {
  constexpr std::string_view kSyntax[] = {"syntax error", "incomplete input", "unrecognized token"};
  return std::ranges::any_of(kSyntax, [message](std::string_view part) {
    return message.find(part) != std::string_view::npos;
  });
}

bool holds_statement(SqliteConnection& connection, std::string_view sql) {
  SqliteStatement statement;
  return !connection.prepare(sql, statement, false).ok() || statement.get() != nullptr;
}

}  // namespace

Status refuse_select(std::string_view found) {
  return {Code::kConfig,
          "select: " + std::string(found) + "; expected a SELECT over " + BatchTable::kName};
}

Result<std::string> only_statement(SqliteConnection& connection, std::string_view select) {
  SqliteStatement statement;
  std::string_view rest;
  const SqliteError error = connection.prepare(select, statement, false, &rest);
  if (!error.ok()) return refuse_select(error.message);
  if (statement.get() == nullptr) return refuse_select("there is no statement in it");
  if (holds_statement(connection, rest)) {
    return refuse_select("a second statement follows the first");
  }
  std::string sql(select.substr(0, select.size() - rest.size()));
  if (sql.ends_with(';')) sql.pop_back();
  return sql + "\n";
}

Status check_select_text(std::string_view select) {
  SqliteConnection none;
  if (const SqliteError error = SqliteConnection::open(":memory:", {}, none); !error.ok()) {
    return to_status(error, "checking select");
  }
  SqliteStatement statement;
  std::string_view rest;
  const SqliteError error = none.prepare(select, statement, false, &rest);
  if (!error.ok() && is_about_syntax(error.message)) return refuse_select(error.message);
  if (error.ok() && statement.get() == nullptr) return refuse_select("there is no statement in it");
  // At a name that isn't known SQLite stops behind the statement it is in.
  if (holds_statement(none, rest)) return refuse_select("a second statement follows the first");
  return {};
}

}  // namespace mayfly
