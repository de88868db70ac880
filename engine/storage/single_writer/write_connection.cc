#include "mayfly/storage/single_writer/write_connection.h"

#include <sqlite3.h>

#include <string_view>

#include "mayfly/storage/file_identity.h"

namespace mayfly {
namespace {

int on_commit_to_wal(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
  return SQLITE_OK;
}

// The connection can't be trusted, or isn't the database's, any more.
bool is_end_of_connection(const DbError& error) {
  return error.kind == DbError::Kind::kIo || error.kind == DbError::Kind::kCorrupt ||
         error.code == SQLITE_READONLY_DBMOVED;
}

void refuse(std::span<CommitQueue::Request* const> group, const DbError& refusal) {
  for (CommitQueue::Request* request : group) {
    static_cast<GroupedWrite*>(request)->result = refusal;
  }
}

}  // namespace

WriteConnection::WriteConnection(const DatabaseName& name, const SingleWriterOptions& options,
                                 const Clock& clock, WriterSignals& signals)
    : name_(name),
      options_(options),
      clock_(clock),
      signals_(signals),
      limit_(clock, options.command_timeout_ns),
      statements_(connection_, options.statements_max),
      writer_(connection_),
      checkpointer_(
          {.pages_busy = options.checkpoint_pages,
           .use_thread = options.checkpoint_thread && name.mode != DatabaseName::Mode::kMemory},
          name.path, name.vfs() != nullptr ? name.vfs() : ""),
      warn_at_pages_(options.wal_warning_pages) {}

void WriteConnection::end() {
  if (connection_ && name_.mode != DatabaseName::Mode::kReadOnly) {
    checkpointer_.finish(connection_);
  }
  close();
}

SqliteError WriteConnection::open() {
  SqliteError error =
      open_connection(name_, options_, ConnectionUse::kWrite, signals_, connection_);
  if (!error.ok()) return error;
  checkpointer_.expect(file_identity(name_.path));
  limit_.watch(connection_);
  wal_pages_ = 0;
  sqlite3_wal_hook(connection_.get(), on_commit_to_wal, &wal_pages_);
  error = writer_.prepare();
  if (!error.ok()) close();
  return error;
}

void WriteConnection::close() {
  checkpointer_.forget();
  writer_.close();
  statements_.clear();
  connection_.close();
}

void WriteConnection::execute(std::span<CommitQueue::Request* const> group) noexcept {
  if (!connection_) {
    if (const SqliteError error = open(); !error.ok()) {
      refuse(group, to_db_error(error, "opening " + name_.path + " again"));
      return;
    }
    reopened_.fetch_add(1, std::memory_order_relaxed);
  }
  if (is_moved()) {
    refuse(group, {.kind = DbError::Kind::kIo,
                   .code = SQLITE_READONLY_DBMOVED,
                   .message = name_.path +
                              ": was removed, renamed or replaced while it was written; what was "
                              "written in the last second is in the file that was opened, wherever "
                              "that is now"});
    close();
    signals_.sink().raise(signals_.connection_lost);
    return;
  }
  writer_.execute(group);
  transactions_.store(writer_.transactions(), std::memory_order_relaxed);
  look_at_results(group);
  if (lost_) {
    lost_ = false;
    close();
    signals_.sink().raise(signals_.connection_lost);
    return;
  }
  if (checkpointer_.is_due(wal_pages_)) checkpoint();
  wal_pages_shown_.store(wal_pages_, std::memory_order_relaxed);
}

bool WriteConnection::is_moved() {
  const std::int64_t now_ns = clock_.now_ns();
  if (now_ns - place_checked_ns_ < kSecond) return false;
  place_checked_ns_ = now_ns;
  int moved = 0;
  sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void WriteConnection::look_at_results(std::span<CommitQueue::Request* const> group) {
  bool busy = false;
  for (CommitQueue::Request* request : group) {
    const DbResult<std::int64_t>& result = static_cast<GroupedWrite*>(request)->result;
    if (result.ok()) continue;
    busy = busy || result.error().is_lock();
    lost_ = lost_ || is_end_of_connection(result.error());
  }
  if (busy) signals_.sink().raise(signals_.write_busy);
}

void WriteConnection::checkpoint() {
  checkpointer_.run(connection_);
  checkpoints_.store(checkpointer_.count(), std::memory_order_relaxed);
  signals_.sink().raise(signals_.write_checkpoint, wal_pages_, "pages");
  if (checkpointer_.is_hindered()) {
    warn_of_growth();
  } else {
    warn_at_pages_ = options_.wal_warning_pages;
  }
}

void WriteConnection::warn_of_growth() {
  if (wal_pages_ < warn_at_pages_) return;
  signals_.sink().raise(signals_.wal_growing, wal_pages_, "pages");
  warn_at_pages_ = wal_pages_ > UINT32_MAX / 2 ? UINT32_MAX : 2 * wal_pages_;
}

}  // namespace mayfly
