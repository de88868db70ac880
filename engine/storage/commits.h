// CommitSequence: whether a transaction whose COMMIT failed was written after all.
//
// Every transaction increments mayfly_commits(writer, seq). After an I/O error in COMMIT the
// connection is closed and reopened, and the number it finds decides; it is never guessed.
//
// THREADS  The connection's.
#pragma once

#include <cstdint>
#include <string>

#include "mayfly/storage/sqlite.h"

namespace mayfly {

class CommitSequence {
 public:
  explicit CommitSequence(std::string writer) : writer_(std::move(writer)) {}

  // Creates the table and the writer's row; within a transaction of the caller's. Reads the number.
  SqliteError open(SqliteConnection& connection);
  // After a reopen: prepares again, keeps the number that this object remembers.
  SqliteError prepare(SqliteConnection& connection);

  // Part of the transaction.
  SqliteError stage();
  void committed() { ++number_; }

  // Whether the database holds the transaction that was staged last.
  SqliteError was_written(SqliteConnection& connection, bool& written);
  std::int64_t number() const { return number_; }
  void forget() { update_ = {}; }

 private:
  SqliteError read(SqliteConnection& connection, std::int64_t& number);

  const std::string writer_;
  std::int64_t number_ = 0;
  SqliteStatement update_;
};

}  // namespace mayfly
