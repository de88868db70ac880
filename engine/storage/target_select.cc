#include "mayfly/storage/target_select.h"

#include <sqlite3.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

#include "mayfly/storage/affinity.h"
#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/select_scope.h"
#include "mayfly/storage/select_text.h"

namespace mayfly {
namespace {

// What SQLite says a statement reads, while it is prepared.
class Reads {
 public:
  explicit Reads(SqliteConnection& connection)
      : connection_(connection), before_(connection.exchange_authorizer({on_access, this})) {}
  ~Reads() { connection_.exchange_authorizer(before_); }
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;

  bool batch() const { return batch_; }
  bool rowid() const { return rowid_; }

 private:
  static int on_access(void* self, int action, const char* table, const char* column, const char*,
                       const char*) {
    if (action == SQLITE_READ && table != nullptr && column != nullptr &&
        strcasecmp(table, BatchTable::kName) == 0) {
      auto& reads = *static_cast<Reads*>(self);
      reads.batch_ = true;
      // Whichever of its names was used.
      reads.rowid_ |= std::strcmp(column, "ROWID") == 0;
    }
    return SQLITE_OK;
  }

  SqliteConnection& connection_;
  const SqliteConnection::Authorizer before_;
  bool batch_ = false;
  bool rowid_ = false;
};

// While it lives a name between double quotes that is no column's is a mistake; SQLite takes it for
// text otherwise, and a misspelt column would give its own name in each row.
class QuotedNames {
 public:
  explicit QuotedNames(SqliteConnection& connection) : connection_(connection) {
    sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DQS_DML, -1, &before_);
    sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  }
  ~QuotedNames() {
    sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DQS_DML, before_, nullptr);
  }
  QuotedNames(const QuotedNames&) = delete;
  QuotedNames& operator=(const QuotedNames&) = delete;

 private:
  SqliteConnection& connection_;
  int before_ = 0;
};

ColumnType type_of_declaration(const char* declared) {
  switch (affinity_of(declared != nullptr ? declared : "", false)) {
    case ColumnAffinity::kInteger:
      return ColumnType::kInt64;
    case ColumnAffinity::kReal:
      return ColumnType::kFloat64;
    case ColumnAffinity::kText:
      return ColumnType::kText;
    default:
      return ColumnType::kAny;
  }
}

}  // namespace

Result<TargetSelect> look_at_select(SqliteConnection& connection, const std::string& select,
                                    const Schema& schema) {
  TargetSelect found;
  SelectScope scope = scope_of(select);
  found.dependence = std::move(scope.dependence);
  found.one_scan = scope.one_scan;
  const QuotedNames names(connection);
  MAYFLY_ASSIGN_OR_RETURN(found.sql, only_statement(connection, select));
  const Reads reads(connection);
  SqliteStatement statement;
  const SqliteError error =
      connection.prepare("SELECT * FROM (" + found.sql + ")", statement, false);
  if (!error.ok()) return refuse_select(error.message);
  const bool own_rowid = std::ranges::any_of(
      schema.columns(), [](const Column& column) { return column.name == "ROWID"; });
  if (!reads.batch()) found.dependence = kNoBatchRead;
  if (found.dependence.empty() && reads.rowid() && !own_rowid) {
    found.dependence = std::string("the rowid of ") + BatchTable::kName;
  }
  for (int i = 0; i < sqlite3_column_count(statement.get()); ++i) {
    const char* declared = sqlite3_column_decltype(statement.get(), i);
    const auto origin = BatchTable::column_of(declared != nullptr ? declared : "");
    found.columns.push_back({sqlite3_column_name(statement.get(), i),
                             origin ? schema[*origin].type : type_of_declaration(declared),
                             origin});
  }
  return found;
}

}  // namespace mayfly
