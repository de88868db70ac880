#include "mayfly/patterns/signal_coordinated_reads.h"

#include <climits>

namespace mayfly {

SignalCoordinatedReads::SignalCoordinatedReads(const CoordinatedReadsOptions& options)
    : readers_({.max_concurrency = options.max_readers,
                .signals = options.signals,
                .clock = options.clock,
                .defer_on_signals = {kInProgress},
                // However long the update takes: it ends, or its signal ages.
                .max_defer_attempts = INT_MAX},
               [this](std::function<void()>& body) {
                 const std::shared_lock reading(reading_);
                 body();
               }) {}

Result<OperationId> SignalCoordinatedReads::read(std::function<void()> body) {
  if (readers_.sink().detect(kInProgress)) readers_.sink().raise(kWaiting);
  return readers_.enqueue(std::move(body));
}

Status SignalCoordinatedReads::update(std::function<void()> body) {
  const std::lock_guard lock(updating_);
  SignalSink& sink = readers_.sink();
  sink.raise(kInProgress);
  const Status status = [&] {
    // Those that have begun end first; one that was just about to begin waits here, too.
    const std::unique_lock alone(reading_);
    return status_of([&] { body(); });
  }();
  sink.retract(kInProgress);
  sink.raise(kDone);
  updates_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status SignalCoordinatedReads::drain() {
  readers_.complete();
  return readers_.drain();
}

}  // namespace mayfly
