#include "mayfly/storage/single_writer/shared_connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace mayfly {
namespace {

int on_commit_to_wal(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
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
  if (holder_ != &user) {
    if (holder_ != nullptr) holder_->end_turns(connection_);
    holder_ = &user;
    user.begin_turns(connection_);
  }
  SqliteError error = apply(settings);
  // Tried again by the next turn.
  if (!error.ok()) {
    user.end_turns(connection_);
    holder_ = nullptr;
  }
  return error;
}

SqliteError SharedConnection::apply(const Settings& settings) {
  sqlite3_busy_timeout(connection_.get(), busy_timeout_ms(settings.busy_timeout_ns));
  sqlite3_limit(connection_.get(), SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<std::int64_t>(settings.value_bytes_max, 1'000'000'000)));
  if (!known_) count_wal_pages();
  // Each makes statements be prepared anew, or reads the schema.
  std::string sql;
  if (!known_ || settings.foreign_keys != settings_.foreign_keys) {
    sql += settings.foreign_keys ? "PRAGMA foreign_keys = ON;" : "PRAGMA foreign_keys = OFF;";
  }
  if (!known_ || settings.synchronous != settings_.synchronous) {
    const bool full = settings.synchronous == Synchronous::kFull;
    sql += full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  }
  known_ = false;
  if (!sql.empty()) {
    if (SqliteError error = connection_.run(sql); !error.ok()) return error;
  }
  settings_ = settings;
  known_ = true;
  return {};
}

void SharedConnection::count_wal_pages() {
  // SQLite's own checkpoints are a hook, too: there is one.
  sqlite3_wal_hook(connection_.get(), on_commit_to_wal, &wal_pages_);
}

SqliteError SharedConnection::want_cache(std::int64_t bytes) {
  if (bytes <= cache_bytes_) return {};
  const std::int64_t kibibytes = std::max<std::int64_t>(1, bytes / 1024);
  SqliteError error = connection_.run("PRAGMA cache_size = -" + std::to_string(kibibytes));
  if (error.ok()) cache_bytes_ = bytes;
  return error;
}

bool SharedConnection::is_moved() const {
  int moved = 0;
  sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void SharedConnection::leave(User& user) {
  if (!is_open_for(user)) return;
  if (holder_ == &user) {
    user.end_turns(connection_);
    holder_ = nullptr;
  }
  std::erase(users_, &user);
  if (users_.empty()) connection_.close();
}

void SharedConnection::discard() {
  if (holder_ != nullptr) holder_->end_turns(connection_);
  holder_ = nullptr;
  for (User* user : std::exchange(users_, {})) user->let_go();
  connection_.close();
}

}  // namespace mayfly
