#include "mayfly/storage/log_database/log_intake.h"

#include <algorithm>

#include "mayfly/storage/log_database/log_codec.h"
#include "mayfly/storage/log_database/log_signals.h"
#include "mayfly/storage/log_database/within_log.h"

namespace mayfly {

LogIntake::LogIntake(const LogDatabaseOptions& options)
    : clock_(options.clock != nullptr ? *options.clock : static_cast<const Clock&>(system_clock_)),
      min_level_(options.min_level),
      signal_level_(options.signal_level),
      text_bytes_max_(options.message_bytes_max),
      batch_(std::min(options.max_batch_size, options.capacity)),
      ring_(options.capacity, options.buffer_bytes) {}

bool LogIntake::put(const LogRecord& record, bool quiet) noexcept {
  const LogLayout layout(record, text_bytes_max_);
  const LogRing::Claim claim = ring_.claim(layout.bytes);
  if (claim.data == nullptr) {
    add_dropped(1);
    return false;
  }
  const bool raises = record.level >= signal_level_ && !quiet && !is_quiet();
  encode(record, layout, !raises, claim.data);
  ring_.complete(claim);
  if (raises) {
    hurry();
  } else if (claim.pending >= batch_ || claim.half_full) {
    wake_from(kUntilBatch);
  }
  return true;
}

bool LogIntake::is_quiet() const noexcept {
  if (WithinLog::is(this)) return true;
  const SignalEvent* event = SignalEvent::current();
  return event != nullptr && LogSignals::is_of_a_record(*event);
}

void LogIntake::hurry() noexcept {
  urgent_.store(true, std::memory_order_seq_cst);
  wake_from(kUntilUrgent);
}

void LogIntake::wake_from(Sleep least) noexcept {
  constexpr int kTries = 64;
  for (int i = 0; i < kTries && sleep_.load(std::memory_order_seq_cst) >= least; ++i) {
    if (!mutex_.try_lock()) continue;
    sleep_.store(kAwake, std::memory_order_seq_cst);
    mutex_.unlock();
    wake_.notify_all();
    return;
  }
}

void LogIntake::sleep(std::unique_lock<std::mutex>& lock, std::int64_t deadline_ns,
                      bool for_batches, FunctionRef<bool()> is_due) {
  for (;;) {
    sleep_.store(for_batches ? kUntilBatch : kUntilUrgent, std::memory_order_seq_cst);
    if (is_due() || (deadline_ns != kNever && clock_.now_ns() >= deadline_ns)) break;
    clock_.wait_until(lock, wake_, deadline_ns);
  }
  sleep_.store(kAwake, std::memory_order_seq_cst);
}

}  // namespace mayfly
