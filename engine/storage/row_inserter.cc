#include "mayfly/storage/row_inserter.h"

#include <sqlite3.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

// Only there when SQLite was built with it; the header hides it otherwise.
extern "C" void* sqlite3_preupdate_hook(sqlite3*,
                                        void (*)(void*, sqlite3*, int, const char*, const char*,
                                                 sqlite3_int64, sqlite3_int64),
                                        void*) __attribute__((weak));

namespace mayfly {

struct ChangeHook {
  static void update(void* self, int operation, const char* database, const char* table,
                     sqlite3_int64) {
    static_cast<RowInserter*>(self)->on_change(operation, database, table);
  }
  static void preupdate(void* self, sqlite3*, int operation, const char* database,
                        const char* table, sqlite3_int64, sqlite3_int64) {
    static_cast<RowInserter*>(self)->on_change(operation, database, table);
  }
};

RowInserter::RowInserter(Session& session, const Target& target, const WriterOptions& options,
                         Rejections& rejections)
    : session_(session), target_(target), options_(options), rejections_(rejections) {
  const bool may_update = options.mode == WriteMode::kUpsert ||
                          options.mode == WriteMode::kReplace || target.replaces_rows();
  if ((may_update || !target.one_row_each()) && !options.per_batch) start_counting();
}

RowInserter::~RowInserter() = default;

void RowInserter::attach() {
  if (!counting_) return;  // a hook costs some nanoseconds a row
  // The update hook isn't called for WITHOUT ROWID tables, nor for rows that REPLACE deletes.
  const bool needs_preupdate =
      target_.without_rowid() || target_.replaces_rows() || options_.mode == WriteMode::kReplace;
  if (needs_preupdate && sqlite3_preupdate_hook != nullptr) {
    sqlite3_preupdate_hook(session_.connection().get(), ChangeHook::preupdate, this);
  } else {
    sqlite3_update_hook(session_.connection().get(), ChangeHook::update, this);
  }
}

void RowInserter::detach() {
  if (!counting_) return;
  sqlite3* const db = session_.connection().get();
  sqlite3_update_hook(db, nullptr, nullptr);
  if (sqlite3_preupdate_hook != nullptr) sqlite3_preupdate_hook(db, nullptr, nullptr);
}

void RowInserter::start_counting() {
  counting_ = true;
  effects_.assign(rows_.size(), static_cast<std::uint8_t>(Effect::kInserted));
  one_by_one_ = target_.without_rowid() && sqlite3_preupdate_hook == nullptr;
  attach();
}

void RowInserter::on_change(int operation, const char* database, const char* table) {
  if (!counting_ || strcasecmp(table, target_.table().c_str()) != 0 ||
      std::strcmp(database, "main") != 0) {
    return;
  }
  const std::size_t position = one_by_one_ ? 0 : session_.batches().position();
  if (change_base_ + position >= effects_.size() ||
      (!one_by_one_ && position >= session_.batches().window_size())) {
    hook_blind_ = true;
    return;
  }
  std::uint8_t& effect = effects_[change_base_ + position];
  if (operation != SQLITE_INSERT) {
    effect = static_cast<std::uint8_t>(Effect::kUpdated);  // an old row changed or made way
  } else if (effect == static_cast<std::uint8_t>(Effect::kNone)) {
    effect = static_cast<std::uint8_t>(Effect::kInserted);
  }
}

void RowInserter::begin() {
  rows_.clear();
  effects_.clear();
  batch_ends_.clear();
  orphans_.clear();
  inserted_ = 0;
}

RowInserter::Result RowInserter::insert() {
  if (counting_) effects_.resize(rows_.size());
  if (options_.per_batch) return insert_batch();
  std::size_t window = rows_.size() - inserted_;
  std::size_t bad_end = 0;  // the window up to here has failed
  std::size_t last_reject = inserted_;
  while (inserted_ < rows_.size()) {
    const std::size_t left = rows_.size() - inserted_;
    std::size_t end = inserted_ + std::min(window, left);
    if (bad_end > inserted_) end = inserted_ + std::max<std::size_t>(1, (bad_end - inserted_) / 2);
    Attempt state = attempt(end);
    if (state == Attempt::kRowError && culprit_ != kNoPosition && culprit_ > inserted_) {
      const SqliteError error = error_;
      const std::size_t culprit = culprit_;
      state = attempt(culprit);
      if (state == Attempt::kDone) {
        error_ = error;
        is_orphan_ = false;
        culprit_ = culprit;
        state = Attempt::kRowError;
      } else {
        end = culprit;
      }
    }
    if (state == Attempt::kFailed) return failed();
    if (state == Attempt::kDone) {
      if (inserted_ >= bad_end) window = std::max(window, 2 * window);
      continue;
    }
    const bool found = culprit_ == inserted_ || end - inserted_ == 1;
    if (!found) {
      bad_end = end;
      continue;
    }
    // Where bad rows are many and have to be searched for, large windows are a waste.
    if (culprit_ == kNoPosition) window = std::max(kWindowMin, 2 * (inserted_ - last_reject));
    reject_next();
    last_reject = inserted_;
    bad_end = 0;
  }
  return {};
}

RowInserter::Result RowInserter::insert_batch() {
  const std::size_t first = inserted_;
  if (first == rows_.size()) return {};
  switch (attempt(rows_.size())) {
    case Attempt::kFailed:
      return failed();
    case Attempt::kDone:
      batch_ends_.push_back(inserted_);
      break;
    default:
      reject_from(first);
      break;
  }
  return {};
}

RowInserter::Attempt RowInserter::attempt(std::size_t end) {
  while (inserted_ < end) {
    const std::size_t window_end = one_by_one_ ? inserted_ + 1 : end;
    const Attempt state = run({inserted_, window_end});
    if (state == Attempt::kAgain) continue;
    if (state != Attempt::kDone) {
      if (one_by_one_ && state == Attempt::kRowError) culprit_ = inserted_;
      return state;
    }
    inserted_ = window_end;
  }
  return Attempt::kDone;
}

RowInserter::Attempt RowInserter::run(Window window) {
  if (counting_) {
    std::fill(effects_.begin() + static_cast<std::ptrdiff_t>(window.first),
              effects_.begin() + static_cast<std::ptrdiff_t>(window.end),
              static_cast<std::uint8_t>(Effect::kNone));
  }
  hook_blind_ = false;
  change_base_ = window.first;
  ++statements_;
  if (const SqliteError error = session_.savepoint(); !error.ok()) return fail(error, false);
  session_.batches().set_window(std::span(rows_).subspan(window.first, window.end - window.first));
  SqliteError error;
  session_.insert().step(error);
  const std::int64_t changes = sqlite3_changes64(session_.connection().get());
  session_.insert().reset();
  rows_tried_ +=
      std::min(session_.batches().position() + (error.ok() ? 0 : 1), window.end - window.first);
  return error.ok() ? check_result(window, changes) : on_error(window, error);
}

RowInserter::Attempt RowInserter::check_result(Window window, std::int64_t changes) {
  const auto rows = static_cast<std::int64_t>(window.end - window.first);
  bool again = false;
  if (options_.per_batch) {
    // Answered as a whole, whatever the SELECT made of it.
  } else if (!counting_ && changes != rows) {
    start_counting();  // rows were ignored or filtered: which?
    again = true;
  } else if (counting_ && hook_blind_) {
    // Under triggers SQLite reads the whole window before it inserts.
    again = one_by_one_ = true;
  }
  if (again) {
    const SqliteError error = session_.undo();
    return error.ok() ? Attempt::kAgain : fail(error, false);
  }
  if (counting_ && one_by_one_) {
    auto& effect = effects_[window.first];
    if (changes == 0) effect = static_cast<std::uint8_t>(Effect::kNone);
    if (changes > 0 && effect == static_cast<std::uint8_t>(Effect::kNone)) {
      effect = static_cast<std::uint8_t>(Effect::kInserted);
    }
  }
  if (strict_deferred_ && session_.has_deferred_violations()) {
    if (const SqliteError error = session_.undo(); !error.ok()) return fail(error, false);
    error_ = {SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"};
    is_orphan_ = true;
    culprit_ = kNoPosition;
    return Attempt::kRowError;
  }
  if (const SqliteError error = session_.release(); !error.ok()) return fail(error, false);
  return Attempt::kDone;
}

RowInserter::Attempt RowInserter::on_error(Window window, const SqliteError& error) {
  const BatchTable& table = session_.batches();
  // A statement that never read a row can't run at all: a column or the table is gone.
  const bool is_row = classify(error.code) == ErrorClass::kRow && table.scanned();
  const std::size_t position = table.position();
  if (!is_row) return fail(error, classify(error.code) != ErrorClass::kTransient);
  if (replaying_) return fail(error, true);
  if (session_.connection().autocommit()) {
    if (const Attempt state = begin_again(); state != Attempt::kDone) return state;
  } else if (const SqliteError undone = session_.undo(); !undone.ok()) {
    return fail(undone, false);
  }
  error_ = error;
  is_orphan_ = false;
  // A SELECT may read the window in ways that leave the cursor elsewhere.
  const bool trusted = options_.select.empty() && position < window.end - window.first;
  culprit_ = trusted ? window.first + position : kNoPosition;
  return Attempt::kRowError;
}

// The transaction was rolled back as a whole (ON CONFLICT ROLLBACK).
RowInserter::Attempt RowInserter::begin_again() {
  if (const SqliteError error = session_.begin(); !error.ok()) return fail(error, false);
  const std::size_t inserted = inserted_;
  replaying_ = true;
  inserted_ = 0;
  Attempt state = Attempt::kDone;
  if (options_.per_batch) {
    for (std::size_t i = 0; i < batch_ends_.size() && state == Attempt::kDone; ++i) {
      state = attempt(batch_ends_[i]);
    }
  } else {
    state = attempt(inserted);
  }
  replaying_ = false;
  if (state == Attempt::kRowError) return fail(error_, true);
  return state;
}

RowInserter::Attempt RowInserter::fail(const SqliteError& error, bool fatal) {
  error_ = error;
  fatal_ = fatal;
  return Attempt::kFailed;
}

RowInserter::Result RowInserter::settle_deferred() {
  if (!session_.has_deferred_violations()) return {};
  session_.rollback();
  if (const SqliteError error = session_.begin(); !error.ok()) {
    fail(error, false);
    return failed();
  }
  strict_deferred_ = true;
  Result result;
  if (options_.per_batch) {
    result = reinsert_batches();
  } else {
    inserted_ = 0;
    result = insert();
    // Parents may come after their children: as long as some find theirs, try the others again.
    for (std::size_t before = SIZE_MAX; result.ok && orphans_.size() < before;) {
      before = orphans_.size();
      if (before == 0) break;
      rows_.insert(rows_.end(), orphans_.begin(), orphans_.end());
      orphans_.clear();
      result = insert();
    }
  }
  strict_deferred_ = false;
  for (const RowRef row : orphans_) {
    rejections_.add(row, WriterReason::kForeignKey,
                    "FOREIGN KEY constraint failed: no row of the table or of this transaction is "
                    "its parent");
  }
  orphans_.clear();
  return result;
}

RowInserter::Result RowInserter::reinsert_batches() {
  const std::vector<RowRef> rows = rows_;
  const std::vector<std::size_t> ends = batch_ends_;
  begin();
  std::size_t first = 0;
  for (const std::size_t end : ends) {
    for (std::size_t i = first; i < end; ++i) add(rows[i]);
    first = end;
    if (Result result = insert_batch(); !result.ok) return result;
  }
  return {};
}

void RowInserter::reject_next() {
  if (is_orphan_) {
    orphans_.push_back(rows_[inserted_]);
  } else {
    rejections_.add(rows_[inserted_], reason_of(error_.code), error_.message);
  }
  drop_rows(inserted_, inserted_ + 1);
}

void RowInserter::reject_from(std::size_t first) {
  for (std::size_t i = first; i < rows_.size(); ++i) {
    rejections_.add(rows_[i], reason_of(error_.code), error_.message);
  }
  drop_rows(first, rows_.size());
}

void RowInserter::drop_rows(std::size_t first, std::size_t end) {
  const auto erase = [first, end](auto& list) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(first),
               list.begin() + static_cast<std::ptrdiff_t>(end));
  };
  erase(rows_);
  if (counting_) erase(effects_);
}

}  // namespace mayfly
