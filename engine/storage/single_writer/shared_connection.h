// SharedConnection: the one connection by which a process writes to a database, whoever asks: the
// pipeline's writer and the SqliteSingleWriter.
//
// SETTINGS   Each user has its own while it has its turn: take() changes what differs from what is
//            set, which costs nothing as long as the same one goes on or both ask for the same.
//            Caches are as large as the largest that was asked for.
// PERSONAL   What can't be changed with each turn (ATTACH, TEMP tables, most of PRAGMA, SQLite's
//            own handle) makes the connection one user's: keep_for() leaves it to that one, and the
//            others open another (shared_database.h). They still take turns.
// LOST       discard() closes it under all of them: each lets go of its statements (let_go), and
//            opens it again when it has its turn.
// WHOLE      A user that leaves, or whose turns end, has no transaction open: what is left of one
//            is rolled back.
// OWNERSHIP  Users outlive their place among the users: leave(). The connection closes when the
//            last one leaves. Statements are their user's.
// THREADS    One at a time: within a turn of the database's queue (shared_database.h). is_personal:
//            any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/synchronous.h"

namespace mayfly {

class SharedConnection {
 public:
  // How the connection is to be set during a user's turns.
  struct Settings {
    bool foreign_keys = true;
    Synchronous synchronous = Synchronous::kFull;
    std::int64_t busy_timeout_ns = 0;              // for another process's lock; 0 or less: none
    std::int64_t value_bytes_max = 1'000'000'000;  // of a text, a blob or a row
    bool operator==(const Settings&) const = default;
  };

  class User {
   public:
    // The connection closes, or is another's from now on: every statement on it goes. The user is
    // none any more.
    virtual void let_go() noexcept = 0;
    // It was lost, and is closed.
    virtual void on_lost() noexcept {}
    // Its turns begin, behind those of another: for hooks, of which a connection has one each.
    virtual void begin_turns(SqliteConnection&) {}
    // Another's begin, or it leaves.
    virtual void end_turns(SqliteConnection&) {}

   protected:
    ~User() = default;
  };

  // As SqliteConnection has them, but for `create`, which is up to who opens.
  explicit SharedConnection(const SqliteConnection::OpenOptions& options) : options_(options) {}
  SharedConnection(const SharedConnection&) = delete;
  SharedConnection& operator=(const SharedConnection&) = delete;

  // Makes it a user: opens the file, or uses what another has open. A path that no longer names the
  // open file is opened anew, for all. Nothing is read or written yet.
  SqliteError open(User& user, const std::string& path, bool create);
  // It is open, and `user` is one of its users.
  bool is_open_for(const User& user) const;
  // The turn is `user`'s. SQLITE_MISUSE: it hasn't opened it, or not since it was lost.
  SqliteError take(User& user, const Settings& settings);
  // Whoever has its turn has let somebody change settings by PRAGMA: what they are now. nullopt: as
  // no user can have them.
  std::optional<Settings> read_settings();
  // It is this user's alone until it is closed; the others have to open another.
  void keep_for(User& user);
  bool is_personal() const { return personal_.load(std::memory_order_relaxed); }
  // SQLite's page cache has at least so many bytes from now on.
  SqliteError want_cache(std::int64_t bytes);
  // The path by which it was opened names another file now, or none.
  bool is_moved() const { return connection_.is_moved(); }
  // Whose statements are gone; no user any more.
  void leave(User& user);
  // Closes it: it can't be trusted.
  void discard();

  // Open and closed in place: a reference stays good.
  SqliteConnection& connection() { return connection_; }
  // Frames in the write-ahead log after the last commit.
  std::uint32_t wal_pages() const { return wal_pages_; }

 private:
  SqliteError apply(const Settings& settings);
  void end_turns();
  // False: it isn't to be trusted any more.
  bool roll_back();
  void close();

  const SqliteConnection::OpenOptions options_;
  SqliteConnection connection_;
  std::vector<User*> users_;
  std::vector<User*> lost_;  // to be told
  User* holder_ = nullptr;   // whose turns they are
  Settings settings_;        // what is set, if known
  bool known_ = false;
  std::atomic<bool> personal_{false};
  std::int64_t cache_bytes_ = 0;
  std::uint32_t wal_pages_ = 0;
};

}  // namespace mayfly
