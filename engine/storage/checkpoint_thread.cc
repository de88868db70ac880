#include "mayfly/storage/checkpoint_thread.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <exception>
#include <new>

namespace mayfly {
namespace {

constexpr int kNice = 10;

}  // namespace

void CheckpointThread::request() {
  if (!thread_.joinable()) {
    stopping_.store(false, std::memory_order_relaxed);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::exception&) {  // none can be made, or there is no memory for it
      moved_ = logged_ = 0;
      failure_ = 0;
      return;  // the writer moves the log itself when it has grown long enough
    }
  }
  // stop() may come before this run: then there is nothing to tell of it.
  moved_ = logged_ = 0;
  failure_ = 0;
  running_.store(true, std::memory_order_release);
  requests_.release();
}

void CheckpointThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);  // partner: the load in run()
  requests_.release();
  thread_.join();
  while (requests_.try_acquire()) {
  }
  running_.store(false, std::memory_order_relaxed);
}

void CheckpointThread::run() {
  // Of this thread alone, as Linux has it. Whoever commits beside it doesn't wait for a processor.
  ::setpriority(PRIO_PROCESS, 0, kNice);
  SqliteConnection connection;
  while (true) {
    requests_.acquire();
    if (stopping_.load(std::memory_order_acquire)) return;
    try {
      checkpoint(connection);
    } catch (const std::bad_alloc&) {  // as without one: the writer does it
      connection.close();
    }
    running_.store(false, std::memory_order_release);  // partner: running(), wait()
    running_.notify_one();
  }
}

void CheckpointThread::checkpoint(SqliteConnection& connection) {
  moved_ = logged_ = 0;
  failure_ = 0;
  if (!connection) {
    const SqliteConnection::OpenOptions options{.create = false,
                                                .vfs = vfs_.empty() ? nullptr : vfs_.c_str()};
    // Without a connection the writer does it all. Another file in the database's place would be
    // given what the log holds of this one.
    if (file_identity(database_) != expected_) return;
    if (!SqliteConnection::open(database_, options, connection).ok()) return;
    // A connection that has read nothing doesn't know of the log, and its checkpoint does nothing.
    std::string ignored;
    connection.query_text("SELECT count(*) FROM sqlite_schema", ignored);
  }
  int logged = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &logged, &moved);
  const int primary = code & 0xFF;
  if (code == SQLITE_OK) {
    moved_ = moved > 0 ? static_cast<std::uint32_t>(moved) : 0;
    logged_ = logged > 0 ? static_cast<std::uint32_t>(logged) : 0;
    // SQLite syncs the database only if no frame came meanwhile: the writer's checkpoint of those
    // few would wait until the disk has all that was moved here.
    if (moved_ == 0) return;
    if (const SqliteError error = connection.sync_file(); !error.ok()) failure_ = error.code;
  } else if (primary != SQLITE_BUSY && primary != SQLITE_LOCKED) {
    failure_ = sqlite3_extended_errcode(connection.get());
  }
}

}  // namespace mayfly
