#include "mayfly/storage/single_writer/group_writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <string_view>

namespace mayfly {
namespace {

GroupedWrite& write_of(CommitQueue::Request* request) {
  return static_cast<GroupedWrite&>(*request);
}

bool is_running_a_statement(sqlite3* db) {
  sqlite3_stmt* statement = nullptr;
  while ((statement = sqlite3_next_stmt(db, statement)) != nullptr) {
    if (sqlite3_stmt_busy(statement) != 0) return true;
  }
  return false;
}

}  // namespace

SqliteError GroupWriter::prepare() {
  const struct {
    SqliteStatement& statement;
    std::string_view sql;
  } list[] = {{begin_, "BEGIN IMMEDIATE"},  {commit_, "COMMIT"},
              {rollback_, "ROLLBACK"},      {savepoint_, "SAVEPOINT mayfly"},
              {release_, "RELEASE mayfly"}, {undo_, "ROLLBACK TO mayfly"}};
  // First: setting it makes every statement be prepared anew.
  connection_.exchange_authorizer({authorize, this});
  is_authorizer_ = true;
  SqliteError error;
  for (const auto& [statement, sql] : list) {
    if (error.ok()) error = connection_.prepare(sql, statement);
  }
  return error;
}

int GroupWriter::authorize(void* self, int action, const char* name, const char* value,
                           const char* database, const char*) {
  auto& writer = *static_cast<GroupWriter*>(self);
  if (!writer.lent_) return SQLITE_OK;
  // VACUUM has transactions and a database of its own, which SQLite prepares while it runs.
  if (writer.outside_ && is_running_a_statement(writer.connection_.get())) return SQLITE_OK;
  if (is_owners(action, name, value)) return SQLITE_DENY;
  writer.change_ = std::max(writer.change_, change_of(action, name, value, database));
  return SQLITE_OK;
}

DbResult<std::int64_t> GroupWriter::perform(GroupedWrite& write) {
  lent_ = true;
  outside_ = write.shape_ == GroupedWrite::Shape::kOutside;
  DbResult<std::int64_t> done = write.perform();
  lent_ = outside_ = false;
  return done;
}

void GroupWriter::close() {
  for (SqliteStatement* statement :
       {&begin_, &commit_, &rollback_, &savepoint_, &release_, &undo_}) {
    *statement = {};
  }
  if (is_authorizer_) connection_.exchange_authorizer({});
  is_authorizer_ = false;
}

void GroupWriter::execute(Group group) noexcept {
  if (group.size() == 1) {
    execute_alone(write_of(group.front()));
  } else {
    execute_together(group);
  }
}

void GroupWriter::execute_alone(GroupedWrite& write) {
  ++transactions_;
  if (write.shape_ == GroupedWrite::Shape::kStatement ||
      write.shape_ == GroupedWrite::Shape::kOutside) {
    // SQLite makes the transaction: two statements less.
    write.result = perform(write);
    rollback();
    return;
  }
  if (const SqliteError error = begin_.run(); !error.ok()) {
    write.result = to_db_error(error, "beginning a transaction");
    return;
  }
  write.result = perform(write);
  if (write.result.ok() && connection_.autocommit()) write.result = transaction_ended();
  if (write.result.ok()) {
    if (const SqliteError error = commit_.run(); !error.ok()) {
      write.result = to_db_error(error, "committing");
    }
  }
  rollback();
}

void GroupWriter::execute_together(Group group) {
  do {
    if (const SqliteError error = begin_.run(); !error.ok()) {
      for (CommitQueue::Request* request : group) {
        GroupedWrite& write = write_of(request);
        if (!write.ends_group_) write.result = to_db_error(error, "beginning a transaction");
      }
      return;
    }
    ++transactions_;
  } while (!perform_all(group));
  const SqliteError error = commit_.run();
  if (error.ok()) return;
  rollback();
  const DbError refusal = to_db_error(error, "committing");
  for (CommitQueue::Request* request : group) {
    GroupedWrite& write = write_of(request);
    if (write.ends_group_) continue;
    if (refusal.kind == DbError::Kind::kConstraint) {
      execute_alone(write);
    } else if (write.result.ok()) {
      write.result = copy_of(refusal);
    }
  }
}

bool GroupWriter::perform_all(Group group) {
  for (CommitQueue::Request* request : group) {
    GroupedWrite& write = write_of(request);
    if (write.ends_group_) continue;
    if (write.shape_ == GroupedWrite::Shape::kSeveral) {
      perform_several(write);
    } else {
      write.result = perform(write);
    }
    if (!connection_.autocommit()) continue;
    if (write.result.ok()) write.result = transaction_ended();
    write.ends_group_ = true;
    return false;
  }
  return true;
}

void GroupWriter::perform_several(GroupedWrite& write) {
  if (const SqliteError error = savepoint_.run(); !error.ok()) {
    write.result = to_db_error(error, "beginning a write");
    return;
  }
  write.result = perform(write);
  if (connection_.autocommit()) {
    // Nobody else's work may be taken for done.
    if (write.result.ok()) write.result = transaction_ended();
    return;
  }
  SqliteError error;
  if (!write.result.ok()) error = undo_.run();
  if (error.ok()) error = release_.run();
  if (error.ok()) return;
  // What it has left mustn't be committed: the others are done again without it.
  if (write.result.ok()) write.result = to_db_error(error, "ending a write");
  rollback();
}

void GroupWriter::rollback() {
  if (!connection_.autocommit()) rollback_.run();
}

}  // namespace mayfly
