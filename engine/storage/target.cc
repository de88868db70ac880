#include "mayfly/storage/target.h"

#include <sqlite3.h>
#include <strings.h>

#include <algorithm>

#include "mayfly/storage/batch_table.h"
#include "mayfly/storage/exact_value.h"
#include "mayfly/storage/select_scope.h"
#include "mayfly/storage/select_text.h"
#include "mayfly/storage/target_select.h"

namespace mayfly {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += quote_identifier(name);
  }
  return list;
}

// The key columns that were asked for; none: the table's own.
std::vector<std::string> given_keys(const WriterOptions& options, const Schema& schema) {
  if (!options.key_columns.empty()) return options.key_columns;
  std::vector<std::string> keys;
  for (const Column& column : schema.columns()) {
    if (column.key) keys.push_back(column.name);
  }
  return keys;
}

bool has_column(const std::vector<std::string>& columns, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(),
                     [name](const std::string& each) { return is_same_column(each, name); });
}

Status refuse(std::string message) { return {Code::kConfig, std::move(message)}; }

// "(id); (a, b)": what ON CONFLICT could name, so no partial indexes and none over expressions.
SqliteError unique_keys_of(SqliteConnection& connection, const std::string& table,
                           std::string& keys) {
  SqliteStatement statement;
  // A rowid that is the primary key has no index.
  SqliteError error = connection.prepare(
      "WITH rowid_key(column) AS ("
      "  SELECT name FROM pragma_table_info(?1) WHERE pk > 0 AND NOT EXISTS("
      "    SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')),"
      " indexed(name, seqno, column) AS ("
      "  SELECT i.name, c.seqno, c.name FROM pragma_index_list(?1) i, pragma_index_info(i.name) c"
      "  WHERE i.\"unique\" AND NOT i.partial ORDER BY i.origin <> 'pk', i.seq DESC, c.seqno) "
      "SELECT '(' || column || ')' FROM rowid_key UNION ALL "
      "SELECT '(' || group_concat(column, ', ') || ')' FROM indexed "
      "GROUP BY name HAVING count(*) = count(column)",
      statement, false);
  if (!error.ok()) return error;
  statement.bind(1, table);
  while (statement.step(error)) keys.append(keys.empty() ? "" : "; ").append(statement.text(0));
  return error;
}

// SQLite itself says whether a key of the table is one over these columns; its words only say no.
Status check_conflict_keys(SqliteConnection& connection, const std::string& insert_sql,
                           const std::string& table, const std::vector<std::string>& keys) {
  SqliteStatement statement;
  const SqliteError refused = connection.prepare(insert_sql, statement, false);
  if (refused.message.find("ON CONFLICT clause does not match") == std::string::npos) return {};
  std::string known;
  if (const SqliteError error = unique_keys_of(connection, table, known); !error.ok()) {
    return to_status(error, "reading the indexes of " + table);
  }
  const std::string names = joined(keys);
  const std::string index = "CREATE UNIQUE INDEX " + quote_identifier(table + "_key") + " ON " +
                            quote_identifier(table) + "(" + names + ")";
  return refuse("upsert into " + table + " by (" + names +
                ") needs a primary key or a unique index over just these columns; the table has " +
                (known.empty() ? "none over any: "
                               : known + ". Name one of them (--pk, or "
                                         "primary_key in a pipeline), or: ") +
                index);
}

}  // namespace

Result<Target> Target::prepare(SqliteConnection& connection, const WriterOptions& options,
                               const Schema& schema) {
  Target target;
  target.table_ = options.table;
  if (options.table.empty()) return refuse("the writer's table has no name; name it");
  if (const std::string_view prefix = reserved_prefix_of(options.table); !prefix.empty()) {
    return refuse("table " + options.table + ": names that begin with " + std::string(prefix) +
                  " are reserved; choose another");
  }
  bool exists = false;
  MAYFLY_RETURN_IF_ERROR(target.load(connection, exists));
  MAYFLY_RETURN_IF_ERROR(target.choose_columns(connection, options, schema));
  if (!exists) {
    MAYFLY_RETURN_IF_ERROR(target.create(connection, options, schema));
    target.created_ = true;
    MAYFLY_RETURN_IF_ERROR(target.load(connection, exists));
  }
  MAYFLY_RETURN_IF_ERROR(target.check(connection, options));
  for (const std::string& column : options.indexed) {
    if (target.find(column) != nullptr) continue;
    return refuse("expected a column of table " + target.table_ + " to make an index of, found \"" +
                  column + "\"; check the spelling");
  }
  MAYFLY_RETURN_IF_ERROR(target.choose_keys(options, schema));
  MAYFLY_RETURN_IF_ERROR(target.look_for_indexes(connection, options));
  MAYFLY_RETURN_IF_ERROR(target.choose_checks(options, schema));
  target.compose_insert(options);
  if (options.mode == WriteMode::kUpsert) {
    MAYFLY_RETURN_IF_ERROR(
        check_conflict_keys(connection, target.insert_sql_, target.table_, target.keys_));
  }
  return target;
}

Status Target::load(SqliteConnection& connection, bool& exists) {
  columns_.clear();
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT type, wr, strict, (SELECT sql FROM sqlite_schema s WHERE s.name = l.name), name "
      "FROM pragma_table_list l WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
      statement, false);
  if (!error.ok()) return to_status(error, "reading the tables");
  statement.bind(1, table_);
  exists = statement.step(error);
  if (!error.ok()) return to_status(error, "reading the tables");
  if (!exists) return Status::success();
  if (statement.text(0) != "table") {
    const std::string_view type = statement.text(0);  // view, virtual or shadow
    return refuse(table_ + " is a " + std::string(type) + (type == "view" ? "" : " table") +
                  "; the writer needs an ordinary table");
  }
  without_rowid_ = statement.int64(1) != 0;
  strict_ = statement.int64(2) != 0;
  replaces_rows_ = says_on_conflict_replace(statement.text(3));

  error = connection.prepare(
      "SELECT name, type, pk, \"notnull\", dflt_value IS NOT NULL, hidden "
      "FROM pragma_table_xinfo(?1)",
      statement, false);
  if (error.ok()) {
    statement.bind(1, table_);
    while (statement.step(error)) {
      columns_.push_back({.name = std::string(statement.text(0)),
                          .declared_type = std::string(statement.text(1)),
                          .key_place = static_cast<int>(statement.int64(2)),
                          .not_null = statement.int64(3) != 0,
                          .has_default = statement.int64(4) != 0,
                          .generated = statement.int64(5) >= 2});
    }
  }
  if (!error.ok()) return to_status(error, "reading the columns of " + table_);
  return Status::success();
}

// columns: that the table, or the batch that is read into it, is to have.
Status Target::check_width(SqliteConnection& connection, std::size_t columns) const {
  const int max = sqlite3_limit(connection.get(), SQLITE_LIMIT_COLUMN, -1);
  if (columns <= static_cast<std::size_t>(max)) return Status::success();
  return refuse("table " + table_ + ": expected at most " + std::to_string(max) +
                " columns (SQLite's limit), found " + std::to_string(columns) +
                "; leave some out (--columns, or columns in a pipeline)");
}

// What is inserted: the schema's columns, or those of the SELECT.
Status Target::choose_columns(SqliteConnection& connection, const WriterOptions& options,
                              const Schema& schema) {
  MAYFLY_RETURN_IF_ERROR(check_width(connection, schema.size()));
  if (options.select.empty()) {
    for (std::uint32_t i = 0; i < schema.size(); ++i) {
      inserted_.push_back({schema[i].name, schema[i].type, schema[i].not_null, i});
    }
    return Status::success();
  }
  MAYFLY_ASSIGN_OR_RETURN(const TargetSelect found,
                          look_at_select(connection, options.select, schema));
  if (!found.dependence.empty() && !options.per_batch) {
    return refuse_dependence(found.dependence);
  }
  for (const TargetSelect::ResultColumn& column : found.columns) {
    inserted_.push_back({column.name, column.type, false, column.origin});
  }
  one_row_each_ = found.one_scan;
  select_ = found.sql;
  return Status::success();
}

Status Target::create(SqliteConnection& connection, const WriterOptions& options,
                      const Schema& schema) {
  if (!options.create_table) {
    return refuse("table " + table_ + " doesn't exist in " + options.database +
                  "; create it, or let the writer (create_table)");
  }
  keys_ = given_keys(options, schema);
  for (const std::string& key : keys_) MAYFLY_RETURN_IF_ERROR(check_known("key column", key));
  for (const std::string& name : options.not_null) {
    MAYFLY_RETURN_IF_ERROR(check_known("NOT NULL column", name));
  }
  for (const std::string& entry : options.defaults) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      return refuse("default: expected column=value, found \"" + entry + "\"");
    }
    MAYFLY_RETURN_IF_ERROR(check_known("column with a default", entry.substr(0, equals)));
  }
  std::string sql = "CREATE TABLE " + quote_identifier(table_) + "(";
  bool aliased = false;
  for (const InsertColumn& column : inserted_) {
    if (sql.back() != '(') sql += ", ";
    sql += quote_identifier(column.name);
    std::string_view type = declared_type_of(column.type);
    if (type.empty() && options.strict) type = "ANY";
    if (!type.empty()) sql.append(" ").append(type);
    const bool key = is_key(column.name);
    const bool alias = key && keys_.size() == 1 && type == "INTEGER";
    if (alias) sql += " PRIMARY KEY";
    aliased |= alias;
    // SQLite allows NULL in a primary key that isn't the rowid.
    const bool not_null = column.not_null || key || has_column(options.not_null, column.name);
    if (!alias && not_null) sql += " NOT NULL";
    for (const std::string& entry : options.defaults) {
      const std::size_t equals = entry.find('=');
      if (!is_same_column(std::string_view(entry).substr(0, equals), column.name)) continue;
      sql += " DEFAULT " + quote_literal(std::string_view(entry).substr(equals + 1));
    }
  }
  if (!keys_.empty() && !aliased) sql += ", PRIMARY KEY(" + joined(keys_) + ")";
  sql += options.strict ? ") STRICT" : ")";
  return to_status(connection.run(sql), "creating table " + table_);
}

Status Target::check_known(const char* what, std::string_view name) const {
  const bool known = std::any_of(inserted_.begin(), inserted_.end(), [name](const auto& column) {
    return is_same_column(column.name, name);
  });
  if (known) return Status::success();
  std::string list;
  for (const InsertColumn& column : inserted_) {
    list.append(list.empty() ? "" : ", ").append(column.name);
  }
  return refuse(std::string(what) + " \"" + std::string(name) +
                "\" isn't a column of the input, which has " + list + "; check the spelling");
}

Status Target::check(SqliteConnection& connection, const WriterOptions& options) {
  std::vector<const InsertColumn*> missing;
  for (const InsertColumn& column : inserted_) {
    const TableColumn* found = find(column.name);
    if (found != nullptr && found->generated) {
      return refuse("column " + column.name + " of table " + table_ +
                    " is generated and can't be written; leave it out of the input");
    }
    if (found == nullptr) missing.push_back(&column);
  }
  if (!missing.empty()) MAYFLY_RETURN_IF_ERROR(add_columns(connection, options, missing));
  for (const TableColumn& column : columns_) {
    const bool inserted = std::any_of(
        inserted_.begin(), inserted_.end(),
        [&column](const InsertColumn& c) { return is_same_column(c.name, column.name); });
    if (!inserted && column.not_null && !column.has_default && !column.generated &&
        !is_rowid_alias(column)) {
      return refuse("column " + column.name + " of table " + table_ +
                    " is NOT NULL without a default, and the input doesn't have it; give the "
                    "column a default or the input the column");
    }
  }
  return Status::success();
}

Status Target::add_columns(SqliteConnection& connection, const WriterOptions& options,
                           const std::vector<const InsertColumn*>& missing) {
  if (!options.alter) {
    const auto names_of = [](const auto& columns, auto name_of) {
      std::string names;
      for (const auto& column : columns) {
        names.append(names.empty() ? "" : ", ").append(name_of(column));
      }
      return names;
    };
    return refuse("table " + table_ + " has no column " +
                  names_of(missing, [](const InsertColumn* c) { return c->name; }) + " (it has " +
                  names_of(columns_, [](const TableColumn& c) { return c.name; }) +
                  "); --alter (or alter in a pipeline) adds what is missing");
  }
  MAYFLY_RETURN_IF_ERROR(check_width(connection, columns_.size() + missing.size()));
  for (const InsertColumn* column : missing) {
    const std::string type(declared_type_of(column->type));
    const SqliteError error =
        connection.run("ALTER TABLE " + quote_identifier(table_) + " ADD COLUMN " +
                       quote_identifier(column->name) + " " + type);
    if (!error.ok()) return to_status(error, "adding column " + column->name + " to " + table_);
    columns_.push_back({.name = column->name, .declared_type = type});
  }
  return Status::success();
}

Status Target::choose_keys(const WriterOptions& options, const Schema& schema) {
  keys_ = given_keys(options, schema);
  if (keys_.empty()) {
    std::vector<const TableColumn*> primary;
    for (const TableColumn& column : columns_) {
      if (column.key_place > 0) primary.push_back(&column);
    }
    std::sort(primary.begin(), primary.end(),
              [](const auto* a, const auto* b) { return a->key_place < b->key_place; });
    for (const TableColumn* column : primary) keys_.push_back(column->name);
  }
  for (const std::string& key : keys_) {
    if (find(key) == nullptr) {
      return refuse("key column " + key + " isn't a column of table " + table_ +
                    "; check the spelling");
    }
  }
  if (options.mode == WriteMode::kUpsert && keys_.empty()) {
    return refuse(
        "upsert into " + table_ +
        " needs key columns: give them (--pk, or primary_key in a pipeline), or a table with a "
        "primary key");
  }
  return Status::success();
}

// Which values the table's columns could change.
Status Target::choose_checks(const WriterOptions& options, const Schema& schema) {
  if (options.coerce) return Status::success();
  for (InsertColumn& column : inserted_) {
    column.affinity = affinity_of(find(column.name)->declared_type, strict_);
    const ColumnType type = column.origin ? schema[*column.origin].type : ColumnType::kAny;
    if (options.parsed && column.affinity == ColumnAffinity::kText &&
        type == ColumnType::kFloat64) {
      const std::string& name = schema[*column.origin].name;
      return refuse("column " + column.name + " of table " + table_ +
                    " keeps text, but the input's are read as numbers, and 1.50 would become 1.5; "
                    "read them as text (--types " +
                    name + "=text, types = [\"" + name +
                    "=text\"]), or let the column change them (--coerce, or coerce in a pipeline)");
    }
    column.check = check_needed(type, column.affinity);
    if (column.check == ValueCheck::kNone || !column.origin) continue;
    const ColumnCheck check{*column.origin, column.check, column.affinity};
    if (options.select.empty()) {
      checks_.push_back(check);
    } else if (column.check == ValueCheck::kExceptions) {
      select_checks_.push_back(check);
    }
  }
  return Status::success();
}

void Target::choose_rowid_key(const WriterOptions& options) {
  if (!options.select.empty()) return;
  for (const InsertColumn& column : inserted_) {
    if (is_rowid_alias(*find(column.name))) rowid_key_ = column.origin;
  }
}

void Target::compose_insert(const WriterOptions& options) {
  choose_rowid_key(options);
  insert_sql_ = insert_sql(options, false);
  if (!select_checks_.empty()) checked_insert_sql_ = insert_sql(options, true);
}

// exceptions: what can be changed by them alone is looked at, too.
std::string Target::insert_sql(const WriterOptions& options, bool exceptions) const {
  std::vector<std::string> names;
  std::string values;
  for (const InsertColumn& column : inserted_) {
    names.push_back(column.name);
    const bool checked =
        !options.select.empty() && (column.check == ValueCheck::kAll ||
                                    (exceptions && column.check == ValueCheck::kExceptions));
    // Qualified: a name that isn't found would be taken for a text.
    std::string value = "given." + quote_identifier(column.name);
    if (!options.select.empty() && is_rowid_alias(*find(column.name))) {
      value = given_key(value, column.name);
    }
    values += values.empty() ? "" : ", ";
    values += checked ? exact_value(value, column.name, column.affinity) : value;
  }
  std::string sql =
      options.mode == WriteMode::kReplace ? "INSERT OR REPLACE INTO " : "INSERT INTO ";
  sql += quote_identifier(table_) + "(" + joined(names) + ") SELECT " + values + " FROM ";
  sql += options.select.empty() ? BatchTable::kName : "(" + select_ + ")";
  sql += " AS given";
  if (options.mode == WriteMode::kIgnore) sql += " WHERE true ON CONFLICT DO NOTHING";
  if (options.mode != WriteMode::kUpsert) return sql;
  // WHERE true: else the parser takes ON for a join's.
  sql += " WHERE true ON CONFLICT(" + joined(keys_) + ") DO ";
  std::string updates;
  for (const std::string& name : names) {
    if (is_key(name)) continue;
    if (!updates.empty()) updates += ", ";
    updates += quote_identifier(name) + " = excluded." + quote_identifier(name);
  }
  return sql + (updates.empty() ? "NOTHING" : "UPDATE SET " + updates);
}

bool Target::is_key(const std::string& name) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&name](const std::string& key) { return is_same_column(key, name); });
}

bool Target::updates() const {
  return !std::all_of(inserted_.begin(), inserted_.end(),
                      [this](const InsertColumn& column) { return is_key(column.name); });
}

Status Target::look_for_indexes(SqliteConnection& connection, const WriterOptions& options) {
  const bool has_key = std::any_of(columns_.begin(), columns_.end(),
                                   [](const TableColumn& c) { return c.key_place > 0; });
  if (has_key || !options.select.empty()) return Status::success();
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT EXISTS(SELECT 1 FROM pragma_index_list(?1)) OR "
      "EXISTS(SELECT 1 FROM pragma_foreign_key_list(?1)) OR "
      "EXISTS(SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)",
      statement, false);
  if (error.ok()) {
    statement.bind(1, table_);
    append_only_ = statement.step(error) && statement.int64(0) == 0;
  }
  return to_status(error, "reading the indexes of " + table_);
}

const Target::TableColumn* Target::find(std::string_view name) const {
  for (const TableColumn& column : columns_) {
    if (is_same_column(column.name, name)) return &column;
  }
  return nullptr;
}

bool Target::is_rowid_alias(const TableColumn& column) const {
  const auto keys = std::count_if(columns_.begin(), columns_.end(),
                                  [](const TableColumn& c) { return c.key_place > 0; });
  return column.key_place == 1 && keys == 1 && !without_rowid_ &&
         strcasecmp(column.declared_type.c_str(), "INTEGER") == 0;
}

}  // namespace mayfly
