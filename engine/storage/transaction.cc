// One transaction of SqliteWriter: insert, record, commit; or take everything back.
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "mayfly/data/uniform.h"
#include "mayfly/storage/exact_value.h"
#include "mayfly/storage/stats/stats_table.h"
#include "mayfly/storage/timestamp.h"
#include "mayfly/storage/writer_impl.h"

namespace mayfly {

using Kind = GroupResult::Kind;

GroupResult SqliteWriter::Impl::write(std::span<const RowRef> slices, GroupFeed* feed) {
  if (!dead_.ok()) return {.kind = Kind::kFailed, .status = dead_};
  return transaction(slices, feed);
}

GroupResult SqliteWriter::Impl::flush() {
  if (!dead_.ok()) return {.kind = Kind::kFailed, .status = dead_};
  if (stats_.empty() && !progress_.dirty()) return {};
  return transaction({}, nullptr);
}

GroupResult SqliteWriter::Impl::transaction(std::span<const RowRef> slices, GroupFeed* feed) {
  if (GroupResult result = ensure_open(); !result.ok()) return result;
  rejections_.clear();
  letters_.clear();
  outcomes_set_ = false;
  progress_.begin();
  lineage_.begin();
  dead_letters_.begin();
  inserter_->begin();
  writeback_.begin();
  session_.check_exceptions(false);
  constexpr std::int64_t kPlaceCheckNs = kSecond;
  if (const std::int64_t now_ns = clock_.now_ns(); now_ns - place_checked_ns_ >= kPlaceCheckNs) {
    place_checked_ns_ = now_ns;
    if (Status status = check_in_place(); !status.ok()) {
      return undo({.kind = Kind::kFailed, .status = std::move(status)});
    }
  }
  SqliteError error = session_.take();
  if (error.ok()) error = session_.begin();
  if (!error.ok()) return undo(error, classify(error.code) == ErrorClass::kFatal);
  std::uint32_t taken = 0;
  GroupResult result = insert_slices(slices, feed, taken);
  if (result.kind == Kind::kCommitted) result = record(slices.first(taken));
  if (result.kind == Kind::kCommitted) result = commit();
  result.slices = taken;
  return result;
}

// Another user of the connection may have found it lost. Before a transaction: there is nothing to
// undo, and what is known of the last one is no more to be touched.
GroupResult SqliteWriter::Impl::ensure_open() {
  if (session_.is_open()) return {};
  if (Status status = check_in_place(); !status.ok()) {
    return refuse({.kind = Kind::kFailed, .status = std::move(status)});
  }
  const SqliteError error = reopen();
  if (error.ok()) return {};
  // Of a file that can't be opened just now there may be descriptors again.
  const bool passes =
      classify(error.code) == ErrorClass::kTransient || error.primary() == SQLITE_CANTOPEN;
  return refuse({.kind = passes ? Kind::kTransient : Kind::kFailed,
                 .busy = error.is_busy(),
                 .status = to_status(error, "opening " + options_.database + " again")});
}

GroupResult SqliteWriter::Impl::insert_slices(std::span<const RowRef>& slices, GroupFeed* feed,
                                              std::uint32_t& taken) {
  const std::int64_t began_ns = clock_.now_ns();
  while (taken < slices.size()) {
    const std::size_t before = inserter_->size();
    do {
      gather(slices[taken++]);
    } while (taken < slices.size() && !options_.per_batch &&
             inserter_->size() - before < kStatementRows);
    if (const auto inserted = inserter_->insert(); !inserted.ok) {
      return undo(inserted.error, inserted.fatal);
    }
    writeback_.inserted(session_.connection(), inserter_->size());
    if (clock_.now_ns() - began_ns > options_.group_limit_ns()) break;
    if (taken == slices.size() && feed != nullptr) slices = feed->more();
  }
  if (const auto settled = inserter_->settle_deferred(); !settled.ok) {
    return undo(settled.error, settled.fatal);
  }
  if (options_.on_error == OnRowError::kFail && !(rejections_.empty() && letters_.empty())) {
    return refuse_row();
  }
  return {};
}

// Hands a slice's pending rows to the inserter.
void SqliteWriter::Impl::gather(RowRef head) {
  const mayfly_batch& batch = *pool_.batch(head);
  const RowRef base = make_ref(batch.id, 0);
  if (has_exceptions(batch, target_.select_checks())) session_.check_exceptions(true);
  const bool checked = needs_check(batch);
  if (!checked && slice_is_all(batch, row_of(head), batch.outcome, std::uint8_t{MAYFLY_PENDING})) {
    all_of_runs(batch, row_of(head), [&](std::uint16_t first, std::uint32_t rows) {
      inserter_->add_run(base | first, rows);
      return true;
    });
    return;
  }
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    if (batch.outcome[row] == MAYFLY_PENDING) {
      if (!checked || !reject_changed(batch, row)) inserter_->add(base | row);
    } else if (batch.outcome[row] == MAYFLY_DEAD_LETTERED) {
      letters_.push_back(base | row);
    }
  });
}

// Whether any of its values might not be stored as it is.
bool SqliteWriter::Impl::needs_check(const mayfly_batch& batch) const {
  const auto key = target_.rowid_key();
  if (key && !all_set(batch.columns[*key].valid, batch.rows)) return true;
  return std::ranges::any_of(
             target_.checks(),
             [](const ColumnCheck& check) { return check.check != ValueCheck::kExceptions; }) ||
         has_exceptions(batch, target_.checks());
}

bool SqliteWriter::Impl::has_exceptions(const mayfly_batch& batch,
                                        const std::vector<ColumnCheck>& checks) {
  const std::uint32_t words = (batch.rows + 63) / 64;
  return std::ranges::any_of(checks, [&](const ColumnCheck& check) {
    return !all_are(batch.columns[check.column].exceptions, words, std::uint64_t{0});
  });
}

bool SqliteWriter::Impl::reject_changed(const mayfly_batch& batch, std::uint16_t row) {
  if (const auto key = target_.rowid_key(); key && is_null(batch.columns[*key], row)) {
    rejections_.add(make_ref(batch.id, row), WriterReason::kNotNull,
                    describe_missing_key(schema_[*key].name));
    return true;
  }
  for (const ColumnCheck& check : target_.checks()) {
    const mayfly_column& column = batch.columns[check.column];
    if (is_null(column, row)) continue;
    if (check.check == ValueCheck::kExceptions && !is_exception(column, row)) continue;
    if (!would_change(batch, check.column, row, check.affinity)) continue;
    rejections_.add(
        make_ref(batch.id, row), WriterReason::kWouldChange,
        describe_change(batch, check.column, row, schema_[check.column].name, check.affinity));
    return true;
  }
  return false;
}

// Under on_error = fail: says which row it was.
GroupResult SqliteWriter::Impl::refuse_row() {
  std::string text;
  if (!rejections_.empty()) {
    const Rejection& first = rejections_.list().front();
    text = dead_letters_.place_of(first.row) + " can't be written: ";
    text.append(code_of(first.reason)).append(": ").append(rejections_.text(first));
  } else {
    text = dead_letters_.place_of(letters_.front()) +
           " was rejected: " + dead_letters_.describe(letters_.front());
  }
  text +=
      "; nothing of its transaction was written. Correct it, or let bad rows go to "
      "mayfly_dead_letters";
  return undo({.kind = Kind::kFailed, .status = Status(Code::kBadData, std::move(text))});
}

GroupResult SqliteWriter::Impl::record(std::span<const RowRef> slices) {
  set_outcomes();
  for (const RowRef head : slices) {
    const mayfly_batch& batch = *pool_.batch(head);
    progress_.answered(batch, row_of(head));
    lineage_.stage(batch, row_of(head));
  }
  count_updates();
  for (const RowRef parent : lineage_.consumed()) {
    mayfly_batch& batch = *pool_.batch(parent);
    batch.outcome[row_of(parent)] = MAYFLY_CONSUMED;
    progress_.answered_row(batch, row_of(parent));
  }
  SqliteError error = put_dead_letters();
  if (error.ok()) error = progress_.save();
  if (error.ok()) error = put_stats();
  if (error.ok()) error = commits_.stage();
  if (error.ok()) return {};
  // Constraints of our own tables mean that somebody else writes them: not a row's fault.
  return undo(error, classify(error.code) != ErrorClass::kTransient);
}

void SqliteWriter::Impl::set_outcomes() {
  outcomes_set_ = true;
  const std::vector<RowRef>& rows = inserter_->rows();
  if (inserter_->all_inserted()) {
    // Run by run: rows were added slice by slice.
    for (std::size_t i = 0; i < rows.size();) {
      std::size_t end = i + 1;
      while (end < rows.size() && rows[end] == rows[end - 1] + 1) ++end;
      std::memset(pool_.batch(rows[i])->outcome + row_of(rows[i]), MAYFLY_WRITTEN, end - i);
      i = end;
    }
  } else {
    // Which of two reasons a row had no effect for isn't known: behind a SELECT it counts as left
    // out by it, unless a known key may have been kept.
    const bool keeps = options_.mode == WriteMode::kIgnore ||
                       (options_.mode == WriteMode::kUpsert && !target_.updates());
    const bool filtered = !options_.select.empty() && !keeps;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      mayfly_batch& batch = *pool_.batch(rows[i]);
      const std::uint16_t row = row_of(rows[i]);
      if (inserter_->effect(i) != RowInserter::Effect::kNone) {
        batch.outcome[row] = MAYFLY_WRITTEN;
      } else if (filtered) {
        batch.outcome[row] = MAYFLY_DROPPED;
        batch.judge[row] = kWriterJudge;
        batch.reason[row] = static_cast<std::uint16_t>(WriterReason::kFiltered);
      } else {
        batch.outcome[row] = MAYFLY_IGNORED;
      }
    }
  }
  for (const Rejection& rejection : rejections_.list()) {
    mayfly_batch& batch = *pool_.batch(rejection.row);
    batch.outcome[row_of(rejection.row)] = MAYFLY_DEAD_LETTERED;
    batch.judge[row_of(rejection.row)] = kWriterJudge;
    batch.reason[row_of(rejection.row)] = static_cast<std::uint16_t>(rejection.reason);
  }
}

void SqliteWriter::Impl::count_updates() {
  if (inserter_->all_inserted()) return;
  const std::vector<RowRef>& rows = inserter_->rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (inserter_->effect(i) != RowInserter::Effect::kUpdated) continue;
    progress_.updated(pool_.batch(rows[i])->source[row_of(rows[i])], 1);
  }
}

SqliteError SqliteWriter::Impl::put_dead_letters() {
  for (const RowRef row : letters_) {
    if (SqliteError error = dead_letters_.put(session_.connection(), row); !error.ok()) {
      return error;
    }
  }
  for (const Rejection& rejection : rejections_.list()) {
    SqliteError error =
        dead_letters_.put(session_.connection(), rejection, rejections_.text(rejection));
    if (!error.ok()) return error;
  }
  return {};
}

SqliteError SqliteWriter::Impl::put_stats() {
  if (stats_.empty()) return {};
  SqliteConnection& connection = session_.connection();
  SqliteError error = connection.run(std::string(kStatsTableSql));
  SqliteStatement statement;
  if (error.ok()) error = connection.prepare(kStatsInsertSql, statement, false);
  if (!error.ok()) return error;
  const std::string at = iso8601(clock_.wall_us());
  statement.bind(1, options_.name).bind(2, at).bind(3, ::getpid()).bind(4, stats_);
  return statement.run();
}

GroupResult SqliteWriter::Impl::commit() {
  constexpr int kTries = 3;
  SqliteError error;
  for (int i = 0; i < kTries; ++i) {
    error = session_.commit();
    if (error.ok()) {
      committed();
      return {};
    }
    // Readers of a rollback journal, or a checkpoint: the transaction is whole and still open.
    if (error.primary() != SQLITE_BUSY || session_.connection().autocommit()) break;
  }
  if (error.primary() == SQLITE_BUSY) return undo(error, false);
  // A deferred constraint that the probe before COMMIT didn't see: trying again wouldn't help.
  if (classify(error.code) == ErrorClass::kRow) return undo(error, true);
  return verify_commit(error);
}

// The disk failed in COMMIT. Whether the transaction is there is asked of the database, by a
// connection that has seen nothing of the failure.
GroupResult SqliteWriter::Impl::verify_commit(const SqliteError& error) {
  session_.rollback();
  const bool is_sync = error.code == SQLITE_IOERR_FSYNC || error.code == SQLITE_IOERR_DIR_FSYNC;
  if (is_sync && sync_failure_.ok()) sync_failure_ = error;
  session_.discard();
  tell_checkpoint_failure();  // its thread's, which ended with the connection
  bool written = false;
  SqliteError reading = reopen();
  if (reading.ok()) reading = commits_.was_written(session_.connection(), written);
  if (reading.ok() && !written) {
    return undo(error, classify(error.code) != ErrorClass::kTransient);
  }
  // Written, but perhaps not on disk; or nobody knows. After a failed fsync the cache proves
  // nothing.
  dead_ =
      Status(Code::kIo, "COMMIT failed: " + error.message + " (SQLite error " +
                            std::to_string(error.code) + "), and " +
                            (reading.ok() ? "the transaction is in the file all the same"
                                          : "the database can't be read back: " + reading.message) +
                            "; the writer stops. Check the disk, then resume");
  GroupResult result = undo(GroupResult{.kind = Kind::kUnknown, .status = dead_});
  return result;
}

void SqliteWriter::Impl::committed() {
  commits_.committed();
  progress_.commit();
  lineage_.commit();
  stats_.clear();
  if (checkpointer_.is_due(session_.wal_pages(), clock_.now_ns())) checkpoint();
  tell_checkpoint_failure();
  if (const std::uint32_t pages = checkpointer_.growth(); pages > 0) {
    signals_.raise(wal_growing_, pages, "pages");
  }
  totals_.rows = progress_.totals();
  ++totals_.transactions;
  totals_.statements = inserter_->statements();
  totals_.rows_tried = inserter_->rows_tried();
  totals_.checkpoints = checkpointer_.count();
  totals_.wal_pages = session_.wal_pages();
}

GroupResult SqliteWriter::Impl::undo(const SqliteError& error, bool fatal) {
  GroupResult result;
  result.kind = fatal ? Kind::kFailed : Kind::kTransient;
  result.busy = error.is_busy();
  result.status = to_status(error, "writing to table " + options_.table);
  return undo(std::move(result));
}

// Everything as it was before the transaction.
GroupResult SqliteWriter::Impl::undo(GroupResult result) {
  if (session_.is_open()) session_.rollback();
  if (outcomes_set_) {
    for (const RowRef ref : inserter_->rows()) {
      pool_.batch(ref)->outcome[row_of(ref)] = MAYFLY_PENDING;
    }
    for (const Rejection& rejection : rejections_.list()) {
      pool_.batch(rejection.row)->outcome[row_of(rejection.row)] = MAYFLY_PENDING;
    }
    for (const RowRef parent : lineage_.consumed()) {
      pool_.batch(parent)->outcome[row_of(parent)] = MAYFLY_PENDING;
    }
    outcomes_set_ = false;
  }
  dead_letters_.forget();
  progress_.rollback();
  lineage_.rollback();
  return refuse(std::move(result));
}

GroupResult SqliteWriter::Impl::refuse(GroupResult result) {
  if (result.kind == Kind::kTransient) ++totals_.transient_failures;
  if (result.kind == Kind::kFailed) dead_ = result.status;
  return result;
}

void SqliteWriter::Impl::close_session() {
  drop_statements();
  session_.close();
}

void SqliteWriter::Impl::let_go() noexcept {
  drop_statements();
  session_.let_go();
}

// Every statement: SQLite keeps a connection open for those that are left.
void SqliteWriter::Impl::drop_statements() {
  dead_letters_.forget();
  progress_.forget();
  commits_.forget();
  checkpointer_.forget();
  writeback_.disable();
}

void SqliteWriter::Impl::begin_turns(SqliteConnection&) {
  if (inserter_ != nullptr) inserter_->attach();
}

void SqliteWriter::Impl::end_turns(SqliteConnection&) {
  if (inserter_ != nullptr) inserter_->detach();
  session_.end_turns();
}

SqliteError SqliteWriter::Impl::reopen() {
  // Another file in its place: opened, it would be given what this one's log holds.
  if (!database_.is_at(path_)) {
    return {SQLITE_READONLY_DBMOVED, "the database can't be opened again"};
  }
  SqliteError error = session_.connect(path_, options_.vfs, false);
  if (error.ok()) error = session_.configure(options_);
  if (error.ok()) error = session_.prepare(target_, options_);
  if (error.ok()) error = session_.end_waiting();
  if (error.ok()) error = commits_.prepare(session_.connection());
  if (error.ok() && progress_.has_sources()) error = progress_.prepare(session_.connection());
  if (!error.ok()) {
    close_session();
    return error;
  }
  return {};
}

}  // namespace mayfly
