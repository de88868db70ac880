#include "mayfly/storage/sqlite_writer.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mayfly/base/json_text.h"
#include "mayfly/data/outcome.h"
#include "mayfly/storage/database_file.h"
#include "mayfly/storage/own_tables.h"
#include "mayfly/storage/timestamp.h"
#include "mayfly/storage/writer_impl.h"

namespace mayfly {
namespace {

// What stands between a row and the table, for its dead letter.
std::string select_json(const WriterOptions& options, const Schema& schema) {
  if (options.select.empty()) return {};
  JsonText types = JsonText::array();
  for (const Column& column : schema.columns()) {
    types.add(column.name + "=" + std::string(name_of(column.type)));
  }
  JsonText json = JsonText::object();
  json.add("select", options.select);
  if (options.per_batch) json.add("per_batch", true);
  return json.add("select_types", types).text();
}

}  // namespace

SqliteWriter::Impl::Impl(const WriterOptions& options, const Schema& schema, BatchPool& pool,
                         const Clock& clock, SignalSink& signals, const RejectionNames& names)
    : options_(options),
      path_(absolute_path(options.database)),
      schema_(schema),
      pool_(pool),
      clock_(clock),
      signals_(signals),
      write_checkpoint_(signals.intern("write.checkpoint")),
      write_checkpoint_error_(signals.intern("write.checkpoint.error")),
      wal_growing_(signals.intern("wal.growing")),
      shared_(shared_database_of({.path = path_})),
      session_(schema_, pool, *shared_, *this),
      progress_(options.table, clock),
      lineage_(pool),
      dead_letters_({schema_, pool, clock, names, progress_}, options.name, options.table,
                    options.row_bytes_max, select_json(options, schema)),
      commits_(options.name),
      checkpointer_({.pages_busy = options.checkpoint_pages,
                     .pages_idle = options.checkpoint_idle_pages,
                     .pages_warned = options.wal_warning_pages,
                     .use_thread = options.checkpoint_thread},
                    path_, options.vfs) {}

SqliteWriter::Impl::~Impl() {
  if (has_turn()) {
    close_session();
  } else {
    in_turn([this] { close_session(); });
  }
}

Status SqliteWriter::Impl::open() {
  if (options_.database.empty() || options_.database == ":memory:") {
    return {Code::kUsage, "the writer needs a database file; expected a path"};
  }
  MAYFLY_RETURN_IF_ERROR(check_database_file(options_.database));
  // SQLite creates the file: the lock's name is made from its real path. Before anything is read.
  const std::string opening = "opening " + options_.database;
  if (const SqliteError error = session_.connect(path_, options_.vfs); !error.ok()) {
    return to_status(error, opening);
  }
  database_.pin(path_);
  checkpointer_.expect(database_.identity());
  MAYFLY_RETURN_IF_ERROR(lock_.acquire(options_.database, clock_.wall_us()));
  if (const SqliteError error = session_.configure(options_); !error.ok()) {
    return to_status(error, opening);
  }
  if (const SqliteError error = checkpointer_.limit_file(session_.connection()); !error.ok()) {
    return to_status(error, opening);
  }
  if (const SqliteError error = session_.connection().run("BEGIN IMMEDIATE"); !error.ok()) {
    return to_status(error, opening);
  }
  Status status = set_up();
  if (status.ok()) status = open_target();
  if (status.ok() && options_.truncate) status = truncate();
  if (!status.ok()) {
    session_.connection().run("ROLLBACK");
    return status;
  }
  if (const SqliteError error = session_.connection().run("COMMIT"); !error.ok()) {
    session_.connection().run("ROLLBACK");
    if (error.primary() == SQLITE_IOERR) session_.discard();
    return to_status(error, "creating the tables in " + options_.database);
  }
  if (session_.is_new_with_journal()) writeback_.enable(database_.identity());
  return to_status(session_.end_waiting(), opening);
}

Status SqliteWriter::Impl::set_up() {
  MAYFLY_RETURN_IF_ERROR(check_own_tables(session_.connection(), options_.database));
  Result<Target> target = Target::prepare(session_.connection(), options_, schema_);
  if (!target.ok()) return target.status();
  target_ = std::move(target).value();
  // Its transaction is undone, and the table with it.
  if (target_.created()) {
    MAYFLY_RETURN_IF_ERROR(progress_.check_rows_kept(session_.connection(),
                                                     options_.resumed_sources, options_.database));
  }
  return to_status(commits_.open(session_.connection()),
                   "creating mayfly_commits in " + options_.database);
}

Status SqliteWriter::Impl::truncate() {
  SqliteConnection& connection = session_.connection();
  const SqliteError error = connection.run("DELETE FROM " + quote_identifier(target_.table()));
  if (!error.ok()) return to_status(error, "taking the rows out of table " + target_.table());
  if (target_.created()) return Status::success();
  totals_.truncated = static_cast<std::uint64_t>(sqlite3_changes64(connection.get()));
  signals_.raise(signals_.intern("write.truncated"), totals_.truncated, "rows");
  return Status::success();
}

Status SqliteWriter::Impl::open_target() {
  if (const SqliteError error = session_.prepare(target_, options_); !error.ok()) {
    return {Code::kConfig, "writing to table " + options_.table + ": " + error.message +
                               " (the statement is: " + target_.insert_sql() + ")"};
  }
  inserter_ = std::make_unique<RowInserter>(session_, target_, options_, rejections_);
  inserter_->attach();
  return Status::success();
}

Result<SourceStart> SqliteWriter::Impl::add_source(std::uint16_t index, const SourceSpec& spec) {
  SqliteError error;
  if (!session_.is_open()) error = reopen();
  // It may create tables: still a part of opening.
  if (error.ok()) error = session_.begin_waiting(options_.open_wait_ns);
  if (!error.ok()) return to_status(error, "writing to " + options_.database);
  Result<SourceStart> start = progress_.add_source(session_.connection(), index, spec);
  totals_.rows = progress_.totals();
  error = session_.end_waiting();
  if (!error.ok() && start.ok()) return to_status(error, "writing to " + options_.database);
  return start;
}

void SqliteWriter::Impl::give_up(std::span<const RowRef> slices, std::uint8_t outcome) {
  for (const RowRef head : slices) {
    mayfly_batch& batch = *pool_.batch(head);
    for_each_row(batch, row_of(head), [&](std::uint16_t row) {
      if (batch.outcome[row] != MAYFLY_PENDING) return;
      batch.outcome[row] = outcome == MAYFLY_LEFT ? given_up_outcome(batch, row) : outcome;
    });
  }
}

void SqliteWriter::Impl::on_idle() {
  if (!dead_.ok() || finished_ || !session_.is_open()) return;
  if (checkpointer_.is_due_when_idle(clock_.now_ns()) && session_.take().ok()) checkpoint();
  tell_checkpoint_failure();
}

void SqliteWriter::Impl::tell_checkpoint_failure() {
  const SqliteError error = checkpointer_.take_failure();
  if (!error.ok()) signals_.raise(write_checkpoint_error_, error.message);
}

void SqliteWriter::Impl::checkpoint() {
  const std::int64_t began_ns = clock_.now_ns();
  const bool moved = checkpointer_.run(session_.connection(), began_ns);
  const std::int64_t now_ns = clock_.now_ns();
  totals_.checkpoints = checkpointer_.count();
  if (moved)
    signals_.raise_at(now_ns, write_checkpoint_, session_.wal_pages(), "pages",
                      (now_ns - began_ns) / kMillisecond, "ms");
}

GroupResult SqliteWriter::Impl::finish(bool durable) {
  if (finished_) return {};
  if (!dead_.ok()) {
    finished_ = true;
    return {.kind = GroupResult::Kind::kFailed, .status = dead_};
  }
  const bool writes = durable || !stats_.empty() || progress_.dirty();
  if (writes) {
    if (const GroupResult result = ensure_open(); !result.ok()) return result;
  }
  // At NORMAL the log isn't synced by COMMIT. One at FULL syncs all of it, also when a reader keeps
  // the checkpoint below from finishing.
  if (durable && options_.synchronous == Synchronous::kNormal) {
    const SqliteError error = session_.sync_commits();
    if (!error.ok()) {
      return {.kind = error.is_busy() ? GroupResult::Kind::kTransient : GroupResult::Kind::kFailed,
              .busy = error.is_busy(),
              .status = to_status(error, "syncing " + options_.database)};
    }
  }
  if (writes) {
    if (const GroupResult result = transaction({}, nullptr); !result.ok()) return result;
  }
  finished_ = true;
  Status status = wind_up(durable);
  if (status.ok()) return {};
  return {.kind = GroupResult::Kind::kFailed, .status = std::move(status)};
}

// Nothing more is written: checkpoints, makes durable what is to be, lets go of the database.
Status SqliteWriter::Impl::wind_up(bool durable) {
  const Status in_place = check_in_place();
  if (session_.is_open() && session_.take().ok()) {
    checkpointer_.finish(session_.connection(), clock_.now_ns());
    // One that was done after all; any other is the result.
    if (checkpointer_.failure().ok()) tell_checkpoint_failure();
  }
  totals_.checkpoints = checkpointer_.count();
  if (durable && sync_failure_.ok() && session_.is_open()) sync_failure_ = sync_database();
  session_.end_journal();
  close_session();
  Status status = to_status(checkpointer_.failure(), "checkpointing " + options_.database);
  if (status.ok() && durable) status = to_status(sync_failure_, "syncing " + options_.database);
  if (status.ok() && durable) status = sync_folder();
  if (!in_place.ok()) status = in_place;
  database_.release();
  lock_.release();
  return status;
}

// Whether the file that is written is still the one that its path names.
Status SqliteWriter::Impl::check_in_place() {
  const bool moved = session_.is_open() ? session_.is_moved() : !database_.is_at(path_);
  if (!moved) return Status::success();
  return {Code::kIo, options_.database +
                         ": was removed, renamed or replaced while it was written; what was "
                         "written is in the file that was opened, wherever that is now. Bring it "
                         "back, or read the input anew"};
}

// The database file, by SQLite's own handle: closing another one would drop all locks that this
// process has on the file, those of the embedding program's connections among them.
SqliteError SqliteWriter::Impl::sync_database() {
  sqlite3_file* file = nullptr;
  sqlite3* db = session_.connection().get();
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return {};
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
  return code == SQLITE_OK ? SqliteError{} : SqliteError{code, sqlite3_errstr(code)};
}

// Its name.
Status SqliteWriter::Impl::sync_folder() {
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (!synced) return {Code::kIo, "syncing " + folder + ": " + std::strerror(reason)};
  return Status::success();
}

SqliteWriter::SqliteWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteWriter::~SqliteWriter() = default;

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::open(const WriterOptions& options,
                                                         const Schema& schema, BatchPool& pool,
                                                         const Clock& clock, SignalSink& signals,
                                                         const RejectionNames& names) {
  auto impl = std::make_unique<Impl>(options, schema, pool, clock, signals, names);
  if (impl->has_turn()) {
    return Status(Code::kUsage,
                  "opening " + options.database +
                      ": expected a call while this thread isn't writing to that database, found "
                      "one from within a transaction, a callback or a listener, which would wait "
                      "for itself; open it before, or by another thread");
  }
  const Status status = impl->in_turn([&] { return impl->open(); });
  if (!status.ok()) return status;
  return std::unique_ptr<SqliteWriter>(new SqliteWriter(std::move(impl)));
}

Result<SourceStart> SqliteWriter::add_source(std::uint16_t index, const SourceSpec& spec) {
  return impl_->in_turn([&] { return impl_->add_source(index, spec); });
}
void SqliteWriter::source_ended(std::uint16_t index, std::uint64_t ordinal_end) {
  impl_->progress().source_ended(index, ordinal_end);
}
GroupResult SqliteWriter::write(std::span<const RowRef> slices, GroupFeed* feed) {
  return impl_->in_turn([&] { return impl_->write(slices, feed); });
}
std::span<const RowRef> SqliteWriter::answered_parents() const {
  return impl_->lineage().consumed();
}
void SqliteWriter::give_up(std::span<const RowRef> slices, std::uint8_t outcome) {
  impl_->give_up(slices, outcome);
}
void SqliteWriter::stage_stats(std::string json) { impl_->stage_stats(std::move(json)); }
GroupResult SqliteWriter::flush() {
  return impl_->in_turn([&] { return impl_->flush(); });
}
void SqliteWriter::on_idle() {
  impl_->in_turn([&] { impl_->on_idle(); });
}
GroupResult SqliteWriter::finish(bool durable) {
  return impl_->in_turn([&] { return impl_->finish(durable); });
}
const WriterTotals& SqliteWriter::totals() const { return impl_->totals(); }
RowTotals SqliteWriter::source_totals(std::uint16_t index) const {
  return impl_->progress().totals(index);
}
std::uint16_t SqliteWriter::source_end() const { return impl_->progress().source_end(); }
const WriterOptions& SqliteWriter::options() const { return impl_->options(); }

}  // namespace mayfly
