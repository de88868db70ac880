#include "mayfly/work/own_listeners.h"

#include <utility>

#include "mayfly/work/work_frame.h"

namespace mayfly {

void OwnListeners::hear(SignalSink& sink, std::string_view patterns, SignalListener listener,
                        SubscribeOptions options) {
  subscriptions_.push_back(sink.subscribe(
      patterns,
      [calls = calls_, listener = std::move(listener)](const SignalEvent& event) {
        calls->run(listener, event);
      },
      options));
}

void OwnListeners::Calls::run(const SignalListener& listener, const SignalEvent& event) {
  // Threads that a body starts raise in its operation's name.
  if (WorkFrame::within(owner) || WorkFrame::count(owner, WorkFrame::Kind::kSignals) > 0) {
    if (!closed.load(std::memory_order_acquire)) listener(event);
    return;
  }
  struct Running {
    explicit Running(Calls& of) : calls(of) { calls.running.fetch_add(1); }
    ~Running() {
      calls.running.fetch_sub(1);
      if (!calls.closed.load()) return;
      { const std::lock_guard lock(calls.mutex); }
      calls.ended.notify_all();
    }
    Calls& calls;
  } running_here(*this);
  const WorkFrame frame(owner, WorkFrame::Kind::kListener);
  if (!closed.load()) listener(event);
}

void OwnListeners::close(bool abandoned) {
  calls_->closed.store(true);
  {
    const int mine = WorkFrame::count(calls_->owner, WorkFrame::Kind::kListener);
    std::unique_lock lock(calls_->mutex);
    calls_->ended.wait(lock, [&] { return calls_->running.load() <= mine; });
  }
  if (!abandoned) subscriptions_.clear();
}

}  // namespace mayfly
