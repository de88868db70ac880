#include "mayfly/work/signal_dispatcher.h"

#include <utility>

namespace mayfly {

SignalDispatcher::SignalDispatcher(DispatcherOptions options)
    : state_(std::make_shared<State>()),
      events_(
          {.max_concurrency = options.max_concurrency,
           .max_tracked_operations = 1,
           // 0 would mean "as many as are tracked" there.
           .queue_capacity = options.queue_capacity == 0 ? -1 : options.queue_capacity,
           .clock = options.clock,
           .drain_on_signals = {},
           .echoes = false},
          [](const SignalEvent& event) { return std::string(event.name()); },
          [state = state_](SignalEvent& event) { state->handle(event); }) {
  state_->entries = std::make_shared<const Entries>();
}

SignalDispatcher::~SignalDispatcher() { close(); }

Status SignalDispatcher::add(std::string_view pattern, SignalListener handler) {
  if (pattern.find_first_not_of(" \t") == std::string_view::npos) {
    return {Code::kUsage, "expected a pattern of signal names, found a blank one"};
  }
  if (!handler) {
    return {Code::kUsage, "expected a handler for " + std::string(pattern) + ", found a null one"};
  }
  auto added = std::make_shared<const SignalListener>(std::move(handler));
  std::shared_ptr<const Entries> before;  // a handler that is replaced goes without the lock
  const std::lock_guard lock(state_->mutex);
  auto changed = std::make_shared<Entries>(*state_->entries);
  const auto same = std::ranges::find_if(
      *changed, [&](const Entry& entry) { return entry.pattern.pattern() == pattern; });
  if (same != changed->end()) {
    same->handler = std::move(added);
  } else {
    changed->push_back({Glob(pattern), std::move(added)});
  }
  before = std::exchange(state_->entries, std::move(changed));
  return {};
}

bool SignalDispatcher::dispatch(const SignalEvent& event) {
  return events_.enqueue_dropping_oldest(event).ok();
}

SignalSubscription SignalDispatcher::listen(SignalSink& sink) {
  return sink.subscribe("*", [this](const SignalEvent& event) { dispatch(event); });
}

void SignalDispatcher::flush() { static_cast<void>(events_.wait_until_idle()); }

void SignalDispatcher::close() {
  events_.complete();
  static_cast<void>(events_.drain());
}

std::shared_ptr<const SignalDispatcher::Entries> SignalDispatcher::State::list() const {
  const std::lock_guard lock(mutex);
  return entries;
}

void SignalDispatcher::State::handle(const SignalEvent& event) {
  const CurrentSignal cause(event);
  for (const auto all = list(); const Entry& entry : *all) {
    if (!entry.pattern.matches(event.name())) continue;
    if (!status_of([&] { (*entry.handler)(event); }).ok()) {
      failures.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

}  // namespace mayfly
