// GroupWriter: executes groups of independent writes on the one write connection, each group in one
// transaction, and gives each write its own result: one bad among a hundred fails alone.
//
// ATOMIC     A write is wholly there or not at all, whatever the others of its group do. A single
//            statement undoes itself; several run under a savepoint. But a single one that fails by
//            FAIL (INSERT OR FAIL, ON CONFLICT FAIL, RAISE(FAIL)) keeps what it had done before, as
//            that says: alone as in a group.
// FORBIDDEN  BEGIN, COMMIT, ROLLBACK and SAVEPOINT in a write: preparing one is refused, since it
//            would commit or undo what is others'; and what else is the owner's (owner_rules.h).
// ERRORS     A statement that ends the transaction (ON CONFLICT ROLLBACK, a full disk), or a write
//            that can't be undone by itself, takes the group with it: the others are done again
//            without it, those that failed as well: what they met may be gone, and what FAIL keeps
//            is. When COMMIT finds a constraint deferred until then, each is done again by itself,
//            to find whose. Every other failure of BEGIN or COMMIT is everybody's.
// THREADS    One at a time: the leader of the queue (commit_queue.h).
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/commit_queue.h"
#include "mayfly/storage/single_writer/owner_rules.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// One caller's write.
class GroupedWrite : public CommitQueue::Request {
 public:
  enum class Shape : std::uint8_t {
    kStatement,  // one: atomic by itself
    kSeveral,    // several, or a callable: all or nothing by a savepoint
    kOutside,    // what no transaction takes (VACUUM, PRAGMA): alone, and without one
    kOwn,        // a caller's function: alone, in a transaction, on the caller's thread
  };

  explicit GroupedWrite(Shape shape)
      : Request(shape == Shape::kOutside || shape == Shape::kOwn, shape == Shape::kOwn),
        shape_(shape) {}

  Shape shape() const { return shape_; }
  // Does it: rows changed. May be called again, after everything of the first time was rolled back,
  // unless it is alone.
  virtual DbResult<std::int64_t> perform() noexcept = 0;

  // Once it has been executed.
  DbResult<std::int64_t> result = DbError{};

 private:
  friend class GroupWriter;
  const Shape shape_;
  bool ends_group_ = false;  // it would end the transaction again, and has its error
};

class GroupWriter final : public CommitQueue::Executor {
 public:
  explicit GroupWriter(SqliteConnection& connection) : connection_(connection) {}

  // Once the connection is open, and again when it was opened anew. The connection's authorizer is
  // the writer's until close(); it denies nothing but to the writes that are executed.
  SqliteError prepare();
  // Statements go, before the connection does.
  void close();

  void execute(std::span<CommitQueue::Request* const> group) noexcept override;

  std::uint64_t transactions() const { return transactions_; }
  // What writes left changed on the connection since the last call.
  ConnectionChange take_change() { return std::exchange(change_, ConnectionChange::kNone); }

 private:
  using Group = std::span<CommitQueue::Request* const>;

  void execute_alone(GroupedWrite& write);
  void execute_together(Group group);
  // False: the transaction is gone, and `group` without whoever ended it is to be done again.
  bool perform_all(Group group);
  void perform_several(GroupedWrite& write);
  DbResult<std::int64_t> perform(GroupedWrite& write);
  void rollback();
  static int authorize(void* self, int action, const char* name, const char* value,
                       const char* database, const char*);

  SqliteConnection& connection_;
  ConnectionChange change_ = ConnectionChange::kNone;
  bool is_authorizer_ = false;  // the connection's
  bool lent_ = false;           // to a write, which is executed
  bool outside_ = false;        // it is one that no transaction takes
  SqliteStatement begin_, commit_, rollback_, savepoint_, release_, undo_;
  std::uint64_t transactions_ = 0;
};

}  // namespace mayfly
