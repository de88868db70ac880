#include "mayfly/work/signal_dispatcher.h"

#include <algorithm>
#include <utility>

namespace mayfly {

SignalDispatcher::SignalDispatcher(DispatcherOptions options)
    : entries_(std::make_shared<const Entries>()),
      events_(
          {.max_concurrency = options.max_concurrency,
           .max_tracked_operations = 1,
           .queue_capacity = std::max(options.queue_capacity, -1),
           .clock = options.clock,
           .drain_on_signals = {},
           .echoes = false},
          [](const SignalEvent& event) { return std::string(event.name()); },
          [this](SignalEvent& event) { handle(event); }) {}

SignalDispatcher::~SignalDispatcher() { close(); }

Status SignalDispatcher::add(std::string_view pattern, SignalListener handler) {
  if (pattern.find_first_not_of(" \t") == std::string_view::npos) {
    return {Code::kUsage, "expected a pattern of signal names, found a blank one"};
  }
  if (!handler) {
    return {Code::kUsage, "expected a handler for " + std::string(pattern) + ", found a null one"};
  }
  const std::lock_guard lock(mutex_);
  auto changed = std::make_shared<Entries>(*entries_);
  const auto same = std::ranges::find_if(
      *changed, [&](const Entry& entry) { return entry.pattern.pattern() == pattern; });
  if (same != changed->end()) {
    same->handler = std::move(handler);
  } else {
    changed->push_back({Glob(pattern), std::move(handler)});
  }
  entries_ = std::move(changed);
  return {};
}

bool SignalDispatcher::dispatch(const SignalEvent& event) {
  return events_.enqueue_dropping_oldest(event).ok();
}

SignalSubscription SignalDispatcher::listen(SignalSink& sink) {
  return sink.subscribe("*", [this](const SignalEvent& event) { dispatch(event); });
}

void SignalDispatcher::flush() { events_.wait_until_idle(); }

void SignalDispatcher::close() {
  events_.complete();
  static_cast<void>(events_.drain());
}

std::shared_ptr<const SignalDispatcher::Entries> SignalDispatcher::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

void SignalDispatcher::handle(const SignalEvent& event) {
  const CurrentSignal cause(event);
  for (const auto all = entries(); const Entry& entry : *all) {
    if (!entry.pattern.matches(event.name())) continue;
    if (!status_of([&] { entry.handler(event); }).ok()) {
      failures_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

}  // namespace mayfly
