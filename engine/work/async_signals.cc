#include "mayfly/work/async_signals.h"

#include <utility>

#include "mayfly/work/work_coordinator.h"

namespace mayfly {

struct AsyncSignals::Queue {
  Queue(SignalListener listener, int handlers_max, int queued_max, const Clock& clock)
      : events({.max_concurrency = handlers_max,
                .max_tracked_operations = 1,
                .queue_capacity = queued_max,
                .clock = &clock,
                .drain_on_signals = {},
                .echoes = false},
               [call = std::move(listener)](SignalEvent& event) {
                 const CurrentSignal cause(event);
                 call(event);
               }) {}

  WorkCoordinator<SignalEvent> events;
};

AsyncSignals::AsyncSignals(SignalListener listener, int handlers_max, int queued_max,
                           const Clock& clock)
    : queue_(std::make_unique<Queue>(std::move(listener), handlers_max, queued_max, clock)) {}

AsyncSignals::~AsyncSignals() { close(); }

void AsyncSignals::close() {
  queue_->events.complete();
  // Within the listener it is refused.
  if (!queue_->events.drain().ok()) queue_->events.cancel();
}

void AsyncSignals::push(const SignalEvent& event) {
  static_cast<void>(queue_->events.enqueue_dropping_oldest(event));
}

std::uint64_t AsyncSignals::dropped() const { return queue_->events.counts().cancelled; }
std::uint64_t AsyncSignals::failures() const { return queue_->events.counts().failed; }

}  // namespace mayfly
