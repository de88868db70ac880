// RowInserter: puts rows into the target, many by one statement, and leaves out exactly those that
// can't be.
//
// METHOD
//   1. A window of rows is inserted by one statement under a SAVEPOINT. On a row error the
//   savepoint is
//      undone (ON CONFLICT FAIL and RAISE(FAIL) would keep rows). The virtual table's cursor stands
//      on the culprit: the rows before it are inserted again, it is rejected, and it goes on behind
//      it, so a row is written at most twice.
//   2. Where the cursor tells nothing (immediate foreign keys, triggers, a sorting SELECT: it is at
//   the
//      end), the window is halved until it is one row.
//   3. ON CONFLICT ROLLBACK ends the whole transaction: it is begun again and what was inserted
//   before
//      is inserted again.
//   4. Deferred foreign keys: when rows still miss their parents before COMMIT, all is inserted
//   anew and
//      a window counts as failed when it leaves violations. Rows that fail alone are tried once
//      more at the end, for parents that come after their children; what then fails is rejected.
//   5. What became of single rows (inserted, updated, ignored) is asked of SQLite's update hook,
//   and only
//      where it can differ; where the hook can't tell rows apart, they are inserted one by one.
//
// OWNERSHIP  Borrows the session and the rejections.
// THREADS    The writer's.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "mayfly/storage/rejections.h"
#include "mayfly/storage/session.h"
#include "mayfly/storage/target.h"

namespace mayfly {

class RowInserter {
 public:
  enum class Effect : std::uint8_t { kNone, kInserted, kUpdated };

  // Ok, or an error of the whole transaction.
  struct Result {
    bool ok = true;
    bool fatal = false;  // else transient
    SqliteError error;
  };

  RowInserter(Session& session, const Target& target, const WriterOptions& options,
              Rejections& rejections);
  ~RowInserter();
  RowInserter(const RowInserter&) = delete;
  RowInserter& operator=(const RowInserter&) = delete;

  // The session's turns begin: changes are told to this object; and end.
  void attach();
  void detach();

  // A transaction was begun.
  void begin();
  // Rows to insert next. They are the rows of whole slices; per batch, of one.
  void add(RowRef row) { rows_.push_back(row); }
  void add_run(RowRef first, std::uint32_t rows) {
    const std::size_t begin = rows_.size();
    rows_.resize(begin + rows);
    std::iota(rows_.begin() + static_cast<std::ptrdiff_t>(begin), rows_.end(), first);
  }
  std::size_t size() const { return rows_.size(); }
  // Inserts what was added since the last call.
  Result insert();
  // After the last insert(): nothing may be left that COMMIT would refuse.
  Result settle_deferred();

  // What is in the database now, in no promised order.
  const std::vector<RowRef>& rows() const { return rows_; }
  // Of rows()[i].
  Effect effect(std::size_t i) const {
    return counting_ ? static_cast<Effect>(effects_[i]) : Effect::kInserted;
  }
  // All of rows() were inserted: no need to ask for each.
  bool all_inserted() const { return !counting_; }
  std::uint64_t statements() const { return statements_; }
  // Rows that statements got to, repeats included.
  std::uint64_t rows_tried() const { return rows_tried_; }

 private:
  friend struct ChangeHook;

  enum class Attempt : std::uint8_t { kDone, kRowError, kAgain, kFailed };
  struct Window {  // indices of rows_
    std::size_t first;
    std::size_t end;
  };
  static constexpr std::size_t kNoPosition = SIZE_MAX;
  static constexpr std::size_t kWindowMin = 16;

  Result insert_batch();
  // Rows up to `end`, by one statement or one by one; inserted_ says how far it came.
  Attempt attempt(std::size_t end);
  Attempt run(Window window);
  Attempt check_result(Window window, std::int64_t changes);
  Attempt on_error(Window window, const SqliteError& error);
  Attempt begin_again();
  Attempt fail(const SqliteError& error, bool fatal);
  Result reinsert_batches();
  void start_counting();
  void reject_next();
  void reject_from(std::size_t first);
  void drop_rows(std::size_t first, std::size_t end);
  void on_change(int operation, const char* database, const char* table);
  Result failed() const { return {false, fatal_, error_}; }

  Session& session_;
  const Target& target_;
  const WriterOptions& options_;
  Rejections& rejections_;

  std::vector<RowRef> rows_;  // the first inserted_ are in the transaction
  std::size_t inserted_ = 0;
  std::vector<std::uint8_t> effects_;    // Effect of each, when counting
  std::vector<std::size_t> batch_ends_;  // per batch: where each one's rows end
  std::vector<RowRef> orphans_;          // rows whose parents may come later
  std::size_t change_base_ = 0;          // rows_ index of the running window
  bool counting_ = false;
  bool one_by_one_ = false;
  bool hook_blind_ = false;  // the hook was called with the cursor at the end
  bool replaying_ = false;
  bool strict_deferred_ = false;  // a window that leaves violations has failed
  std::uint64_t statements_ = 0;
  std::uint64_t rows_tried_ = 0;

  // Of the last attempt that wasn't kDone.
  SqliteError error_;
  bool fatal_ = false;
  bool is_orphan_ = false;             // a deferred foreign key
  std::size_t culprit_ = kNoPosition;  // rows_ index
};

}  // namespace mayfly
