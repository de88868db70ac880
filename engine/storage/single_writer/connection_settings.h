// What the connections of a single writer have in common: how they are opened and set, and that no
// statement runs on them without end.
//
// THREADS  The connection's.
#pragma once

#include <cstdint>

#include "mayfly/base/clock.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/single_writer_options.h"
#include "mayfly/storage/single_writer/writer_signals.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// What a connection is for.
enum class ConnectionUse : std::uint8_t { kWrite, kRead };

// Opens it with every setting of the options, and says so.
SqliteError open_connection(const DatabaseName& name, const SingleWriterOptions& options,
                            ConnectionUse use, WriterSignals& signals, SqliteConnection& out);

// Ends statements that take too long (SQLITE_INTERRUPT), each for itself: of a transaction, of a
// batch, of a function. Outlives the connection it watches.
class StatementLimit {
 public:
  StatementLimit(const Clock& clock, std::int64_t limit_ns) : clock_(clock), limit_ns_(limit_ns) {}
  StatementLimit(const StatementLimit&) = delete;
  StatementLimit& operator=(const StatementLimit&) = delete;

  void watch(SqliteConnection& connection);

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
