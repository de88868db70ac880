// LogDatabase: an application's log in a database: a file of its own, or in memory.
//
//   auto opened = LogDatabase::open({.db_path = "logs.db"});
//   if (!opened.ok()) return fail(opened.error());
//   LogDatabase& logs = **opened;
//   logs.log(LogLevel::kInfo, "downloads", "Download complete", {{"track_id", 123}});
//   auto errors = logs.recent_logs(LogLevel::kError, 10);
//
// LOGGING    Never waits: a record is copied into memory that is there already, and stored by the
//            log database's own thread (log_flusher.h), at the latest after flush_interval_ns.
//            While `capacity` records or buffer_bytes wait, because the database is locked or full
//            or too many come, new ones are dropped and counted; what waits is kept and tried
//            again. From anywhere: listeners, callbacks of writers, the log database's own thread.
// KEPT       stop() and the destructor have everything stored that was taken, for up to
//            stop_timeout_ns, in whatever order writers, sinks' subscriptions and this end. What a
//            crash of the process loses: what wasn't stored yet, so at most the last
//            flush_interval_ns, and of records of signal_level and above what came within the last
//            transaction; a crash of the machine also what wasn't checkpointed (NORMAL).
// TABLE      log_table.h. What is older than retention_ns is deleted every hour.
// SIGNALS    log_signals.h. A record of signal_level and above raises log.LEVEL:LOGGER, on the log
//            database's thread, so no listener can hold up who logs; record_signals() makes records
//            of signals. Neither is fed back: no record comes of a signal that a record raised, or
//            that such a one caused (signal_event.h), or that is raised while this thread works for
//            the log database; and a record of such a listener, or of a signal, raises none. What a
//            listener hands to another thread without its event is beyond that.
// OWNERSHIP  Shared. It holds its database's writer (sqlite_single_writer.h), which others may hold
//            too; whoever opened that first has chosen its options.
// ERRORS     DbError. Logging itself has none.
// THREADS    Any. flush(), stop(), recent_logs() and the rest wait; from the log database's own
//            thread and from callbacks of its writer flush() and stop() are refused (kOther), as
//            they would wait for themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/log_database/log_database_options.h"
#include "mayfly/storage/log_database/log_record.h"
#include "mayfly/storage/log_database/log_table.h"

namespace mayfly {

// What a log database has done, and how it stands.
struct LogStats {
  std::uint64_t total_logged = 0;   // records taken; each is pending, stored, rejected or dropped
  std::uint64_t pending_count = 0;  // not stored yet
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;        // by a constraint that somebody gave the table
  std::uint64_t dropped = 0;         // for want of room, or after the end
  std::uint64_t failed_flushes = 0;  // tried again since
  LogCounts by_level = {};           // of those stored
  bool is_running = false;
  std::string db_path;
  std::int64_t retention_ns = 0;
  std::uint64_t db_size_bytes = 0;  // of the file and its log; 0 in memory
};

class LogDatabase {
 public:
  // Opens the database and begins. kParameter: an option out of its range; kSql: there is a table
  // "logs" with other columns; else what opening a database can meet.
  static DbResult<std::shared_ptr<LogDatabase>> open(const LogDatabaseOptions& options = {});
  // As stop(). Where that is refused, in a listener or a callback, it ends a little later, on a
  // thread of its own, which its clock and sink outlive.
  ~LogDatabase();
  LogDatabase(const LogDatabase&) = delete;
  LogDatabase& operator=(const LogDatabase&) = delete;

  // False: it is below min_level, or was dropped.
  bool log(LogLevel level, std::string_view logger, std::string_view message,
           std::initializer_list<LogField> extra = {}) noexcept;
  bool log(LogLevel level, std::string_view logger, std::string_view message,
           std::span<const LogField> extra) noexcept;
  // With its own time.
  bool log(const LogRecord& record) noexcept;
  // Whether records of this level are logged.
  bool wants(LogLevel level) const noexcept;

  // Returns when all that was logged before is stored, or one attempt failed; it then stays
  // pending. Listeners of the records' signals have run.
  DbResult<void> flush();
  // The same without waiting.
  void flush_soon() noexcept;
  // Rows that were older than the retention, and are deleted.
  DbResult<std::int64_t> cleanup_old_logs();
  // The newest, of one level or of all. Flushes first; what can't be flushed, or when that is
  // refused, isn't among them.
  DbResult<std::vector<LogRow>> recent_logs(std::optional<LogLevel> level = {},
                                            std::size_t limit = 100);
  // Rows in the table, by level, of this and earlier processes. Reads an index from end to end.
  DbResult<LogCounts> count_rows();
  LogStats stats() const;

  // Every signal of this sink that matches becomes a record of this level, from now until stop() or
  // the sink's end: its name is the message, {"operation": ID} a field if it has one. kUsage: no
  // pattern.
  Status record_signals(SignalSink& sink, std::string_view patterns,
                        LogLevel level = LogLevel::kInfo, std::string logger = "signals");
  // This thread works for the log database, or is in a callback of its writer: what waits for it is
  // refused.
  bool is_within() const;
  // Where the records' signals are raised.
  SignalSink& sink();

  // Has everything stored and ends; from then on records are dropped. The error says how many
  // couldn't be stored within stop_timeout_ns, and why: they stay, and a later stop() tries again.
  // What the destructor's can't store either is dropped, and log.dropped says so. Idempotent.
  DbResult<void> stop();

 private:
  struct Impl;
  explicit LogDatabase(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
