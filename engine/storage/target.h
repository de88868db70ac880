// Target: the one table that is written: created or checked at open, and the statement that fills
// it.
//
// THREADS  The connection's. Immutable once prepared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"
#include "mayfly/storage/affinity.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/writer_options.h"

namespace mayfly {

struct ColumnCheck {
  std::uint32_t column = 0;  // of the schema
  ValueCheck check = ValueCheck::kNone;
  ColumnAffinity affinity = ColumnAffinity::kNone;
};

class Target {
 public:
  // Within a transaction of the caller's; mayfly_batch must be attached. kConfig: a table or a
  // SELECT that doesn't fit, with what to do about it.
  static Result<Target> prepare(SqliteConnection& connection, const WriterOptions& options,
                                const Schema& schema);

  const std::string& table() const { return table_; }
  const std::string& insert_sql() const { return insert_sql_; }
  // Values to look at before they are inserted; empty under coerce.
  const std::vector<ColumnCheck>& checks() const { return checks_; }
  // It wasn't there.
  bool created() const { return created_; }
  bool without_rowid() const { return without_rowid_; }
  // Rows go to its end, and nothing else is read or written for them: no keys, indexes, triggers,
  // references.
  bool append_only() const { return append_only_; }

 private:
  struct TableColumn {
    std::string name;
    std::string declared_type;
    int key_place = 0;  // from 1; 0: not in the primary key
    bool not_null = false;
    bool has_default = false;
    bool generated = false;
  };
  struct InsertColumn {
    std::string name;
    ColumnType type;
    bool not_null = false;
  };

  Status load(SqliteConnection& connection, bool& exists);
  Status choose_columns(SqliteConnection& connection, const WriterOptions& options,
                        const Schema& schema);
  Status create(SqliteConnection& connection, const WriterOptions& options, const Schema& schema);
  Status check(SqliteConnection& connection, const WriterOptions& options);
  Status look_for_indexes(SqliteConnection& connection, const WriterOptions& options);
  Status choose_keys(const WriterOptions& options, const Schema& schema);
  void compose_insert(const WriterOptions& options);
  Status compose_checks(const WriterOptions& options, const Schema& schema);
  const TableColumn* find(std::string_view name) const;
  bool is_rowid_alias(const TableColumn& column) const;

  std::string table_;
  std::vector<TableColumn> columns_;  // as they are in the database
  std::vector<InsertColumn> inserted_;
  std::vector<std::string> keys_;
  std::string insert_sql_;
  std::vector<ColumnCheck> checks_;
  bool without_rowid_ = false;
  bool strict_ = false;
  bool append_only_ = false;
  bool created_ = false;
};

}  // namespace mayfly
