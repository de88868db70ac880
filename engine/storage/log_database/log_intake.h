// LogIntake: where callers leave records, and wake the thread that stores them.
//
// Leaving one costs a copy into memory that is there already (log_ring.h). It never waits: without
// room the record is dropped, and counted; what is there already stays.
//
// PROTOCOL   sleep     what wakes the storing thread while it sleeps, or is about to. It is stored
//                      before that thread looks for the last time whether something is due, and
//                      loaded by a caller after it has made something due (the ring's tail,
//                      `urgent`): all sequentially consistent (Dekker), so one of the two sees the
//                      other.
//            mutex     held by the storing thread from that last look until it sleeps, so that a
//                      notification isn't lost between. A caller only tries to take it, a few
//                      times: were the storing thread stopped by the kernel right there, the next
//                      record wakes it, or the flush interval does.
// OWNERSHIP  Shared with what may still log while the log database ends.
// THREADS    put, wake: any. sleep: one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/storage/log_database/log_database_options.h"
#include "mayfly/storage/log_database/log_record.h"
#include "mayfly/storage/log_database/log_ring.h"

namespace mayfly {

class LogIntake {
 public:
  // Options that were checked; their clock outlives this.
  explicit LogIntake(const LogDatabaseOptions& options);

  bool wants(LogLevel level) const { return level >= min_level_; }
  const Clock& clock() const { return clock_; }
  // False: dropped. quiet: it raises no signal, whatever its level.
  bool put(const LogRecord& record, bool quiet = false) noexcept;
  // Refused to everybody, or dropped by the storing thread in the end.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  void add_dropped(std::uint64_t records) {
    dropped_.fetch_add(records, std::memory_order_relaxed);
  }

  LogRing& ring() { return ring_; }
  const LogRing& ring() const { return ring_; }
  // A whole batch waits, or much less would fill the ring.
  bool has_batch() const { return ring_.pending() >= batch_ || ring_.is_half_full(); }
  // Something is to be stored at once.
  bool is_urgent() const { return urgent_.load(std::memory_order_seq_cst); }
  bool take_urgent() { return urgent_.exchange(false, std::memory_order_seq_cst); }
  // Without waiting.
  void hurry() noexcept;

  // Guards what is told to the storing thread by waiting callers, and by it.
  std::mutex& mutex() { return mutex_; }
  // After a change of that.
  void wake() { wake_.notify_all(); }
  // With the mutex held: sleeps until the deadline, or is_due(), which is asked with it held.
  // for_batches: a caller who completes a batch wakes it.
  void sleep(std::unique_lock<std::mutex>& lock, std::int64_t deadline_ns, bool for_batches,
             FunctionRef<bool()> is_due);

 private:
  // Rising: what wakes by kUrgent alone isn't woken by a batch.
  enum Sleep : std::uint8_t { kAwake, kUntilUrgent, kUntilBatch };

  bool is_quiet() const noexcept;
  // Wakes a sleep that is at least so.
  void wake_from(Sleep least) noexcept;

  const SystemClock system_clock_;
  const Clock& clock_;
  const LogLevel min_level_;
  const LogLevel signal_level_;
  const std::size_t text_bytes_max_;
  const std::size_t batch_;
  LogRing ring_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> urgent_{false};
  std::atomic<Sleep> sleep_{kAwake};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace mayfly
