// SignalSink: raises that somebody hears of, or that something caused.
#include <stdexcept>
#include <string>
#include <utility>

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
  return record_heard(clock_.now_ns(), stem, operation, argument, &cause);
}

bool SignalSink::record_heard(std::int64_t now_ns, StemId stem, OperationId operation,
                              const RaisedArgument& argument, const SignalEvent* cause) {
  // A name that is kept as text is all argument in the window; here it is split like any other.
  std::string_view stem_text = stems_.text(stem);
  RaisedArgument told = argument;
  if (stem == kTextStem) {
    const std::size_t colon = argument.text.find(':');
    stem_text = argument.text.substr(0, colon);
    told = colon == std::string_view::npos ? RaisedArgument()
                                           : RaisedArgument(argument.text.substr(colon + 1));
  }
  SignalEvent event(this, stem_text, told, operation, cause);
  event.at_ns_ = now_ns;
  if (cause != nullptr && !permits(event, *cause)) return false;
  append(event, stem, argument);
  delivery_->deliver(event, stem, argument.present, window_.own_slot());
  return true;
}

void SignalSink::append(SignalEvent& event, StemId stem, const RaisedArgument& argument) {
  const std::int64_t at_ns = event.at_ns_;
  if (!argument.present) {
    event.at_ns_ = window_.append(at_ns, stem, event.operation_);
  } else if (argument.integers != nullptr) {
    event.at_ns_ = window_.append(at_ns, stem, event.operation_, *argument.integers);
  } else {
    event.at_ns_ = window_.append(at_ns, stem, event.operation_, argument.text);
  }
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
