// ReadPool: connections that read, kept open between reads.
//
// When all that are kept are in use another one is opened, and closed after its use: so nobody
// waits for a connection, a reader that reads again doesn't wait for itself, and there are never
// more than threads that read.
//
// PLACE      The connections follow their database's path: one that was removed, renamed or
//            replaced is noticed when a connection is used again, once a second, and at once when
//            the connection that writes is lost (forget()). A reader that is at work meanwhile
//            goes on with the file that it has open.
//
//            Whoever puts another file in its place moves PATH-wal and PATH-shm away, too: SQLite
//            applies the log that it finds, whosever it is.
//
// SETTINGS   What a reader sets on its connection (PRAGMA, ATTACH, TEMP tables, SQLite's handle) is
//            for that reader: its connection is closed behind it. But for what changes no result:
//            cache_size, mmap_size and analysis_limit stay for those who read after it.
//
// A read sees one state of the database, however many statements it runs.
//
// OWNERSHIP  A lease holds its connection until it is destroyed; the pool outlives its leases.
// THREADS    Any; a lease's: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/connection_settings.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/single_writer_options.h"
#include "mayfly/storage/single_writer/sql_session.h"
#include "mayfly/storage/single_writer/statement_cache.h"
#include "mayfly/storage/single_writer/writer_signals.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class ReadPool {
  struct Reader;

 public:
  // A connection in use, within a transaction that reads.
  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<Reader> reader);
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    SqlSession& session();

   private:
    ReadPool* pool_;
    std::unique_ptr<Reader> reader_;  // null: moved from
  };

  // All of them outlive it. moved: called when the database isn't the path's any more, without a
  // lock; it forgets, besides whatever else is known of that database, and doesn't throw.
  ReadPool(const DatabaseName& name, const SingleWriterOptions& options, const Clock& clock,
           WriterSignals& signals, std::function<void()> moved);
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  DbResult<Lease> acquire();
  // What is open now isn't used for another read.
  void forget();
  // Connections that were opened.
  std::uint64_t opened() const;

 private:
  std::unique_ptr<Reader> take_idle();
  DbResult<std::unique_ptr<Reader>> open();
  void release(std::unique_ptr<Reader> reader) noexcept;

  const DatabaseName& name_;
  const SingleWriterOptions& options_;
  const Clock& clock_;
  WriterSignals& signals_;
  const std::function<void()> moved_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;  // guarded by mutex_
  std::uint64_t opened_ = 0;                   // guarded by mutex_
  std::uint64_t forgotten_ = 0;                // guarded by mutex_; how often
};

}  // namespace mayfly
