// SignalSink: raises that somebody hears of, or that something caused.
#include <stdexcept>
#include <string>
#include <utility>

#include "mayfly/signal/listener_watch.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

SignalSubscription SignalSink::subscribe(std::string_view patterns, SignalListener listener,
                                         SubscribeOptions options) {
  auto subscriber = std::make_shared<Subscriber>(patterns, std::move(listener), options.removals);
  if (subscriber->patterns.empty()) {
    throw std::invalid_argument("SignalSink::subscribe: a pattern is expected, not \"" +
                                std::string(patterns) + '"');
  }
  if (!subscriber->listener) {
    throw std::invalid_argument("SignalSink::subscribe: a listener is expected, not null");
  }
  delivery_->add(subscriber);
  window_.slow_down();
  return {delivery_, std::move(subscriber)};
}

bool SignalSink::raise_caused(std::string_view name, const SignalEvent& cause,
                              OperationId operation) {
  const std::size_t colon = name.find(':');
  StemId stem;
  RaisedArgument argument;
  if (!stems_.intern(name.substr(0, colon), stem)) {
    uninterned_.fetch_add(1, std::memory_order_relaxed);
    stem = kTextStem;
    argument = RaisedArgument(name);
  } else if (colon != std::string_view::npos) {
    argument = RaisedArgument(name.substr(colon + 1));
  }
  return record_caused(clock_.now_ns(), stem, operation, argument, cause);
}

void SignalSink::record_slowly(std::int64_t now_ns, StemId stem, OperationId operation,
                               const RaisedArgument& argument) {
  if (const SignalEvent* cause = SignalEvent::current()) {
    record_caused(now_ns, stem, operation, argument, *cause);
    return;
  }
  const std::int64_t at_ns = append(now_ns, stem, operation, argument);
  if (delivery_->quiet()) {
    window_.quicken([this] { return !delivery_->quiet(); });
    return;
  }
  const auto audience = delivery_->find(window_.own_slot(), stem, argument.present);
  if (audience.empty()) return;
  SignalEvent event = event_of(stem, operation, argument, nullptr);
  event.at_ns_ = at_ns;
  delivery_->deliver(audience, event);
}

bool SignalSink::record_caused(std::int64_t now_ns, StemId stem, OperationId operation,
                               const RaisedArgument& argument, const SignalEvent& cause) {
  SignalEvent event = event_of(stem, operation, argument, &cause);
  event.at_ns_ = now_ns;
  if (!permits(event, cause)) return false;
  event.at_ns_ = append(now_ns, stem, operation, argument);
  if (delivery_->quiet()) return true;
  const auto audience = delivery_->find(window_.own_slot(), stem, argument.present);
  if (!audience.empty()) delivery_->deliver(audience, event);
  return true;
}

// A name that is kept as text is all argument in the window; for listeners it is split like any
// other.
SignalEvent SignalSink::event_of(StemId stem, OperationId operation, const RaisedArgument& argument,
                                 const SignalEvent* cause) {
  if (stem != kTextStem) return {this, stems_.text(stem), argument, operation, cause};
  const std::size_t colon = argument.text.find(':');
  return {this, argument.text.substr(0, colon),
          colon == std::string_view::npos ? RaisedArgument()
                                          : RaisedArgument(argument.text.substr(colon + 1)),
          operation, cause};
}

std::int64_t SignalSink::append(std::int64_t now_ns, StemId stem, OperationId operation,
                                const RaisedArgument& argument) {
  if (!argument.present) return window_.append(now_ns, stem, operation);
  if (argument.integers != nullptr) {
    return window_.append(now_ns, stem, operation, *argument.integers);
  }
  return window_.append(now_ns, stem, operation, argument.text);
}

bool SignalSink::permits(SignalEvent& event, const SignalEvent& cause) {
  const SignalConstraints& constraints = options_.constraints;
  const bool too_deep = event.nesting_ > kSignalPathMax;
  std::optional<BlockReason> reason;
  if (too_deep) {
    reason = BlockReason::kMaxDepth;
  } else if (constraints.is_leaf(event.stem_)) {
    event.cause_ = nullptr;
    event.depth_ = 0;
  } else {
    reason = constraints.forbids(this, event.stem_, cause);
  }
  if (!reason) return true;
  blocked_.fetch_add(1, std::memory_order_relaxed);
  // What on_blocked raises may be blocked too, and so on: told up to the limit, then only counted.
  if (constraints.on_blocked && !too_deep) {
    const CurrentSignal current(event);
    const ListenerWatch::Call watched;
    try {
      constraints.on_blocked(event, *reason);
    } catch (...) {
      delivery_->count_failure();
    }
  }
  return false;
}

void SignalSink::notify_removed(std::span<const Signal> removed) {
  const SignalEvent* cause = SignalEvent::current();
  SignalEvent model(this, {}, RaisedArgument(), 0, cause);
  if (model.nesting_ > kSignalPathMax) {
    blocked_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  model.at_ns_ = clock_.now_ns();
  delivery_->deliver_removed(model, removed);
}

}  // namespace mayfly
