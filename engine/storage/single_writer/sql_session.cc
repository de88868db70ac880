#include "mayfly/storage/single_writer/sql_session.h"

#include <sqlite3.h>

namespace mayfly {

std::int64_t SqlSession::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(connection_.get());
}

}  // namespace mayfly
