// StatementCache: one connection's prepared statements, by their text; the one not used for longest
// leaves first.
//
// A change of the schema prepares a statement anew by itself (sqlite3_prepare_v3), but by what
// SQLite knows of the schema, which may be old: a new one that is refused is tried once more by the
// schema as it is now, and of one that is kept that is the caller's to do (forget, find).
//
// OWNERSHIP  Statements belong to the cache and must go before the connection: clear().
// THREADS    The connection's.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mayfly/storage/sqlite.h"

namespace mayfly {

class StatementCache {
 public:
  // capacity: at least 1.
  StatementCache(SqliteConnection& connection, std::size_t capacity);

  // The first statement of `sql`, not bound and not begun; nullptr with `error` ok: there is none
  // (a comment). `rest`: what follows it. A text of several statements isn't kept, since the later
  // ones may not parse before the first has run: then the statement is valid until the next call.
  SqliteStatement* find(std::string_view sql, SqliteError& error, std::string_view& rest);
  // The same out of the cache, for whoever runs other statements before this one is at its end. Not
  // a statement: none, or an error.
  SqliteStatement take(std::string_view sql, SqliteError& error, std::string_view& rest);
  // Back again, reset and not bound. Kept unless there is one of the same text by now, or no
  // memory.
  void give_back(std::string_view sql, SqliteStatement statement) noexcept;
  // One that isn't kept: the caller's. persistent: it will be used for long.
  SqliteError prepare(std::string_view sql, bool persistent, SqliteStatement& out,
                      std::string_view* rest = nullptr);
  // It isn't kept any more, and prepared anew when it is asked for next.
  void forget(std::string_view sql);
  void clear();
  std::size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::string sql;
    SqliteStatement statement;
  };
  using Order = std::list<Entry>;  // the last used first

  SqliteStatement& keep(std::string_view sql, SqliteStatement statement);

  SqliteConnection& connection_;
  const std::size_t capacity_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> by_sql_;  // points into order_
  SqliteStatement passing_;
};

}  // namespace mayfly
