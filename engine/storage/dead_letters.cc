#include "mayfly/storage/dead_letters.h"

#include <initializer_list>

#include "mayfly/data/row_json.h"
#include "mayfly/storage/progress.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {
namespace {

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS mayfly_dead_letters("
    "id INTEGER PRIMARY KEY, at TEXT, source TEXT, ordinal INTEGER, line INTEGER, node TEXT, "
    "code TEXT, reason TEXT, columns TEXT, raw BLOB, target TEXT, attempts INTEGER, "
    "format INTEGER)";
constexpr const char* kFormats =
    "CREATE TABLE IF NOT EXISTS mayfly_record_formats("
    "id INTEGER PRIMARY KEY, format TEXT NOT NULL UNIQUE)";
// Tables that are older haven't it.
constexpr const char* kHasFormat =
    "SELECT count(*) FROM pragma_table_info('mayfly_dead_letters') WHERE name = 'format' COLLATE "
    "NOCASE";
constexpr std::uint64_t kHeadBytes = 64 << 10;

std::uint64_t bytes_of(const mayfly_batch& batch, std::uint32_t row) {
  std::uint64_t bytes = 0;
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    const mayfly_column& column = batch.columns[c];
    if (is_null(column, row)) continue;
    const std::int32_t kind = kind_of(column, row);
    const bool is_span = is_exception(column, row) || kind == MAYFLY_TEXT || kind == MAYFLY_BLOB ||
                         kind == MAYFLY_JSON;
    if (is_span) bytes += column.cells[row].span.size;
  }
  return bytes;
}

// Its raw and message were filled in place of values.
bool is_error_row(const mayfly_batch& batch, std::uint32_t row) {
  return batch.raw[row].size > 0 || batch.message[row].size > 0;
}

// One JSON object of all of them; empty ones have nothing to say.
std::string joined(std::initializer_list<std::string_view> objects) {
  std::string whole;
  for (const std::string_view object : objects) {
    if (object.empty()) continue;
    if (whole.empty()) {
      whole = object;
    } else {
      whole.back() = ',';
      whole += object.substr(1);
    }
  }
  return whole;
}

}  // namespace

SqliteError DeadLetters::put(SqliteConnection& connection, RowRef ref) {
  const mayfly_batch& batch = *context_.pool.batch(ref);
  const std::uint16_t row = row_of(ref);
  const std::uint16_t judge = batch.judge[row];
  const std::uint16_t reason = batch.reason[row];
  std::string_view text;
  if (is_error_row(batch, row)) text = text_at(batch, batch.message[row]);
  if (text.empty()) text = context_.names.text(judge, reason);
  return put(connection, {ref, context_.names.node(judge), context_.names.code(judge, reason), text,
                          context_.names.schema(judge), context_.names.ahead(judge)});
}

SqliteError DeadLetters::put(SqliteConnection& connection, const Rejection& rejection,
                             std::string_view text) {
  return put(connection, {rejection.row, writer_, code_of(rejection.reason), text});
}

SqliteError DeadLetters::put(SqliteConnection& connection, const Letter& letter) {
  if (!insert_ || connection_ != &connection) {
    if (SqliteError error = prepare(connection); !error.ok()) return error;
  }
  const mayfly_batch& batch = *context_.pool.batch(letter.row);
  const std::uint16_t row = row_of(letter.row);
  const std::string at = iso8601(context_.clock.wall_us());
  const Origin origin = origin_of(letter.row);
  const std::string& source = context_.progress.key(origin.batch->source[origin.row]);
  for (int parameter = 1; parameter <= 12; ++parameter) insert_.bind_null(parameter);
  insert_.bind(1, at);
  if (!source.empty()) {
    insert_.bind(2, source);
    insert_.bind(3, static_cast<std::int64_t>(origin.batch->ordinal[origin.row]));
    const auto line = static_cast<std::int64_t>(origin.batch->line[origin.row]);
    if (line > 0) insert_.bind(4, line);
  }
  std::string format;
  insert_.bind(5, letter.node).bind(6, letter.code).bind(7, letter.reason);
  if (is_error_row(batch, row)) {
    insert_.bind_blob(9, text_at(batch, batch.raw[row]).substr(0, kHeadBytes));
    format = joined({context_.progress.record_format(origin.batch->source[origin.row]),
                     select_json_, letter.ahead});
  } else {
    // What is too large for the table is too large for a dead letter. Escapes may take six times
    // the bytes of a text.
    const bool cut = bytes_of(batch, row) > row_bytes_max_ / 6;
    columns_.clear();
    const Schema& schema = letter.schema != nullptr ? *letter.schema : context_.schema;
    append_row_json(schema, batch, row, cut ? kHeadBytes : UINT64_MAX, columns_);
    insert_.bind(8, columns_);
    format = joined({letter.schema == nullptr ? select_json_ : std::string_view(), letter.ahead});
  }
  std::int64_t format_id = 0;
  if (SqliteError error = store_format(connection, format, format_id); !error.ok()) return error;
  if (format_id != 0) insert_.bind(12, format_id);
  insert_.bind(10, target_).bind(11, static_cast<std::int64_t>(batch.attempt[row]));
  return insert_.run();
}

SqliteError DeadLetters::prepare(SqliteConnection& connection) {
  if (SqliteError error = connection.run(kTable); !error.ok()) return error;
  std::string has_format;
  SqliteError error = connection.query_text(kHasFormat, has_format);
  if (error.ok() && has_format == "0") {
    error = connection.run("ALTER TABLE mayfly_dead_letters ADD COLUMN format INTEGER");
  }
  if (!error.ok()) return error;
  connection_ = &connection;
  return connection.prepare(
      "INSERT INTO mayfly_dead_letters(at, source, ordinal, line, node, code, reason, columns, "
      "raw, target, attempts, format) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
      insert_);
}

SqliteError DeadLetters::store_format(SqliteConnection& connection, const std::string& format,
                                      std::int64_t& id) {
  id = 0;
  if (format.empty()) return {};
  if (const auto known = formats_.find(format); known != formats_.end()) {
    id = known->second;
    return {};
  }
  SqliteStatement statement;
  SqliteError error = connection.run(kFormats);
  for (const char* sql : {"INSERT OR IGNORE INTO mayfly_record_formats(format) VALUES(?1)",
                          "SELECT id FROM mayfly_record_formats WHERE format = ?1"}) {
    if (error.ok()) error = connection.prepare(sql, statement, false);
    if (!error.ok()) return error;
    statement.bind(1, format);
    if (statement.step(error)) id = statement.int64(0);
  }
  if (error.ok()) formats_.emplace(format, id);
  return error;
}

// A row that a transform made has its position from what it was made from.
DeadLetters::Origin DeadLetters::origin_of(RowRef ref) const {
  constexpr int kGenerationsMax = 64;
  for (int i = 0; i < kGenerationsMax; ++i) {
    const mayfly_batch& batch = *context_.pool.batch(ref);
    const RowRef parent = batch.parent[row_of(ref)];
    if (batch.source[row_of(ref)] != kNoSource || parent == MAYFLY_REF_NONE) break;
    ref = parent;
  }
  return {context_.pool.batch(ref), row_of(ref)};
}

std::string DeadLetters::place_of(RowRef ref) const {
  const Origin origin = origin_of(ref);
  const std::string& source = context_.progress.key(origin.batch->source[origin.row]);
  if (source.empty()) return "a row";
  const std::uint64_t line = origin.batch->line[origin.row];
  if (line > 0) return "line " + std::to_string(line) + " of " + source;
  return "record " + std::to_string(origin.batch->ordinal[origin.row] + 1) + " of " + source;
}

std::string DeadLetters::describe(RowRef ref) const {
  const mayfly_batch& batch = *context_.pool.batch(ref);
  const std::uint16_t row = row_of(ref);
  std::string text(context_.names.code(batch.judge[row], batch.reason[row]));
  std::string_view sentence = context_.names.text(batch.judge[row], batch.reason[row]);
  if (is_error_row(batch, row) && batch.message[row].size > 0) {
    sentence = text_at(batch, batch.message[row]);
  }
  return text.append(": ").append(sentence);
}

}  // namespace mayfly
