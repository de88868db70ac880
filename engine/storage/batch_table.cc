#include "mayfly/storage/batch_table.h"

#include <sqlite3.h>

#include <charconv>
#include <cstring>
#include <new>

#include "mayfly/data/uniform.h"

namespace mayfly {

// SQLite's cursor; also what reads cells. The table's fields are copied here at xFilter, so that
// the hot calls touch one object.
struct BatchCursor {
  using PlainColumn = BatchTable::PlainColumn;

  sqlite3_vtab_cursor base;  // first: SQLite hands out its address
  BatchTable* table = nullptr;
  const mayfly_batch* batch = nullptr;
  const RowRef* next = nullptr;
  const RowRef* end = nullptr;
  std::uint32_t batch_id = 0;
  std::uint32_t row = 0;
  std::uint32_t plain_columns = 0;  // of plain, known for this batch
  PlainColumn* plain = nullptr;     // null: every cell is looked at

  void use_plain_columns() { plain = table->plain_.data(); }
  void rewind() {
    next = table->rows_.data();
    end = next + table->rows_.size();
    table->position_ = 0;
    table->scanned_ = true;
    batch = nullptr;
    if (next != end) load();
  }
  void advance() {
    ++table->position_;
    if (++next != end) load();
  }
  void load() {
    const RowRef ref = *next;
    row = row_of(ref);
    if (batch == nullptr || batch_id != batch_of(ref)) enter(batch_of(ref));
  }
  void enter(std::uint32_t id) {
    // Worth it where this many rows of the batch follow.
    constexpr std::ptrdiff_t kRowsMin = 32;
    batch_id = id;
    batch = table->batch(id);
    plain_columns = 0;
    if (plain == nullptr || end - next < kRowsMin || batch_of(next[kRowsMin - 1]) != id) return;
    plain_columns = batch->column_count;
    for (std::uint32_t i = 0; i < plain_columns; ++i) {
      plain[i] = BatchTable::plain_column(batch->columns[i], batch->rows);
    }
  }
};

BatchTable::PlainColumn BatchTable::plain_column(const mayfly_column& column, std::uint32_t rows) {
  using Cells = PlainColumn::Cells;
  const std::uint32_t words = (rows + 63) / 64;
  if (!all_set(column.valid, rows) || !all_are(column.exceptions, words, std::uint64_t{0})) {
    return {};
  }
  switch (column.type) {
    case MAYFLY_INT64:
    case MAYFLY_BOOL:
    case MAYFLY_TIMESTAMP:
      return {Cells::kInteger, column.cells};
    case MAYFLY_FLOAT64:
      return {Cells::kReal, column.cells};
    case MAYFLY_TEXT:
    case MAYFLY_JSON:
      return {Cells::kText, column.cells};
    case MAYFLY_BLOB:
      return {Cells::kBlob, column.cells};
    default:
      return {};
  }
}

// What a statement holds on to. It may live longer than the table: in a cache of whoever else uses
// the connection.
struct BatchVtab {
  sqlite3_vtab base;  // first: SQLite hands out its address
  BatchTable* table;  // nullptr: gone
  BatchVtab* next;    // of the table's
  BatchCursor spare;  // a statement opens one cursor anew each time it runs
  bool spare_is_taken;

  static void link(BatchTable& table, BatchVtab& vtab) {
    vtab.next = table.vtabs_;
    table.vtabs_ = &vtab;
  }
  static void unlink(BatchVtab& vtab) {
    if (vtab.table == nullptr) return;
    BatchVtab** place = &vtab.table->vtabs_;
    while (*place != &vtab) place = &(*place)->next;
    *place = vtab.next;
  }
  static void forget_all(BatchVtab*& first) {
    for (BatchVtab* vtab = first; vtab != nullptr; vtab = vtab->next) vtab->table = nullptr;
    first = nullptr;
  }
};

namespace {

BatchCursor* cursor_of(sqlite3_vtab_cursor* base) { return reinterpret_cast<BatchCursor*>(base); }

constexpr const char* kHidden[] = {"_ordinal", "_source", "_line", "_byte_end"};

const char* sql_type(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      return " INTEGER";
    case ColumnType::kFloat64:
      return " REAL";
    case ColumnType::kText:
    case ColumnType::kJson:
      return " TEXT";
    case ColumnType::kBlob:
    case ColumnType::kAny:
      break;
  }
  return " BLOB";  // has the affinity of no type: none
}

// Behind a column's type, before its number.
constexpr std::string_view kNumberMark = " mayfly_batch(";

int connect(sqlite3* db, void* client, int, const char* const*, sqlite3_vtab** out, char**) {
  auto* table = static_cast<BatchTable*>(client);
  const int code = sqlite3_declare_vtab(db, table->declaration().c_str());
  if (code != SQLITE_OK) return code;
  auto* vtab = new (std::nothrow) BatchVtab{{}, table, nullptr, {}, false};
  if (vtab == nullptr) return SQLITE_NOMEM;
  BatchVtab::link(*table, *vtab);
  *out = &vtab->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* base) {
  auto* vtab = reinterpret_cast<BatchVtab*>(base);
  BatchVtab::unlink(*vtab);
  delete vtab;
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  info->estimatedCost = 1000;
  info->estimatedRows = 1000;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab* base, sqlite3_vtab_cursor** out) {
  auto* vtab = reinterpret_cast<BatchVtab*>(base);
  if (vtab->table == nullptr) {
    vtab->base.zErrMsg = sqlite3_mprintf("no such table: %s", BatchTable::kName);
    return SQLITE_ERROR;
  }
  BatchCursor* cursor = &vtab->spare;
  if (vtab->spare_is_taken) {
    cursor = new (std::nothrow) BatchCursor;
    if (cursor == nullptr) return SQLITE_NOMEM;
  }
  vtab->spare_is_taken = true;
  *cursor = {};
  cursor->table = vtab->table;
  if (cursor == &vtab->spare) cursor->use_plain_columns();
  *out = &cursor->base;
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  auto* vtab = reinterpret_cast<BatchVtab*>(cursor->pVtab);
  if (cursor_of(cursor) == &vtab->spare) {
    vtab->spare_is_taken = false;
  } else {
    delete cursor_of(cursor);
  }
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  cursor_of(cursor)->rewind();
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  cursor_of(cursor)->advance();
  return SQLITE_OK;
}

int eof(sqlite3_vtab_cursor* cursor) {
  const BatchCursor* c = cursor_of(cursor);
  return c->next == c->end;
}

void meta_column(const BatchCursor& c, sqlite3_context* context, std::uint32_t which) {
  const mayfly_batch& batch = *c.batch;
  switch (which) {
    case 0:
      return sqlite3_result_int64(context, static_cast<sqlite3_int64>(batch.ordinal[c.row]));
    case 1:
      return sqlite3_result_int64(context, batch.source[c.row]);
    case 2:
      return sqlite3_result_int64(context, static_cast<sqlite3_int64>(batch.line[c.row]));
    default:
      return sqlite3_result_int64(context, static_cast<sqlite3_int64>(batch.byte_end[c.row]));
  }
}

void text_result(const BatchCursor& c, sqlite3_context* context, mayfly_span span) {
  sqlite3_result_text64(context, c.batch->heap + span.offset, span.size, SQLITE_STATIC,
                        SQLITE_UTF8);
}

void blob_result(const BatchCursor& c, sqlite3_context* context, mayfly_span span) {
  sqlite3_result_blob64(context, c.batch->heap + span.offset, span.size, SQLITE_STATIC);
}

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
  using Cells = BatchCursor::PlainColumn::Cells;
  const BatchCursor& c = *cursor_of(cursor);
  if (static_cast<std::uint32_t>(index) < c.plain_columns) {
    const BatchCursor::PlainColumn& plain = c.plain[index];
    switch (plain.kind) {
      case Cells::kInteger:
        sqlite3_result_int64(context, plain.cells[c.row].i64);
        return SQLITE_OK;
      case Cells::kReal:
        sqlite3_result_double(context, plain.cells[c.row].f64);
        return SQLITE_OK;
      case Cells::kText:
        text_result(c, context, plain.cells[c.row].span);
        return SQLITE_OK;
      case Cells::kBlob:
        blob_result(c, context, plain.cells[c.row].span);
        return SQLITE_OK;
      case Cells::kAsk:
        break;
    }
  }
  if (static_cast<std::uint32_t>(index) >= c.batch->column_count) {
    meta_column(c, context, static_cast<std::uint32_t>(index) - c.batch->column_count);
    return SQLITE_OK;
  }
  const mayfly_column& column = c.batch->columns[index];
  if (is_null(column, c.row)) return SQLITE_OK;  // the result is NULL already
  const mayfly_cell& cell = column.cells[c.row];
  if (is_exception(column, c.row)) {
    text_result(c, context, cell.span);
    return SQLITE_OK;
  }
  switch (kind_of(column, c.row)) {
    case MAYFLY_INT64:
    case MAYFLY_BOOL:
    case MAYFLY_TIMESTAMP:
      sqlite3_result_int64(context, cell.i64);
      break;
    case MAYFLY_FLOAT64:
      sqlite3_result_double(context, cell.f64);
      break;
    case MAYFLY_BLOB:
      blob_result(c, context, cell.span);
      break;
    default:
      text_result(c, context, cell.span);
      break;
  }
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(*cursor_of(cursor)->next);
  return SQLITE_OK;
}

// No xCreate: the table is there without CREATE VIRTUAL TABLE, and can't be created by one.
constexpr sqlite3_module kModule = [] {
  sqlite3_module module{};
  module.xConnect = connect;
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xOpen = open_cursor;
  module.xClose = close_cursor;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = eof;
  module.xColumn = column;
  module.xRowid = rowid;
  return module;
}();

}  // namespace

BatchTable::BatchTable(const Schema& schema, BatchPool* pool)
    : schema_(schema), pool_(pool), plain_(schema.size()) {
  std::uint32_t number = 0;
  declaration_ = "CREATE TABLE x(";
  for (const Column& column : schema_.columns()) {
    if (declaration_.back() != '(') declaration_ += ", ";
    declaration_ += quote_identifier(column.name);
    declaration_ += sql_type(column.type);
    declaration_.append(kNumberMark).append(std::to_string(number++)).append(")");
  }
  // SQLite's limit, unless it was built with another: there the rows go without what describes
  // them.
  constexpr std::uint32_t kColumnsMax = 2000;
  if (schema_.size() + std::size(kHidden) <= kColumnsMax) {
    for (std::string name : kHidden) {
      // The place stays, so that column numbers don't move.
      while (schema_.find(name).has_value()) name.insert(0, "mayfly");
      if (declaration_.back() != '(') declaration_ += ", ";
      declaration_ += quote_identifier(name);
      declaration_ += " HIDDEN";
    }
  }
  declaration_ += ')';
}

std::optional<std::uint32_t> BatchTable::column_of(std::string_view declared_type) {
  const std::size_t mark = declared_type.find(kNumberMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const char* const begin = declared_type.data() + mark + kNumberMark.size();
  std::uint32_t number = 0;
  const auto end = std::from_chars(begin, declared_type.data() + declared_type.size(), number);
  return end.ec == std::errc() ? std::optional(number) : std::nullopt;
}

SqliteError BatchTable::attach(SqliteConnection& connection) {
  const int code = sqlite3_create_module(connection.get(), kName, &kModule, this);
  if (code != SQLITE_OK) return connection.last_error();
  connection_ = &connection;
  return {};
}

BatchTable::~BatchTable() { BatchVtab::forget_all(vtabs_); }

void BatchTable::detach() {
  if (connection_ != nullptr) sqlite3_create_module(connection_->get(), kName, nullptr, nullptr);
  connection_ = nullptr;
  BatchVtab::forget_all(vtabs_);
}

}  // namespace mayfly
