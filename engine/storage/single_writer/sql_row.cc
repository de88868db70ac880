#include "mayfly/storage/single_writer/sql_row.h"

#include <sqlite3.h>

namespace mayfly {

int SqlRow::size() const { return sqlite3_column_count(statement_); }

std::string_view SqlRow::name(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name != nullptr ? name : "";
}

Value::Kind SqlRow::kind(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return Value::Kind::kInt64;
    case SQLITE_FLOAT:
      return Value::Kind::kFloat64;
    case SQLITE_TEXT:
      return Value::Kind::kText;
    case SQLITE_BLOB:
      return Value::Kind::kBlob;
    default:
      return Value::Kind::kNull;
  }
}

std::int64_t SqlRow::int64(int column) const { return sqlite3_column_int64(statement_, column); }

double SqlRow::float64(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view SqlRow::text(int column) const {
  // Blobs first: asking for their text would look for its end.
  const void* data = sqlite3_column_type(statement_, column) == SQLITE_BLOB
                         ? sqlite3_column_blob(statement_, column)
                         : sqlite3_column_text(statement_, column);
  const int bytes = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(bytes)};
}

}  // namespace mayfly
