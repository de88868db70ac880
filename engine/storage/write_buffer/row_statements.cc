#include "mayfly/storage/write_buffer/row_statements.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace mayfly {
namespace {

constexpr std::size_t kVariablesMax = 32'000;  // SQLite's own limit is 32,766

// Parameters have the numbers of the row's columns, from 1, so that a statement may use some.
std::string parameter(std::size_t column) { return "?" + std::to_string(column + 1); }

std::string quoted_keys(const RowShape& shape) {
  std::string list;
  for (std::size_t i = 0; i < shape.keys(); ++i) {
    if (i != 0) list += ", ";
    list += quote_identifier(shape.names[i]);
  }
  return list;
}

std::string where_key(const RowShape& shape) {
  std::string condition = " WHERE ";
  for (std::size_t i = 0; i < shape.keys(); ++i) {
    if (i != 0) condition += " AND ";
    condition += quote_identifier(shape.names[i]) + " IS " + parameter(i);
  }
  return condition;
}

constexpr auto all = [](std::size_t) { return true; };

std::string insert_sql(const RowShape& shape, std::size_t rows,
                       FunctionRef<bool(std::size_t)> chooses) {
  std::string columns;
  std::string values;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    if (i >= shape.keys() && !chooses(i)) continue;
    columns += (i == 0 ? "" : ", ") + quote_identifier(shape.names[i]);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    values += row == 0 ? "(" : "), (";
    for (std::size_t i = 0; i < shape.names.size(); ++i) {
      if (i >= shape.keys() && !chooses(i)) continue;
      values += (i == 0 ? "" : ", ") + parameter(row * shape.names.size() + i);
    }
  }
  return "INSERT INTO " + quote_identifier(shape.space->table->name) + "(" + columns + ") VALUES " +
         values + ")";
}

std::string upsert_sql(const RowShape& shape, std::size_t rows,
                       FunctionRef<bool(std::size_t)> chooses) {
  std::string sets;
  for (std::size_t i = shape.keys(); i < shape.names.size(); ++i) {
    if (!chooses(i)) continue;
    const std::string name = quote_identifier(shape.names[i]);
    sets += (sets.empty() ? "" : ", ") + name + " = excluded." + name;
  }
  return insert_sql(shape, rows, chooses) + " ON CONFLICT(" + quoted_keys(shape) + ") DO " +
         (sets.empty() ? "NOTHING" : "UPDATE SET " + sets);
}

// Without any column to set the key is set to itself: then it can be seen whether there is a row.
std::string update_sql(const RowShape& shape, FunctionRef<bool(std::size_t)> chooses) {
  std::string sets;
  for (std::size_t i = shape.keys(); i < shape.names.size(); ++i) {
    if (!chooses(i)) continue;
    sets += (sets.empty() ? "" : ", ") + quote_identifier(shape.names[i]) + " = " + parameter(i);
  }
  if (sets.empty()) {
    const std::string key = quote_identifier(shape.names.front());
    sets = key + " = " + key;
  }
  return "UPDATE " + quote_identifier(shape.space->table->name) + " SET " + sets + where_key(shape);
}

std::string delete_sql(const RowShape& shape) {
  return "DELETE FROM " + quote_identifier(shape.space->table->name) + where_key(shape);
}

}  // namespace

std::size_t RowStatements::rows_of_statement(const RowShape& shape) {
  return std::clamp<std::size_t>(kVariablesMax / shape.columns.size(), 1, kRowsMax);
}

bool RowStatements::has_null_key(const PendingRow& row) const {
  const auto cells = rows_.cells(row).first(row.shape->keys());
  return std::any_of(cells.begin(), cells.end(),
                     [](const RowCell& cell) { return cell.kind == Value::Kind::kNull; });
}

bool RowStatements::joins_others(const PendingRow& row) const {
  return row.op == RowOp::kUpsert && !has_null_key(row);
}

RowStatements::Prepared RowStatements::prepare(const RowShape& shape, Form form,
                                               const std::string& sql) const {
  Prepared made{.shape = &shape, .form = form, .statement = {}, .refusal = {}};
  auto prepared = session_.prepare(sql, "writing to '" + shape.space->table->name + "'");
  if (prepared.ok()) {
    made.statement = std::move(*prepared);
  } else {
    made.refusal = prepared.error();
  }
  return made;
}

RowStatements::Prepared& RowStatements::prepared(const RowShape& shape, Form form) {
  const auto is_it = [&](const Prepared& one) { return one.shape == &shape && one.form == form; };
  if (last_ != nullptr && is_it(*last_)) return *last_;
  const auto found = std::find_if(prepared_.begin(), prepared_.end(), is_it);
  if (found != prepared_.end()) return *(last_ = &*found);
  std::string sql;
  switch (form) {
    case Form::kUpsert:
      sql = upsert_sql(shape, 1, all);
      break;
    case Form::kUpsertMany:
      sql = upsert_sql(shape, rows_of_statement(shape), all);
      break;
    case Form::kInsert:
      sql = insert_sql(shape, 1, all);
      break;
    case Form::kUpdate:
      sql = update_sql(shape, all);
      break;
    case Form::kDelete:
      sql = delete_sql(shape);
      break;
  }
  return *(last_ = &prepared_.emplace_back(prepare(shape, form, sql)));
}

int RowStatements::bind(sqlite3_stmt* statement, int first, const PendingRow& row) const {
  const int count = sqlite3_bind_parameter_count(statement);
  int code = SQLITE_OK;
  int at = first;
  for (const RowCell& cell : rows_.cells(row)) {
    if (++at > count || code != SQLITE_OK) break;
    const Value value = rows_.value(cell);
    // A null pointer would be NULL.
    const char* const text = cell.size == 0 ? "" : value.text().data();
    switch (cell.kind) {
      case Value::Kind::kNull:
        code = sqlite3_bind_null(statement, at);
        break;
      case Value::Kind::kInt64:
        code = sqlite3_bind_int64(statement, at, cell.int64);
        break;
      case Value::Kind::kFloat64:
        code = sqlite3_bind_double(statement, at, cell.float64);
        break;
      case Value::Kind::kText:
        code = sqlite3_bind_text64(statement, at, text, cell.size, SQLITE_STATIC, SQLITE_UTF8);
        break;
      case Value::Kind::kBlob:
        code = sqlite3_bind_blob64(statement, at, text, cell.size, SQLITE_STATIC);
        break;
    }
  }
  return code;
}

DbResult<void> RowStatements::step(Prepared& prepared) {
  sqlite3_stmt* const statement = prepared.statement.get();
  // Those of triggers count, too, and what is written in a view's place.
  const sqlite3_int64 before = sqlite3_total_changes64(db_);
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement);
    return {};
  }
  // A statement that undid itself may be counted as well: that only costs another look.
  half_done_ = half_done_ || sqlite3_total_changes64(db_) != before;
  DbError error = to_db_error(db_, code);
  error.message = "writing to '" + prepared.shape->space->table->name + "': " + error.message;
  sqlite3_reset(statement);
  return error;
}

DbResult<void> RowStatements::run(Prepared& prepared, const PendingRow& row) {
  if (prepared.refusal) return *prepared.refusal;
  const int code = bind(prepared.statement.get(), 0, row);
  if (code != SQLITE_OK) return to_db_error(db_, code);
  return step(prepared);
}

DbResult<void> RowStatements::run_once(const RowShape& shape, Form form, const std::string& sql,
                                       const PendingRow& row) {
  Prepared once = prepare(shape, form, sql);
  return run(once, row);
}

DbResult<void> RowStatements::upsert_together(std::span<const RowRef> rows) {
  const RowShape& shape = *rows_.row(rows.front()).shape;
  Prepared& many = prepared(shape, Form::kUpsertMany);
  if (many.refusal) return *many.refusal;
  int first = 0;
  for (const RowRef row : rows) {
    const int code = bind(many.statement.get(), first, rows_.row(row));
    if (code != SQLITE_OK) return to_db_error(db_, code);
    first += static_cast<int>(shape.columns.size());
  }
  return step(many);
}

DbResult<void> RowStatements::update_or_insert(const PendingRow& row, Chooses chooses) {
  const RowShape& shape = *row.shape;
  auto done = run_once(shape, Form::kUpdate, update_sql(shape, chooses), row);
  if (!done.ok() || sqlite3_changes(db_) != 0) return done;
  return run_once(shape, Form::kInsert, insert_sql(shape, 1, chooses), row);
}

DbResult<void> RowStatements::update_then_upsert(const PendingRow& row) {
  const RowShape& shape = *row.shape;
  const auto cells = rows_.cells(row);
  const auto updates = [&](std::size_t i) { return cells[i].updates_only; };
  const auto upserts = [&](std::size_t i) { return !cells[i].updates_only; };
  auto done = run_once(shape, Form::kUpdate, update_sql(shape, updates), row);
  if (!done.ok()) return done;
  if (has_null_key(row)) return update_or_insert(row, upserts);
  return run_once(shape, Form::kUpsert, upsert_sql(shape, 1, upserts), row);
}

DbResult<void> RowStatements::write(const PendingRow& row) {
  switch (row.op) {
    case RowOp::kUpsert:
      if (has_null_key(row)) return update_or_insert(row, all);
      return run(prepared(*row.shape, Form::kUpsert), row);
    case RowOp::kUpdate:
      return run(prepared(*row.shape, Form::kUpdate), row);
    case RowOp::kDelete:
      return run(prepared(*row.shape, Form::kDelete), row);
    case RowOp::kReplace: {
      auto done = run(prepared(*row.shape, Form::kDelete), row);
      if (!done.ok()) return done;
      return run(prepared(*row.shape, Form::kInsert), row);
    }
    case RowOp::kUpdateUpsert:
      return update_then_upsert(row);
  }
  return {};
}

}  // namespace mayfly
