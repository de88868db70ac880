// Target: the one table that is written: created or checked at open, and the statement that fills
// it.
//
// THREADS  The connection's. Immutable once prepared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"
#include "mayfly/storage/affinity.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/writer_options.h"

namespace mayfly {

// What the values of one column are checked for.
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
  // Values to look at before they are inserted; empty under coerce, and where a SELECT gives them.
  const std::vector<ColumnCheck>& checks() const { return checks_; }
  // A SELECT's values are looked at by the statement (exact_value.h). Of these columns only
  // exceptions can be changed: rows with some are inserted by the other statement, which looks at
  // those too. Empty: no need for it.
  const std::vector<ColumnCheck>& select_checks() const { return select_checks_; }
  const std::string& checked_insert_sql() const { return checked_insert_sql_; }
  // The column of the schema that is the table's INTEGER PRIMARY KEY, whose NULLs SQLite replaces
  // by numbers that may well be the keys of other rows; they are rejected. None: there is none, or
  // a SELECT gives it, whose statement looks at it itself.
  std::optional<std::uint32_t> rowid_key() const { return rowid_key_; }
  // As many rows come out of the SELECT as went in only if each came out once.
  bool one_row_each() const { return one_row_each_; }
  // There are columns beside the keys, so an upsert changes what is there.
  bool updates() const;
  // It wasn't there.
  bool created() const { return created_; }
  bool without_rowid() const { return without_rowid_; }
  // It says itself that a conflict deletes the old row (UNIQUE ON CONFLICT REPLACE).
  bool replaces_rows() const { return replaces_rows_; }
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
    std::optional<std::uint32_t> origin;  // of the schema; none: the SELECT made it
    ValueCheck check = ValueCheck::kNone;
    ColumnAffinity affinity = ColumnAffinity::kNone;
  };

  Status load(SqliteConnection& connection, bool& exists);
  Status choose_columns(SqliteConnection& connection, const WriterOptions& options,
                        const Schema& schema);
  Status check_width(SqliteConnection& connection, std::size_t columns) const;
  // Refused: it is no column of the input.
  Status check_known(const char* what, std::string_view name) const;
  Status create(SqliteConnection& connection, const WriterOptions& options, const Schema& schema);
  Status check(SqliteConnection& connection, const WriterOptions& options);
  Status add_columns(SqliteConnection& connection, const WriterOptions& options,
                     const std::vector<const InsertColumn*>& missing);
  Status look_for_indexes(SqliteConnection& connection, const WriterOptions& options);
  Status choose_keys(const WriterOptions& options, const Schema& schema);
  Status choose_checks(const WriterOptions& options, const Schema& schema);
  void choose_rowid_key(const WriterOptions& options);
  void compose_insert(const WriterOptions& options);
  std::string insert_sql(const WriterOptions& options, bool exceptions) const;
  const TableColumn* find(std::string_view name) const;
  bool is_key(const std::string& name) const;
  bool is_rowid_alias(const TableColumn& column) const;

  std::string table_;
  std::vector<TableColumn> columns_;  // as they are in the database
  std::vector<InsertColumn> inserted_;
  std::vector<std::string> keys_;
  std::string insert_sql_;
  std::string checked_insert_sql_;
  std::vector<ColumnCheck> checks_;
  std::vector<ColumnCheck> select_checks_;
  std::optional<std::uint32_t> rowid_key_;
  bool one_row_each_ = true;
  std::string select_;  // as it stands in parentheses; empty: the batch as it is
  bool without_rowid_ = false;
  bool strict_ = false;
  bool replaces_rows_ = false;
  bool append_only_ = false;
  bool created_ = false;
};

}  // namespace mayfly
