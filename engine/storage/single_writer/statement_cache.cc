#include "mayfly/storage/single_writer/statement_cache.h"

#include <sqlite3.h>

#include <algorithm>
#include <new>
#include <utility>

namespace mayfly {
namespace {

// Any statement that reads the database.
constexpr const char* kLookAtSchema = "SELECT 1 FROM sqlite_schema LIMIT 1";

bool is_blank(std::string_view sql) { return sql.find_first_not_of(" \t\r\n;") == sql.npos; }

}  // namespace

StatementCache::StatementCache(SqliteConnection& connection, std::size_t capacity)
    : connection_(connection), capacity_(std::max<std::size_t>(capacity, 1)) {}

SqliteStatement* StatementCache::find(std::string_view sql, SqliteError& error,
                                      std::string_view& rest) {
  rest = {};
  error = {};
  if (const auto known = by_sql_.find(sql); known != by_sql_.end()) {
    order_.splice(order_.begin(), order_, known->second);
    return &known->second->statement;
  }
  SqliteStatement statement;
  error = prepare(sql, true, statement, &rest);
  if (!error.ok() || statement.get() == nullptr) return nullptr;
  if (!is_blank(rest)) {
    passing_ = std::move(statement);
    return &passing_;
  }
  rest = {};
  return &keep(sql, std::move(statement));
}

SqliteError StatementCache::prepare(std::string_view sql, bool persistent, SqliteStatement& out,
                                    std::string_view* rest) {
  SqliteError error = connection_.prepare(sql, out, persistent, rest);
  // What SQLite knows of the schema may be old, which it doesn't look at when something is wrong:
  // another process may have altered a table since.
  if (error.primary() != SQLITE_ERROR) return error;
  error = connection_.run(kLookAtSchema);
  return error.ok() ? connection_.prepare(sql, out, persistent, rest) : error;
}

SqliteStatement& StatementCache::keep(std::string_view sql, SqliteStatement statement) {
  if (order_.size() >= capacity_) {
    by_sql_.erase(order_.back().sql);
    order_.pop_back();
  }
  order_.push_front({std::string(sql), std::move(statement)});
  try {
    by_sql_.emplace(order_.front().sql, order_.begin());
  } catch (const std::bad_alloc&) {
    order_.pop_front();
    throw;
  }
  return order_.front().statement;
}

SqliteStatement StatementCache::take(std::string_view sql, SqliteError& error,
                                     std::string_view& rest) {
  SqliteStatement* const found = find(sql, error, rest);
  if (found == nullptr) return {};
  SqliteStatement taken = std::move(*found);
  forget(sql);
  return taken;
}

void StatementCache::give_back(std::string_view sql, SqliteStatement statement) noexcept {
  try {
    if (by_sql_.find(sql) == by_sql_.end()) keep(sql, std::move(statement));
  } catch (const std::bad_alloc&) {
    // It goes, and is prepared anew.
  }
}

void StatementCache::forget(std::string_view sql) {
  const auto known = by_sql_.find(sql);
  if (known == by_sql_.end()) return;
  const Order::iterator entry = known->second;
  by_sql_.erase(known);
  order_.erase(entry);
}

void StatementCache::clear() {
  passing_ = {};
  by_sql_.clear();
  order_.clear();
}

}  // namespace mayfly
