#include "mayfly/storage/batch_expressions.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "mayfly/base/nearest.h"

namespace mayfly {
namespace {

// SQLite's names for the place of a row among those that it sees, unless columns have them.
constexpr std::string_view kPlaceNames[] = {"rowid", "_rowid_", "oid"};
constexpr std::string_view kPlace = "ROWID";

// A column of that very name is told from the place by the way it is written: case means nothing.
Schema with_place_apart(const Schema& schema) {
  std::vector<Column> columns(schema.columns().begin(), schema.columns().end());
  for (Column& column : columns) {
    if (column.name == kPlace) column.name = kPlaceNames[0];
  }
  return Schema(std::move(columns));
}

// What an expression may do while it is prepared. SELECT is asked for once by the statement around
// it, and again by each subquery.
struct Rules {
  int selects = 0;
  std::string refused;

  static int ask(void* self, int action, const char*, const char* detail, const char*,
                 const char*) {
    return static_cast<Rules*>(self)->ask(action, detail);
  }
  int ask(int action, const char* detail) {
    switch (action) {
      case SQLITE_READ:
        // So written where a table has no column for it, whatever the expression calls it.
        if (detail == nullptr || std::string_view(detail) != kPlace) return SQLITE_OK;
        refused =
            "expected columns that come in, found rowid, _rowid_ or oid, which depends on which "
            "rows come together";
        return SQLITE_DENY;
      case SQLITE_FUNCTION:
        return SQLITE_OK;
      case SQLITE_SELECT:
        if (++selects <= 1) return SQLITE_OK;
        refused = "a subquery depends on which rows come together";
        return SQLITE_DENY;
      default:
        refused = "only expressions over the row's columns are evaluated";
        return SQLITE_DENY;
    }
  }
};

// The column that SQLite says there isn't: "no such column: NAME" or "...: mayfly_batch.NAME";
// since 3.45 a quoted one comes with advice. Empty: it says something else.
std::string missing_column(std::string_view message) {
  constexpr std::string_view kSays = "no such column: ";
  constexpr std::string_view kAdvice = "\" - should this be a string literal in single-quotes?";
  const std::size_t at = message.rfind(kSays);
  if (at == message.npos) return "";
  std::string_view name = message.substr(at + kSays.size());
  if (name.starts_with('"') && name.ends_with(kAdvice)) {
    return std::string(name.substr(1, name.size() - 1 - kAdvice.size()));
  }
  const std::string qualified = std::string(BatchTable::kName) + '.';
  if (name.starts_with(qualified)) name.remove_prefix(qualified.size());
  return std::string(name);
}

// With the column that was probably meant.
Status with_nearest(Status status, const Schema& schema) {
  const std::string missing = status.ok() ? "" : missing_column(status.message());
  if (missing.empty()) return status;
  std::vector<std::string_view> names;
  for (const Column& column : schema.columns()) names.push_back(column.name);
  const std::string_view meant = nearest(missing, names);
  if (meant.empty()) return status;
  return {status.code(), status.message() + "; did you mean \"" + std::string(meant) + "\"?"};
}

std::string listed(std::span<const std::string> expressions) {
  std::string list;
  for (const std::string& expression : expressions) {
    list.append(list.empty() ? "(" : ", (").append(expression).append("\n)");
  }
  return list;
}

std::string_view bytes_of(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const int size = sqlite3_column_bytes(statement, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

// Beyond them a double isn't each integer any more.
constexpr std::int64_t kWholeMax = 1ll << 53;

bool is_whole(double value) {
  return std::fabs(value) <= static_cast<double>(kWholeMax) && value == std::trunc(value);
}

using Digits = std::array<char, 32>;

// As SQLite writes a value where text is meant, but for a real of which its 15 digits are another
// one's: then as many as it has, into `digits`.
std::string_view text_of(sqlite3_stmt* statement, int column, Digits& digits) {
  const bool is_real = sqlite3_column_type(statement, column) == SQLITE_FLOAT;
  const double value = is_real ? sqlite3_column_double(statement, column) : 0;
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  if (data == nullptr) return {};
  const std::string_view text(data,
                              static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  if (!is_real || !std::isfinite(value)) return text;
  double read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  if (read == value) return text;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

}  // namespace

BatchExpressions::BatchExpressions(const Schema& schema)
    : schema_(with_place_apart(schema)), table_(schema_) {}

Result<std::unique_ptr<RowExpressions>> BatchExpressions::make(
    const Schema& schema, std::span<const std::string> expressions) {
  std::unique_ptr<BatchExpressions> made(new BatchExpressions(schema));
  MAYFLY_RETURN_IF_ERROR(made->prepare(expressions));
  return std::unique_ptr<RowExpressions>(std::move(made));
}

Status BatchExpressions::check_without_columns(const std::string& expression) {
  // SQLite names the columns that it misses one by one, and reads on once they are there.
  constexpr std::size_t kColumnsMax = 2000;
  std::vector<Column> columns;
  // It doesn't miss these.
  for (const std::string_view name : kPlaceNames) {
    columns.push_back({.name = std::string(name), .type = ColumnType::kAny});
  }
  Status checked;
  while (columns.size() <= kColumnsMax) {
    BatchExpressions trial{Schema(columns)};
    MAYFLY_RETURN_IF_ERROR(trial.open());
    checked = trial.check(expression);
    const std::string missing = checked.ok() ? "" : missing_column(checked.message());
    const bool is_new =
        !missing.empty() && std::ranges::find(columns, missing, &Column::name) == columns.end();
    if (!is_new) break;
    columns.push_back({.name = missing, .type = ColumnType::kAny});
  }
  return checked;
}

Status BatchExpressions::open() {
  SqliteError error = SqliteConnection::open(":memory:", {}, connection_);
  // A column's name that is misspelt between double quotes is no text.
  if (error.ok()) sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  if (error.ok()) error = table_.attach(connection_);
  // The table declares itself at its first use, which the rules below would refuse.
  if (error.ok()) error = connection_.run(std::string("SELECT 1 FROM ") + BatchTable::kName);
  return to_status(error, "evaluating expressions");
}

Status BatchExpressions::prepare(std::span<const std::string> expressions) {
  MAYFLY_RETURN_IF_ERROR(open());
  for (const std::string& expression : expressions) {
    MAYFLY_RETURN_IF_ERROR(with_nearest(check(expression), schema_));
  }
  const std::string from = std::string(" FROM ") + BatchTable::kName;
  SqliteError error = connection_.prepare("SELECT " + listed(expressions.first(1)) + from, first_);
  if (error.ok()) error = connection_.prepare("SELECT " + listed(expressions) + from, all_);
  return to_status(error, "preparing expressions");
}

Status BatchExpressions::check(const std::string& expression) {
  const auto refuse = [&](const std::string& why) {
    return Status(Code::kConfig, "the expression \"" + expression + "\": " + why);
  };
  if (expression.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Status(Code::kConfig, "expected an SQL expression, found a blank one");
  }
  if (expression.find('\0') != std::string::npos) return refuse("expected text without NUL bytes");
  SqliteStatement statement;
  // Aggregates have no place in a WHERE. The line's end closes a comment.
  MAYFLY_RETURN_IF_ERROR(read_as("(" + expression + "\n)", statement, refuse));
  // "1) OR (1" fits there, but not where no parenthesis is open; "1 THEN 2 WHEN 3" the other way
  // round.
  const auto refuse_parts = [&](const std::string&) {
    return refuse(
        "expected one expression by itself, found parentheses that close what it doesn't open");
  };
  MAYFLY_RETURN_IF_ERROR(
      read_as("CASE WHEN " + expression + "\nTHEN 1 END", statement, refuse_parts));
  if (sqlite3_bind_parameter_count(statement.get()) > 0) {
    return refuse("parameters have no values here");
  }
  return {};
}

Status BatchExpressions::read_as(const std::string& condition, SqliteStatement& statement,
                                 FunctionRef<Status(const std::string&)> refuse) {
  Rules rules;
  const auto before = connection_.exchange_authorizer({&Rules::ask, &rules});
  std::string_view rest;
  const std::string sql = std::string("SELECT 1 FROM ") + BatchTable::kName + " WHERE " + condition;
  const SqliteError error = connection_.prepare(sql, statement, false, &rest);
  connection_.exchange_authorizer(before);
  if (!rules.refused.empty()) return refuse(rules.refused);
  if (!error.ok()) return refuse(error.message);
  // "1) UNION SELECT (2" and "1); DROP TABLE x; --" are no expressions, either.
  if (!rest.empty()) return refuse("expected one expression, found more behind it");
  return {};
}

void BatchExpressions::begin(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
                             std::size_t first) {
  if (first == 0) {
    window_.clear();
    for (const std::uint16_t row : rows) window_.push_back(make_ref(batch.id, row));
  }
  table_.set_batch(batch);
  table_.set_window(std::span<const RowRef>(window_).subspan(first));
}

Status BatchExpressions::test(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
                              std::uint8_t* truth) {
  // A row that can't be evaluated ends the statement; it goes on behind that one.
  for (std::size_t next = 0; next < rows.size();) {
    begin(batch, rows, next);
    SqliteError error;
    while (first_.step(error)) {
      if (next == rows.size()) return {Code::kInternal, "an expression gave more rows than it got"};
      sqlite3_stmt* const statement = first_.get();
      truth[next++] = sqlite3_column_type(statement, 0) == SQLITE_NULL ? MAYFLY_NULL
                      : sqlite3_column_double(statement, 0) != 0       ? MAYFLY_TRUE
                                                                       : MAYFLY_FALSE;
    }
    first_.reset();
    if (error.ok()) break;
    if (error.primary() == SQLITE_NOMEM || next == rows.size()) {
      return to_status(error, "evaluating an expression");
    }
    last_error_ = error.message;
    truth[next++] = MAYFLY_ERROR;
  }
  return {};
}

bool BatchExpressions::put(mayfly_batch& out, int column) const {
  sqlite3_stmt* const statement = all_.get();
  const auto c = static_cast<std::uint32_t>(column);
  const std::int32_t wanted = out.columns[c].type;
  const int found = sqlite3_column_type(statement, column);
  const bool any = wanted == MAYFLY_ANY;
  const bool integer =
      wanted == MAYFLY_INT64 || wanted == MAYFLY_BOOL || wanted == MAYFLY_TIMESTAMP;
  switch (found) {
    case SQLITE_NULL:
      return true;
    case SQLITE_INTEGER: {
      const std::int64_t value = sqlite3_column_int64(statement, column);
      if (any) put_kind(out, c, MAYFLY_INT64);
      if (any || integer) {
        put_int64(out, c, value);
        return true;
      }
      if (wanted == MAYFLY_FLOAT64 && value >= -kWholeMax && value <= kWholeMax) {
        put_float64(out, c, static_cast<double>(value));
        return true;
      }
      break;
    }
    case SQLITE_FLOAT: {
      const double value = sqlite3_column_double(statement, column);
      if (any) put_kind(out, c, MAYFLY_FLOAT64);
      if (any || wanted == MAYFLY_FLOAT64) {
        put_float64(out, c, value);
        return true;
      }
      if (integer && is_whole(value)) {
        put_int64(out, c, static_cast<std::int64_t>(value));
        return true;
      }
      break;
    }
    case SQLITE_TEXT:
      if (any) put_kind(out, c, MAYFLY_TEXT);
      if (any || wanted == MAYFLY_TEXT || wanted == MAYFLY_JSON) {
        return put_text(out, c, bytes_of(statement, column));
      }
      break;
    default:
      if (any) put_kind(out, c, MAYFLY_BLOB);
      if (any || wanted == MAYFLY_BLOB) return put_text(out, c, bytes_of(statement, column));
  }
  Digits digits;
  return put_exception(out, c, text_of(statement, column, digits));
}

std::uint64_t BatchExpressions::text_bytes() const {
  std::uint64_t bytes = 0;
  for (int i = 0; i < all_.column_count(); ++i) {
    // Numbers may go into a column of text.
    bytes += sqlite3_column_type(all_.get(), i) < SQLITE_TEXT
                 ? 32u
                 : static_cast<std::uint64_t>(sqlite3_column_bytes(all_.get(), i));
  }
  return bytes;
}

bool BatchExpressions::append(const mayfly_batch& batch, std::uint16_t row, mayfly_batch& out,
                              FunctionRef<bool(std::uint64_t)> reserve) const {
  if (!has_room_for_row(out)) return false;
  if (const std::uint64_t bytes = text_bytes(); bytes > heap_left(out)) {
    if (out.rows > 0 || !reserve(bytes)) return false;
  }
  const std::uint32_t heap_used = out.heap_used;
  for (int i = 0; i < all_.column_count(); ++i) {
    if (put(out, i)) continue;
    abandon_row(out, heap_used);
    return false;
  }
  commit_row(out, {batch.ordinal[row], batch.byte_end[row], batch.line[row]});
  return true;
}

Result<std::uint32_t> BatchExpressions::fill(const mayfly_batch& batch,
                                             std::span<const std::uint16_t> rows, mayfly_batch& out,
                                             std::uint8_t* truth,
                                             FunctionRef<bool(std::uint64_t)> reserve) {
  std::uint32_t next = 0;
  while (next < rows.size()) {
    begin(batch, rows, next);
    SqliteError error;
    bool full = false;
    while (!full && all_.step(error)) {
      if (append(batch, rows[next], out, reserve)) {
        truth[next++] = MAYFLY_TRUE;
      } else if (out.rows == 0 && has_room_for_row(out)) {
        last_error_ = "no batch has room for what is made of it";
        truth[next++] = MAYFLY_ERROR;
      } else {
        full = true;
      }
    }
    all_.reset();
    if (full || error.ok()) break;
    if (error.primary() == SQLITE_NOMEM) return to_status(error, "evaluating expressions");
    last_error_ = error.message;
    truth[next++] = MAYFLY_ERROR;
  }
  return next;
}

}  // namespace mayfly
