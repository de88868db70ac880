// What the connections of a single writer have in common: how they are set, and that no statement
// runs on them without end.
//
// THREADS  The connection's.
#pragma once

#include <cstdint>

#include "mayfly/base/clock.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/shared_connection.h"
#include "mayfly/storage/single_writer/single_writer_options.h"
#include "mayfly/storage/single_writer/writer_signals.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Opens one that only reads, with every setting of the options, and says so.
SqliteError open_reader(const DatabaseName& name, const SingleWriterOptions& options,
                        WriterSignals& signals, SqliteConnection& out);

// What the connection that writes is to be set to while callers write.
SharedConnection::Settings turn_settings(const SingleWriterOptions& options);
// The rest of its settings, once it is open, and says so.
SqliteError set_up_writing(const DatabaseName& name, const SingleWriterOptions& options,
                           WriterSignals& signals, SharedConnection& connection);

// Whether a connection still is its path's: looked at once a second.
class PlaceWatch {
 public:
  explicit PlaceWatch(const Clock& clock) : clock_(clock) {}
  // The path names another file by now, or none.
  bool finds_moved(const SqliteConnection& connection);

 private:
  const Clock& clock_;
  std::int64_t looked_ns_ = 0;
};

// Ends statements that take too long (SQLITE_INTERRUPT), each for itself: of a transaction, of a
// batch, of a function. Outlives the connection it watches.
class StatementLimit {
 public:
  StatementLimit(const Clock& clock, std::int64_t limit_ns) : clock_(clock), limit_ns_(limit_ns) {}
  StatementLimit(const StatementLimit&) = delete;
  StatementLimit& operator=(const StatementLimit&) = delete;

  void watch(SqliteConnection& connection);
  void unwatch(SqliteConnection& connection);

 private:
  static int begin(unsigned event, void* self, void* statement, void* sql);
  static int look(void* self);

  const Clock& clock_;
  const std::int64_t limit_ns_;
  // Of the statement that runs. Short ones need no clock: from some thousand steps on; kNever: not
  // yet.
  std::int64_t began_ns_ = kNever;
};

}  // namespace mayfly
