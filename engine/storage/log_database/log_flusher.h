// LogFlusher: the thread of a log database: raises the signals of records, stores them, and deletes
// old ones.
//
// STORING    When a batch waits, after flush_interval_ns, for a record that raises a signal, and
//            when somebody asks. All that waits is stored then, in transactions of at most
//            LogTable::kRowsMax rows. Records leave the intake when they are committed.
// FAILING    What couldn't be stored is kept and tried again, after 100 ms and then longer, up to
//            2 s; whoever asks has it tried at once. A table that is gone is made anew.
// SIGNALS    Of a record before it is stored, also while storing fails.
// CLEANING   At the beginning and each cleanup_interval_ns, in steps between which it stores.
// END        stop() has everything stored, for at most stop_timeout_ns. What then is left stays for
//            the next stop(), of which the destructor is the last: then it is dropped and counted.
// THREADS    Any; flush() and stop() not from its own thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>

#include "mayfly/base/rng.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/storage/log_database/log_database_options.h"
#include "mayfly/storage/log_database/log_intake.h"
#include "mayfly/storage/log_database/log_signals.h"
#include "mayfly/storage/log_database/log_table.h"

namespace mayfly {

class LogFlusher {
 public:
  // Begins at once. All outlive it; the options were checked. Throws std::system_error without a
  // thread.
  LogFlusher(const LogDatabaseOptions& options, LogIntake& intake, LogTable& table,
             LogSignals& signals);
  // stop(), unless that was called.
  ~LogFlusher();
  LogFlusher(const LogFlusher&) = delete;
  LogFlusher& operator=(const LogFlusher&) = delete;

  // Returns when all that was put in before is stored, or couldn't be, once.
  DbResult<void> flush();
  // Who calls later waits, and is told the same; but where something is left, it is tried again.
  DbResult<void> stop();
  bool is_running() const { return running_.load(std::memory_order_acquire); }

  std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }
  std::uint64_t rejected() const { return rejected_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_total_.load(std::memory_order_relaxed); }
  LogCounts by_level() const;

 private:
  // What waiting callers want, at a moment.
  struct Wanted {
    std::uint64_t flush = 0;
    bool stop = false;
  };

  void run();
  bool has_given_up();
  Wanted sleep();
  void work(const Wanted& wanted);
  void finish();
  void answer(std::uint64_t flush, const DbResult<void>& result);
  void raise_signals() noexcept;
  void raise_drops() noexcept;
  // Until so many records have left the intake.
  DbResult<void> store_until(std::uint64_t records);
  DbResult<LogTable::Stored> store_some() noexcept;
  void note_failure(const DbError& error) noexcept;
  DbResult<bool> clean_some();
  void clean_step();

  const LogDatabaseOptions& options_;
  LogIntake& intake_;
  LogTable& table_;
  LogSignals& signals_;
  const Clock& clock_;
  const RetryPolicy backoff_;

  // The thread's own.
  Rng rng_;
  LogRing::Cursor signalled_;  // records before it have raised their signals
  std::int64_t next_store_ns_ = 0;
  std::int64_t next_clean_ns_ = 0;
  std::uint32_t failures_ = 0;  // since the last success
  bool table_is_there_ = true;
  bool is_shrinking_ = false;
  std::int64_t removed_ = 0;  // rows, in this cleaning
  std::uint64_t drops_raised_ = 0;

  // Guarded by the intake's mutex.
  Wanted wanted_;
  std::uint64_t flushed_ = 0;  // the newest flush that was answered
  DbResult<void> flush_result_;
  bool finished_ = false;
  DbResult<void> stop_result_;
  std::condition_variable answered_;

  std::atomic<bool> running_{true};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> rejected_{0};
  std::atomic<std::uint64_t> failures_total_{0};
  std::array<std::atomic<std::uint64_t>, kLogLevels> by_level_ = {};
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace mayfly
