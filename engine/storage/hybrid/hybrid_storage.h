// HybridStorage: the three ways to write of one program, each where it fits, over one database: the
// single writer for what a user waits for, the write buffer for what happens in the background, the
// log database for what is only told; and what they say of themselves.
//
//   auto opened = HybridStorage::open({.database = "app.db", .logs = {.db_path = "logs.db"}});
//   if (!opened.ok()) return fail(opened.error());
//   HybridStorage& storage = **opened;
//   storage.writer().write("INSERT INTO users(name) VALUES (?)", {"Alice"});
//   storage.buffer().buffer_upsert("downloads", {{"id", 7}, {"progress", 100}}, {"id"});
//   storage.logs().log(LogLevel::kInfo, "downloads", "complete", {{"track_id", 123}});
//   puts(storage.stats_json().c_str());
//
// STOP ORDER Buffer, then logs, then the database: stop() and the destructor keep it. Each part
//            also holds what it needs, so no order of letting go loses a row.
// STATS      stats_json() is the snapshot. The same is stored in mayfly_stats once an interval
//            while something happens, and at the end, for `mayfly stats` and read_stats().
// OWNERSHIP  Owns the buffer, shares writer and logs with whoever asked for the same. Clock and
//            sinks of the options are the caller's and outlive it.
// THREADS    Any; not destroyed while somebody is in a call.
// ERRORS     DbError, of the part that failed; "stopping the buffer: ..." tells which.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/hybrid/storage_stats.h"
#include "mayfly/storage/log_database/log_database.h"
#include "mayfly/storage/retry/lock_metrics.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly {

// What a HybridStorage is made of. Parts whose options name no clock get the one given here.
struct HybridOptions {
  std::string database;  // a path, or a connection string (database_name.h)
  SingleWriterOptions writer = {};
  WriteBufferOptions buffer = {};
  LogDatabaseOptions logs = {};
  std::string name = "storage";                       // its row in mayfly_stats
  std::int64_t stats_interval_ns = kSecond;           // 0: stats aren't stored
  const DatabaseLockMetrics* lock_metrics = nullptr;  // nullptr: process_lock_metrics()
  const Clock* clock = nullptr;                       // nullptr: the machine's. Outlives it
};

class HybridStorage {
 public:
  // Opens all of it, and begins to flush. kParameter: an option, and which. kOther: within a
  // callback of that database's writer; open it before. Else what its parts refuse.
  static DbResult<std::unique_ptr<HybridStorage>> open(HybridOptions options);
  // stop(); from within a callback or a listener of one of its parts, on a thread of its own.
  ~HybridStorage();
  HybridStorage(const HybridStorage&) = delete;
  HybridStorage& operator=(const HybridStorage&) = delete;

  SqliteSingleWriter& writer();
  WriteBuffer& buffer();
  LogDatabase& logs();
  // For a logging framework's sink, which may live longer.
  std::shared_ptr<LogDatabase> shared_logs();

  // Rows of the buffer that were written; all else that was brought before is written, too. The
  // error is the first part's that failed; the others are flushed all the same.
  DbResult<std::int64_t> force_flush();

  StorageStats stats() const;
  // stats() as one object of JSON (storage_stats.h).
  std::string stats_json() const;

  // Writes everything, in the order said above, and stores the last stats. The error is the first
  // part's that failed; the others are stopped all the same, and what failed is tried again by
  // another call. From within a callback or a listener of one of its parts it would wait for
  // itself: kOther, and nothing is stopped. The database closes with this object.
  DbResult<void> stop();

 private:
  struct Impl;
  explicit HybridStorage(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
