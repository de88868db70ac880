#include "mayfly/storage/select_text.h"

#include <sqlite3.h>

#include "mayfly/data/schema.h"
#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/select_scope.h"

namespace mayfly {
namespace {

// SQLite has one code for all that is wrong with a statement. Messages about names end in the name,
// which can be anything.
bool is_about_syntax(std::string_view message) {
  return message == "incomplete input" || message.starts_with("unrecognized token: ") ||
         (message.starts_with("near \"") && message.ends_with("\": syntax error"));
}

Status refuse_parameter(std::string_view select) {
  return refuse_select("nothing gives its parameter " + std::string(first_parameter(select)) +
                       " a value");
}

bool holds_statement(SqliteConnection& connection, std::string_view sql) {
  SqliteStatement statement;
  return !connection.prepare(sql, statement, false).ok() || statement.get() != nullptr;
}

// Of two columns of one name SQLite calls the second "name:1", where the SELECT is in parentheses.
Status check_result_names(const SqliteStatement& statement) {
  const auto name = [&](int i) { return sqlite3_column_name(statement.get(), i); };
  for (int i = 1; i < statement.column_count(); ++i) {
    for (int j = 0; j < i; ++j) {
      if (!is_same_column(name(i), name(j))) continue;
      return refuse_select("two of its columns are called \"" + std::string(name(i)) +
                           "\", name them apart (AS)");
    }
  }
  return {};
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
  if (sqlite3_bind_parameter_count(statement.get()) > 0) {
    return refuse_parameter(select);
  }
  MAYFLY_RETURN_IF_ERROR(check_result_names(statement));
  std::string sql(select.substr(0, select.size() - rest.size()));
  if (sql.ends_with(';')) sql.pop_back();
  return sql + "\n";
}

Status refuse_dependence(std::string_view dependence) {
  return {Code::kConfig, "select: what it gives depends on where a batch ends (" +
                             std::string(dependence) +
                             "); per_batch = true says that this is meant"};
}

Status check_where_text(std::string_view where) {
  SqliteConnection none;
  if (const SqliteError error = SqliteConnection::open(":memory:", {}, none); !error.ok()) {
    return to_status(error, "checking where");
  }
  const std::string text(where);
  // As a result column parentheses that it closes, and hasn't opened, are one too many; in
  // parentheses of its own what stands behind it is, an alias, a comma or another clause.
  for (const std::string& sql : {"SELECT " + text + "\n", "SELECT 1 WHERE (" + text + "\n)"}) {
    SqliteStatement statement;
    std::string_view rest;
    const SqliteError error = none.prepare(sql, statement, false, &rest);
    const bool is_wrong = !error.ok() && is_about_syntax(error.message);
    if (!is_wrong && (!error.ok() || !holds_statement(none, rest))) continue;
    return {Code::kConfig, "expected one expression over the columns of the input, found \"" +
                               text + "\"" + (is_wrong ? " (" + error.message + ")" : "")};
  }
  return {};
}

Status check_select_text(std::string_view select, bool per_batch) {
  SqliteConnection none;
  if (const SqliteError error = SqliteConnection::open(":memory:", {}, none); !error.ok()) {
    return to_status(error, "checking select");
  }
  SqliteStatement statement;
  std::string_view rest;
  SqliteError error = none.prepare(select, statement, false, &rest);
  if (!error.ok() && is_about_syntax(error.message)) return refuse_select(error.message);
  if (error.ok() && statement.get() == nullptr) return refuse_select("there is no statement in it");
  // At a name that isn't known SQLite may stop anywhere in the statement.
  std::string_view text = select;
  if (error.ok() || select.substr(0, select.size() - rest.size()).ends_with(';')) {
    if (holds_statement(none, rest)) return refuse_select("a second statement follows the first");
    text.remove_suffix(rest.size());
    if (text.ends_with(';')) text.remove_suffix(1);
  }
  // DELETE and the like can't stand in parentheses.
  error = none.prepare("SELECT * FROM (" + std::string(text) + "\n)", statement, false);
  if (!error.ok() && is_about_syntax(error.message)) return refuse_select(error.message);
  if (!first_parameter(text).empty()) return refuse_parameter(text);
  if (per_batch) return {};
  const SelectScope scope = scope_of(text);
  if (!scope.dependence.empty()) return refuse_dependence(scope.dependence);
  return scope.reads_batch ? Status() : refuse_dependence(kNoBatchRead);
}

}  // namespace mayfly
