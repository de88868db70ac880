#include "mayfly/storage/single_writer/shared_connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mayfly {
namespace {

int on_commit_to_wal(void* pages, sqlite3*, const char* database, int count) {
  if (std::strcmp(database, "main") == 0) {
    *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
  }
  return SQLITE_OK;
}

}  // namespace

SqliteError SharedConnection::open(User& user, const std::string& path, bool create) {
  if (connection_ && is_moved()) discard();
  if (!connection_) {
    SqliteConnection::OpenOptions options = options_;
    options.create = create;
    if (SqliteError error = SqliteConnection::open(path, options, connection_); !error.ok()) {
      return error;
    }
    known_ = false;
    cache_bytes_ = 0;
    wal_pages_ = 0;
  }
  if (!is_open_for(user)) users_.push_back(&user);
  return {};
}

bool SharedConnection::is_open_for(const User& user) const {
  return std::ranges::find(users_, &user) != users_.end();
}

SqliteError SharedConnection::take(User& user, const Settings& settings) {
  if (holder_ == &user && settings == settings_) return {};
  if (!is_open_for(user)) return {SQLITE_MISUSE, "the connection isn't open"};
  if (holder_ != &user) {
    end_turns();
    // Rolling back may have shown that it is lost.
    if (!is_open_for(user)) return {SQLITE_IOERR, "the connection was lost"};
    holder_ = &user;
    user.begin_turns(connection_);
  }
  SqliteError error = apply(settings);
  // Tried again by the next turn.
  if (!error.ok()) end_turns();
  return error;
}

void SharedConnection::end_turns() {
  if (holder_ == nullptr) return;
  std::exchange(holder_, nullptr)->end_turns(connection_);
  if (!roll_back()) discard();
}

bool SharedConnection::roll_back() {
  return connection_.autocommit() ||
         sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK ||
         connection_.autocommit();
}

SqliteError SharedConnection::apply(const Settings& settings) {
  sqlite3* const db = connection_.get();
  sqlite3_busy_timeout(db, busy_timeout_ms(settings.busy_timeout_ns));
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<std::int64_t>(settings.value_bytes_max, 1'000'000'000)));
  // SQLite's own checkpoints are a hook, too: there is one.
  sqlite3_wal_hook(db, on_commit_to_wal, &wal_pages_);
  // Each makes statements be prepared anew, or reads the schema.
  const char* keys =
      settings.foreign_keys ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF";
  const char* sync = settings.synchronous == Synchronous::kFull ? "PRAGMA synchronous = FULL"
                                                                : "PRAGMA synchronous = NORMAL";
  const bool known = std::exchange(known_, false);
  const auto set = [&](const char* sql) {
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  if ((!known || settings.foreign_keys != settings_.foreign_keys) && !set(keys)) {
    return connection_.last_error();
  }
  if ((!known || settings.synchronous != settings_.synchronous) && !set(sync)) {
    return connection_.last_error();
  }
  settings_ = settings;
  known_ = true;
  return {};
}

std::optional<SharedConnection::Settings> SharedConnection::read_settings() {
  std::string keys;
  std::string synchronous;
  std::string timeout;
  const bool is_read = connection_.query_text("PRAGMA foreign_keys", keys).ok() &&
                       connection_.query_text("PRAGMA synchronous", synchronous).ok() &&
                       connection_.query_text("PRAGMA busy_timeout", timeout).ok();
  if (!is_read || (synchronous != "1" && synchronous != "2")) return std::nullopt;
  settings_.foreign_keys = keys == "1";
  settings_.synchronous = synchronous == "2" ? Synchronous::kFull : Synchronous::kNormal;
  settings_.busy_timeout_ns = std::atoll(timeout.c_str()) * kMillisecond;
  return settings_;
}

void SharedConnection::keep_for(User& user) {
  personal_.store(true, std::memory_order_relaxed);
  for (User* other : users_) {
    if (other != &user) other->let_go();
  }
  std::erase_if(users_, [&](const User* other) { return other != &user; });
}

SqliteError SharedConnection::want_cache(std::int64_t bytes) {
  if (bytes <= cache_bytes_) return {};
  const std::int64_t kibibytes = std::max<std::int64_t>(1, bytes / 1024);
  SqliteError error = connection_.run("PRAGMA cache_size = -" + std::to_string(kibibytes));
  if (error.ok()) cache_bytes_ = bytes;
  return error;
}

void SharedConnection::leave(User& user) {
  std::erase(lost_, &user);
  if (!is_open_for(user)) return;
  if (holder_ == &user) end_turns();
  std::erase(users_, &user);
  if (users_.empty()) close();
}

void SharedConnection::close() {
  connection_.close();
  personal_.store(false, std::memory_order_relaxed);
}

void SharedConnection::discard() {
  if (holder_ != nullptr) std::exchange(holder_, nullptr)->end_turns(connection_);
  lost_ = std::exchange(users_, {});
  for (User* user : lost_) user->let_go();
  close();
  // Whoever is told may let another one go.
  while (!lost_.empty()) {
    User* const user = lost_.back();
    lost_.pop_back();
    user->on_lost();
  }
}

}  // namespace mayfly
