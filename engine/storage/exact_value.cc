#include "mayfly/storage/exact_value.h"

#include <sqlite3.h>

namespace mayfly {
namespace {

constexpr const char* kName = "mayfly_exact";
constexpr const char* kKeyName = "mayfly_key";

std::string_view text_of(sqlite3_value* value) {
  const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
  return text == nullptr
             ? std::string_view()
             : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

bool would_change(sqlite3_value* value, ColumnAffinity affinity) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return mayfly::would_change(std::int64_t{sqlite3_value_int64(value)}, affinity);
    case SQLITE_FLOAT:
      return mayfly::would_change(sqlite3_value_double(value), affinity);
    case SQLITE_TEXT:
      return mayfly::would_change(text_of(value), affinity);
    default:
      return false;
  }
}

std::string shown(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return std::to_string(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return shown_real(sqlite3_value_double(value));
    default:
      return shown_text(text_of(value));
  }
}

void call(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto affinity = static_cast<ColumnAffinity>(sqlite3_value_int(arguments[2]));
  if (!would_change(arguments[0], affinity)) {
    sqlite3_result_value(context, arguments[0]);
    return;
  }
  const std::string text =
      describe_change(text_of(arguments[1]), affinity, shown(arguments[0])) +
      "; if that is meant, CAST it in select, else give the column another type";
  sqlite3_result_error(context, text.data(), static_cast<int>(text.size()));
  sqlite3_result_error_code(context, SQLITE_CONSTRAINT_FUNCTION);
}

void call_key(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) != SQLITE_NULL) {
    sqlite3_result_value(context, arguments[0]);
    return;
  }
  const std::string text = describe_missing_key(text_of(arguments[1]));
  sqlite3_result_error(context, text.data(), static_cast<int>(text.size()));
  sqlite3_result_error_code(context, SQLITE_CONSTRAINT_NOTNULL);
}

}  // namespace

SqliteError attach_exact_value(SqliteConnection& connection) {
  int code = sqlite3_create_function_v2(connection.get(), kName, 3, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        nullptr, call, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) {
    code =
        sqlite3_create_function_v2(connection.get(), kKeyName, 2, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                   nullptr, call_key, nullptr, nullptr, nullptr);
  }
  return code == SQLITE_OK ? SqliteError{} : connection.last_error();
}

std::string exact_value(std::string_view value, std::string_view column, ColumnAffinity affinity) {
  std::string call = std::string(kName) + "(";
  call.append(value).append(", ").append(quote_literal(column)).append(", ");
  return call + std::to_string(static_cast<int>(affinity)) + ")";
}

std::string given_key(std::string_view value, std::string_view column) {
  return std::string(kKeyName) + "(" + std::string(value) + ", " + quote_literal(column) + ")";
}

std::string describe_missing_key(std::string_view column) {
  return "column " + std::string(column) +
         ": expected a key, found NULL, for which SQLite would make up a number; give the row its "
         "key, or leave the column out to have all keys made";
}

}  // namespace mayfly
