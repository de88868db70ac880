// ReadPool: connections that read, kept open between reads.
//
// When all that are kept are in use another one is opened, and closed after its use: so nobody
// waits for a connection, a reader that reads again doesn't wait for itself, and there are never
// more than threads that read.
//
// A read sees one state of the database, however many statements it runs.
//
// OWNERSHIP  A lease holds its connection until it is destroyed; the pool outlives its leases.
// THREADS    Any; a lease's: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
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

  // All of them outlive it.
  ReadPool(const DatabaseName& name, const SingleWriterOptions& options, const Clock& clock,
           WriterSignals& signals);
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  DbResult<Lease> acquire();
  // Connections that were opened.
  std::uint64_t opened() const;

 private:
  DbResult<std::unique_ptr<Reader>> open();
  void release(std::unique_ptr<Reader> reader);

  const DatabaseName& name_;
  const SingleWriterOptions& options_;
  const Clock& clock_;
  WriterSignals& signals_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;  // guarded by mutex_
  std::uint64_t opened_ = 0;                   // guarded by mutex_
};

}  // namespace mayfly
