#include "mayfly/storage/single_writer/write_connection.h"

#include <sqlite3.h>

#include <new>
#include <string_view>
#include <utility>

#include "mayfly/storage/file_identity.h"

namespace mayfly {
namespace {

// The connection can't be trusted, or isn't the database's, any more.
bool is_end_of_connection(const DbError& error) {
  return error.kind == DbError::Kind::kIo || error.kind == DbError::Kind::kCorrupt ||
         error.code == SQLITE_READONLY_DBMOVED;
}

void refuse(std::span<CommitQueue::Request* const> group, const DbError& refusal) {
  for (CommitQueue::Request* request : group) {
    static_cast<GroupedWrite*>(request)->result = copy_of(refusal);
  }
}

}  // namespace

WriteConnection::WriteConnection(SharedConnection& shared, const DatabaseName& name,
                                 const SingleWriterOptions& options, const Clock& clock,
                                 WriterSignals& signals, std::function<void()> lost)
    : name_(name),
      options_(options),
      clock_(clock),
      signals_(signals),
      settings_(turn_settings(options)),
      limit_(clock, options.command_timeout_ns),
      place_(clock),
      lost_(std::move(lost)),
      shared_(shared),
      statements_(shared.connection(), options.statements_max),
      writer_(shared.connection()),
      checkpointer_(
          {.pages_busy = options.checkpoint_pages,
           .pages_warned = options.wal_warning_pages,
           .use_thread = options.checkpoint_thread && name.mode != DatabaseName::Mode::kMemory},
          name.path, name.vfs() != nullptr ? name.vfs() : "") {}

SqliteError WriteConnection::open(bool again) {
  using Mode = DatabaseName::Mode;
  // What was there and is no more isn't made anew: it would be empty.
  const bool creates =
      (name_.mode == Mode::kReadWriteCreate && !again) || name_.mode == Mode::kMemory;
  SqliteError error = shared_.open(*this, name_.path, creates);
  if (!error.ok()) return error;
  settings_ = turn_settings(options_);
  checkpointer_.expect(file_identity(name_.path));
  error = shared_.take(*this, settings_);
  if (error.ok()) error = set_up_writing(name_, options_, signals_, shared_);
  if (error.ok()) error = checkpointer_.limit_file(shared_.connection());
  if (error.ok()) error = writer_.prepare();
  if (!error.ok()) leave();
  return error;
}

void WriteConnection::end() {
  // Who reads the log, in whatever process, isn't waited for: what stays in it the next one moves.
  settings_.busy_timeout_ns = 0;
  if (shared_.take(*this, settings_).ok() && name_.mode != DatabaseName::Mode::kReadOnly) {
    checkpointer_.finish(shared_.connection(), clock_.now_ns());
  }
  leave();
  tell_checkpoint_failure();  // also of a connection that was lost before
}

void WriteConnection::leave() {
  drop_statements();
  shared_.leave(*this);
}

void WriteConnection::drop_statements() {
  checkpointer_.forget();
  writer_.close();
  statements_.clear();
  // Of a connection that isn't there any more.
  (void)writer_.take_change();
  keeps_ = false;
}

void WriteConnection::on_lost() noexcept {
  // First what is read is of the right database: listeners may read.
  lost_();
  signals_.sink().raise(signals_.connection_lost);
}

void WriteConnection::execute(std::span<CommitQueue::Request* const> group) noexcept {
  // Whoever leads may be kept by such ones: it isn't by a lock, a disk or a long statement.
  constexpr std::int64_t kQuickNs = 100 * kMicrosecond;
  const bool waits_for_disk =
      settings_.synchronous == Synchronous::kFull && name_.mode != DatabaseName::Mode::kMemory;
  const std::int64_t began_ns = waits_for_disk ? 0 : clock_.now_ns();
  execute_group(group);
  is_quick_ = !waits_for_disk && clock_.now_ns() - began_ns < kQuickNs;
}

void WriteConnection::execute_group(std::span<CommitQueue::Request* const> group) noexcept {
  if (const DbResult<void> ready = try_take(); !ready.ok()) {
    refuse(group, ready.error());
    return tell_checkpoint_failure();
  }
  writer_.execute(group);
  transactions_.store(writer_.transactions(), std::memory_order_relaxed);
  if (look_at_results(group)) {
    shared_.discard();
    return tell_checkpoint_failure();
  }
  look_at_changes();
  if (checkpointer_.is_due(shared_.wal_pages(), clock_.now_ns())) checkpoint();
  tell_checkpoint_failure();
  if (const std::uint32_t pages = checkpointer_.growth(); pages > 0) {
    signals_.sink().raise(signals_.wal_growing, pages, "pages");
  }
  wal_pages_shown_.store(shared_.wal_pages(), std::memory_order_relaxed);
}

DbResult<void> WriteConnection::try_take() noexcept {
  try {
    return take();
  } catch (const std::bad_alloc&) {
    leave();  // half open, perhaps: again by the next group
    return no_memory("no memory");
  }
}

DbResult<void> WriteConnection::take() {
  if (!shared_.is_open_for(*this)) {
    if (const SqliteError error = open(true); !error.ok()) {
      return to_db_error(error, "opening " + name_.path + " again");
    }
    reopened_.fetch_add(1, std::memory_order_relaxed);
  }
  if (place_.finds_moved(shared_.connection())) {
    shared_.discard();
    return DbError{.kind = DbError::Kind::kIo,
                   .code = SQLITE_READONLY_DBMOVED,
                   .message = name_.path +
                              ": was removed, renamed or replaced while it was written; what was "
                              "written in the last second is in the file that was opened, wherever "
                              "that is now"};
  }
  if (const SqliteError error = shared_.take(*this, settings_); !error.ok()) {
    return to_db_error(error, "writing to " + name_.path);
  }
  return {};
}

void WriteConnection::look_at_changes() {
  ConnectionChange change = writer_.take_change();
  if (std::exchange(keeps_, false)) change = ConnectionChange::kPersonal;
  if (change == ConnectionChange::kSettings && !read_settings()) {
    change = ConnectionChange::kPersonal;
  }
  if (change == ConnectionChange::kPersonal) shared_.keep_for(*this);
}

bool WriteConnection::read_settings() noexcept {
  try {
    const auto now = shared_.read_settings();
    if (now) settings_ = *now;
    return now.has_value();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool WriteConnection::look_at_results(std::span<CommitQueue::Request* const> group) {
  bool busy = false;
  bool lost = false;
  for (CommitQueue::Request* request : group) {
    const DbResult<std::int64_t>& result = static_cast<const GroupedWrite&>(*request).result;
    if (result.ok()) continue;
    busy = busy || result.error().is_lock();
    lost = lost || is_end_of_connection(result.error());
  }
  if (busy) signals_.sink().raise(signals_.write_busy);
  return lost;
}

void WriteConnection::tell_checkpoint_failure() {
  const SqliteError error = checkpointer_.take_failure();
  if (!error.ok()) signals_.sink().raise(signals_.write_checkpoint_error, error.message);
}

void WriteConnection::checkpoint() {
  const bool moved = checkpointer_.run(shared_.connection(), clock_.now_ns());
  checkpoints_.store(checkpointer_.count(), std::memory_order_relaxed);
  if (moved) signals_.sink().raise(signals_.write_checkpoint, shared_.wal_pages(), "pages");
}

}  // namespace mayfly
