#include "mayfly/storage/commits.h"

namespace mayfly {

SqliteError CommitSequence::open(SqliteConnection& connection) {
  SqliteError error = connection.run(
      "CREATE TABLE IF NOT EXISTS mayfly_commits("
      "writer TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;"
      "INSERT INTO mayfly_commits VALUES(" +
      quote_literal(writer_) + ", 0) ON CONFLICT DO NOTHING");
  if (error.ok()) error = read(connection, number_);
  if (error.ok()) error = prepare(connection);
  return error;
}

SqliteError CommitSequence::prepare(SqliteConnection& connection) {
  return connection.prepare("UPDATE mayfly_commits SET seq = ?2 WHERE writer = ?1", update_);
}

SqliteError CommitSequence::stage() {
  update_.bind(1, writer_).bind(2, number_ + 1);
  return update_.run();
}

SqliteError CommitSequence::was_written(SqliteConnection& connection, bool& written) {
  std::int64_t found = 0;
  SqliteError error = read(connection, found);
  written = found > number_;
  return error;
}

SqliteError CommitSequence::read(SqliteConnection& connection, std::int64_t& number) {
  SqliteStatement statement;
  SqliteError error =
      connection.prepare("SELECT seq FROM mayfly_commits WHERE writer = ?1", statement, false);
  if (!error.ok()) return error;
  statement.bind(1, writer_);
  if (statement.step(error)) number = statement.int64(0);
  return error;
}

}  // namespace mayfly
