#include "mayfly/storage/single_writer/sql_session.h"

#include <sqlite3.h>

namespace mayfly {

DbResult<SqliteStatement> SqlSession::prepare(std::string_view sql, std::string_view doing) {
  if (has_ended()) return transaction_ended();
  if (auto refused = refuse_nul(sql)) return *refused;
  SqliteStatement statement;
  const SqliteError error = statements_.prepare(sql, false, statement);
  if (!error.ok()) return to_db_error(error, doing);
  return statement;
}

std::int64_t SqlSession::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(connection_.get());
}

}  // namespace mayfly
