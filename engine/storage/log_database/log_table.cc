#include "mayfly/storage/log_database/log_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "mayfly/storage/log_database/log_codec.h"
#include "mayfly/storage/log_database/log_text.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {
namespace {

constexpr std::string_view kCreate =
    "CREATE TABLE IF NOT EXISTS logs("
    "id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, level TEXT NOT NULL, "
    "logger_name TEXT NOT NULL, message TEXT NOT NULL, extra_data TEXT);"
    "CREATE INDEX IF NOT EXISTS logs_timestamp ON logs(timestamp);"
    "CREATE INDEX IF NOT EXISTS logs_level ON logs(level)";
constexpr std::string_view kInsert =
    "INSERT INTO logs(timestamp, level, logger_name, message, extra_data) VALUES (?, ?, ?, ?, ?)";
constexpr std::string_view kSelect =
    "SELECT id, timestamp, level, logger_name, message, extra_data FROM logs ";

// Entries into a prepared INSERT. Texts are kept until the next one.
class RowBinder {
 public:
  explicit RowBinder(sqlite3_stmt* insert) : insert_(insert) {}

  int store(const LogEntry& entry) {
    text_.clear();
    set_time(entry.wall_us());
    append_utf8(entry.logger(), text_);
    const std::size_t logger = text_.size();
    append_log_message(entry, text_);
    const std::size_t message = text_.size();
    append_extra_json(entry, text_);
    const std::string_view all = text_;
    bind(1, time_);
    bind(2, to_text(entry.level()));
    bind(3, all.substr(0, logger));
    bind(4, all.substr(logger, message - logger));
    if (all.size() > message) {
      bind(5, all.substr(message));
    } else {
      sqlite3_bind_null(insert_, 5);
    }
    const int code = sqlite3_step(insert_);
    sqlite3_reset(insert_);
    return code;
  }

 private:
  void bind(int parameter, std::string_view text) {
    sqlite3_bind_text64(insert_, parameter, text.data() != nullptr ? text.data() : "", text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  // Records of one second share most of it.
  void set_time(std::int64_t wall_us) {
    constexpr std::int64_t kMicros = 1'000'000;
    const std::int64_t second = wall_us / kMicros;
    if (wall_us < 0 || second != second_) {
      time_ = iso8601(wall_us);
      second_ = second;
      return;
    }
    std::int64_t micros = wall_us % kMicros;
    for (std::size_t i = 0; i < 6; ++i) {
      time_[time_.size() - 2 - i] = static_cast<char>('0' + micros % 10);
      micros /= 10;
    }
  }

  sqlite3_stmt* const insert_;
  std::string text_;
  std::string time_;
  std::int64_t second_ = std::numeric_limits<std::int64_t>::min();
};

// Whether one row is to blame, and the transaction is as good as before it.
bool is_about_the_row(const DbError& error, sqlite3* db) {
  return (error.kind == DbError::Kind::kConstraint || error.kind == DbError::Kind::kTooBig) &&
         sqlite3_get_autocommit(db) == 0;
}

}  // namespace

DbResult<void> LogTable::create() {
  if (auto done = make_shrinkable(); !done.ok()) return done;
  if (auto done = writer_->write(kCreate); !done.ok()) return done.error();
  auto seen = newest({}, 0);
  if (seen.ok()) return {};
  DbError error = seen.error();
  error.message =
      "expected a table logs(id, timestamp, level, logger_name, message, extra_data), found "
      "another; give the log a database of its own: " +
      error.message;
  return error;
}

// Only a database that holds nothing can become so in no time.
DbResult<void> LogTable::make_shrinkable() {
  const auto tables = writer_->query([](SqlSession& session) {
    return session.scalar<std::int64_t>("SELECT count(*) FROM sqlite_schema");
  });
  if (!tables.ok()) return tables.error();
  if (*tables != 0) return {};
  for (const std::string_view sql : {"PRAGMA auto_vacuum = INCREMENTAL", "VACUUM"}) {
    if (auto done = writer_->write(sql); !done.ok()) return done.error();
  }
  return {};
}

DbResult<LogTable::Stored> LogTable::store(LogRing& ring, std::uint64_t end_records) {
  return writer_->execute_in_transaction([&](SqlSession& session) -> DbResult<Stored> {
    sqlite3* const db = session.borrow();
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v2(db, kInsert.data(), static_cast<int>(kInsert.size()),
                                        &prepared, nullptr);
    const SqliteStatement insert(prepared);
    if (code != SQLITE_OK) return to_db_error(db, code);
    RowBinder binder(prepared);
    Stored stored{.end = ring.begin()};
    const std::uint64_t last = std::min(end_records, stored.end.records + kRowsMax);
    while (stored.end.records < last) {
      const std::byte* const record = ring.next(stored.end);
      if (record == nullptr) break;
      const LogEntry entry(record);
      if (const int step = binder.store(entry); step == SQLITE_DONE) {
        ++stored.rows;
        ++stored.by_level[static_cast<std::size_t>(entry.level())];
      } else {
        DbError error = to_db_error(db, step);
        if (!is_about_the_row(error, db)) return error;
        ++stored.rejected;
      }
    }
    return stored;
  });
}

DbResult<std::int64_t> LogTable::remove_before(std::int64_t wall_us) {
  return writer_->write(
      "DELETE FROM logs WHERE id IN "
      "(SELECT id FROM logs WHERE timestamp < ? ORDER BY timestamp LIMIT ?)",
      {iso8601(wall_us), static_cast<std::int64_t>(kRowsMax)});
}

DbResult<bool> LogTable::shrink() {
  const auto free_pages = writer_->query([](SqlSession& session) -> DbResult<std::int64_t> {
    const auto mode = session.scalar<std::int64_t>("PRAGMA auto_vacuum");
    if (!mode.ok() || *mode != 2) return 0;
    return session.scalar<std::int64_t>("PRAGMA freelist_count");
  });
  if (!free_pages.ok()) return free_pages.error();
  if (*free_pages == 0) return false;
  constexpr std::int64_t kPages = 256;
  if (auto done = writer_->write("PRAGMA incremental_vacuum(256)"); !done.ok()) {
    return done.error();
  }
  return *free_pages > kPages;
}

DbResult<std::vector<LogRow>> LogTable::newest(std::optional<LogLevel> level, std::size_t limit) {
  return writer_->query([&](SqlSession& session) -> DbResult<std::vector<LogRow>> {
    std::vector<LogRow> rows;
    std::string sql(kSelect);
    SqlParams params;
    if (level) {
      sql += "WHERE level = ? ";
      params.add(to_text(*level));
    }
    sql += "ORDER BY id DESC LIMIT ?";
    params.add(static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    const auto shown = session.for_each(sql, params, [&](const SqlRow& row) {
      rows.push_back({.id = row.int64(0),
                      .timestamp = row.as<std::string>(1),
                      .level = row.as<std::string>(2),
                      .logger_name = row.as<std::string>(3),
                      .message = row.as<std::string>(4),
                      .extra_data = row.as<std::string>(5)});
      return true;
    });
    if (!shown.ok()) return shown.error();
    return rows;
  });
}

DbResult<LogCounts> LogTable::count() {
  return writer_->query([](SqlSession& session) -> DbResult<LogCounts> {
    LogCounts counts = {};
    const auto shown = session.for_each(
        "SELECT level, count(*) FROM logs GROUP BY level", {}, [&](const SqlRow& row) {
          // Rows that others wrote, with levels of their own, aren't counted.
          if (const auto level = parse_log_level(row.text(0))) {
            counts[static_cast<std::size_t>(*level)] += static_cast<std::uint64_t>(row.int64(1));
          }
          return true;
        });
    if (!shown.ok()) return shown.error();
    return counts;
  });
}

}  // namespace mayfly
