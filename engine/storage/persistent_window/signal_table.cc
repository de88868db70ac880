#include "mayfly/storage/persistent_window/signal_table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/storage/persistent_window/stored_time.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::signal_table {
namespace {

constexpr const char* kCreate =
    "CREATE TABLE IF NOT EXISTS signals("
    "id INTEGER PRIMARY KEY, operation_id INTEGER NOT NULL, signal TEXT NOT NULL, key TEXT, "
    "timestamp TEXT NOT NULL, created_at TEXT DEFAULT CURRENT_TIMESTAMP);"
    "CREATE INDEX IF NOT EXISTS idx_signals_timestamp ON signals(timestamp);"
    "CREATE INDEX IF NOT EXISTS idx_signals_signal ON signals(signal)";
constexpr const char* kNames[] = {"id", "operation_id", "signal", "key", "timestamp", "created_at"};
constexpr std::string_view kInsert =
    "INSERT INTO signals(id, operation_id, signal, key, timestamp, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?)";

// A statement of this call alone: sessions finalize what is made by get() before they end.
DbResult<SqliteStatement> prepare_one(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), 0, &made, nullptr);
  SqliteStatement statement(made);
  if (code != SQLITE_OK) return to_db_error(db, code);
  return statement;
}

// "2026-01-31T23:59:59..." as "2026-01-31 23:59:59".
std::string created_at(std::int64_t wall_us) {
  std::string text(StoredTime().text(wall_us).substr(0, 19));
  text[10] = ' ';
  return text;
}

std::int64_t wall_us_of(const CapturedSignal& signal, const WallTime& wall) {
  return signal.at_ns / kMicrosecond + wall.offset_us;
}

}  // namespace

DbResult<void> prepare(SqliteSingleWriter& writer) {
  const auto there = writer.query([](SqlSession& session) {
    return session.scalar<std::int64_t>(
        "SELECT count(*) FROM sqlite_master WHERE name IN "
        "('signals', 'idx_signals_timestamp', 'idx_signals_signal')");
  });
  if (!there.ok()) return there.error();
  if (*there < 3) {
    // Another table of that name may lack what the indexes are of: then check() says more.
    const auto made = writer.write(kCreate);
    if (!made.ok() && made.error().kind != DbError::Kind::kSql) return made.error();
  }
  return writer.query([](SqlSession& session) -> DbResult<void> {
    const auto missing = missing_columns(session.borrow());
    if (!missing.ok()) return missing.error();
    if (*missing && (*missing)->empty()) return {};
    return DbError{.kind = DbError::Kind::kSql,
                   .message = foreign_table(*missing ? (*missing)->front() : "id")};
  });
}

DbResult<std::optional<std::vector<std::string>>> missing_columns(sqlite3* db) {
  std::vector<std::string> missing(std::begin(kNames), std::end(kNames));
  // Not a view, which may be without an end.
  auto prepared = prepare_one(db,
                              "SELECT c.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c "
                              "WHERE s.type = 'table' AND s.name = 'signals' COLLATE NOCASE");
  if (!prepared.ok()) return prepared.error();
  SqliteError error;
  bool there = false;
  while (prepared->step(error)) {
    there = true;
    std::erase(missing, prepared->text(0));
  }
  if (!error.ok()) return to_db_error(db, error.code);
  if (!there) return std::optional<std::vector<std::string>>();
  return std::optional(std::move(missing));
}

DbResult<std::int64_t> newest_id(sqlite3* db) {
  auto prepared = prepare_one(db, "SELECT max(id) FROM signals");
  if (!prepared.ok()) return prepared.error();
  SqliteError error;
  const std::int64_t newest = prepared->step(error) ? prepared->int64(0) : 0;
  if (!error.ok()) return to_db_error(db, error.code);
  return newest;
}

std::string foreign_table(std::string_view column) {
  return fmt::format(
      "expected the table signals of a persistent window, found one without the "
      "column {}; name another database",
      column);
}

DbResult<std::int64_t> newest_id(SqlSession& session) {
  return session.scalar<std::int64_t>("SELECT max(id) FROM signals");
}

DbResult<std::int64_t> count(SqlSession& session) {
  return session.scalar<std::int64_t>("SELECT count(*) FROM signals");
}

DbResult<Inserted> insert(SqlSession& session, std::span<const CapturedSignal> signals,
                          std::int64_t first_id, const WallTime& wall) {
  sqlite3* const db = session.borrow();
  auto prepared = prepare_one(db, kInsert);
  if (!prepared.ok()) return prepared.error();
  SqliteStatement& statement = *prepared;
  Inserted inserted{.first_id = first_id, .wall = wall};
  StoredTime time;
  const std::string created = created_at(wall.now_us);
  statement.bind(6, created);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    const CapturedSignal& signal = signals[i];
    statement.bind(1, first_id)
        .bind(2, static_cast<std::int64_t>(signal.operation))
        .bind(3, signal.name);
    signal.key ? statement.bind(4, *signal.key) : statement.bind_null(4);
    statement.bind(5, time.text(wall_us_of(signal, wall)));
    const bool written = sqlite3_step(statement.get()) == SQLITE_DONE;
    if (!written) {
      DbError error = to_db_error(db, sqlite3_extended_errcode(db));
      const bool alone =
          error.kind == DbError::Kind::kConstraint || error.kind == DbError::Kind::kTooBig;
      if (!alone || sqlite3_get_autocommit(db) != 0) return error;
      if (inserted.refused++ == 0) inserted.refusal = error.message;
    }
    statement.reset();  // the texts are borrowed until then
    if (!written) continue;
    if (inserted.rows++ == 0) inserted.first = i;
    inserted.last = i;
    ++first_id;
  }
  return inserted;
}

DbResult<bool> holds(SqlSession& session, std::span<const CapturedSignal> signals,
                     const Inserted& inserted) {
  const std::pair<std::int64_t, std::size_t> ends[] = {{inserted.first_id, inserted.first},
                                                       {inserted.last_id(), inserted.last}};
  StoredTime time;
  for (const auto& [id, index] : ends) {
    const CapturedSignal& signal = signals[index];
    const std::string_view timestamp = time.text(wall_us_of(signal, inserted.wall));
    bool same = false;
    const auto shown = session.for_each(
        "SELECT operation_id, signal, key, timestamp FROM signals WHERE id = ?", {id},
        [&](const SqlRow& row) {
          same = row.int64(0) == static_cast<std::int64_t>(signal.operation) &&
                 row.text(1) == signal.name && row.is_null(2) == !signal.key &&
                 (!signal.key || row.text(2) == *signal.key) && row.text(3) == timestamp;
          return false;
        });
    if (!shown.ok()) return shown.error();
    if (!same) return false;
  }
  return inserted.rows > 0;
}

DbResult<std::int64_t> delete_before(SqlSession& session, std::string_view time,
                                     std::int64_t limit) {
  return session.execute(
      "DELETE FROM signals WHERE id IN (SELECT id FROM signals WHERE timestamp < ? "
      "ORDER BY timestamp LIMIT ?) AND id <> (SELECT max(id) FROM signals)",
      {time, limit});
}

DbResult<std::int64_t> delete_oldest(SqlSession& session, std::int64_t limit) {
  return session.execute(
      "DELETE FROM signals WHERE id IN (SELECT id FROM signals ORDER BY id LIMIT ?) "
      "AND id <> (SELECT max(id) FROM signals)",
      {limit});
}

DbResult<bool> has_before(SqlSession& session, std::string_view time) {
  const auto found = session.first<std::int64_t>(
      "SELECT 1 FROM signals WHERE timestamp < ? AND id <> (SELECT max(id) FROM signals) LIMIT 1",
      {time});
  if (!found.ok()) return found.error();
  return found->has_value();
}

DbResult<void> visit(sqlite3* db, const StoredSignalQuery& query,
                     FunctionRef<bool(const StoredSignal&)> visitor) {
  std::string sql =
      "SELECT id, operation_id, signal, key, timestamp FROM signals WHERE id > ?1 AND id <= ?2";
  if (!query.since.empty()) sql += " AND timestamp >= ?3";
  switch (query.order) {
    case StoredSignalQuery::Order::kById:
      sql += " ORDER BY id";
      break;
    case StoredSignalQuery::Order::kNewestFirst:
      sql += " ORDER BY id DESC";
      break;
    case StoredSignalQuery::Order::kNewestTimeFirst:
      sql += " ORDER BY timestamp DESC, id DESC";
      break;
  }
  auto prepared = prepare_one(db, sql);
  if (!prepared.ok()) return prepared.error();
  SqliteStatement& statement = *prepared;
  statement.bind(1, query.after_id).bind(2, query.up_to_id);
  if (!query.since.empty()) statement.bind(3, query.since);
  for (;;) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return to_db_error(db, code);
    StoredSignal row;
    row.id = statement.int64(0);
    row.operation = static_cast<OperationId>(statement.int64(1));
    row.name = statement.text(2);
    if (!statement.is_null(3)) row.key = statement.text(3);
    row.timestamp = statement.text(4);
    if (!visitor(row)) return {};
  }
}

}  // namespace mayfly::signal_table
