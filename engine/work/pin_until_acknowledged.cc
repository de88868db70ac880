#include "mayfly/work/pin_until_acknowledged.h"

#include <utility>

namespace mayfly {

PinUntilAcknowledged::PinUntilAcknowledged(Coordinator& coordinator, SignalSink& sink,
                                           const Clock& clock, std::int64_t max_pin_ns)
    : coordinator_(coordinator),
      clock_(clock),
      max_pin_ns_(max_pin_ns),
      subscription_(sink.subscribe("*", [this](const SignalEvent& event) { hear(event); })) {}

PinUntilAcknowledged::~PinUntilAcknowledged() {
  subscription_.reset();
  release([](OperationId, const Pin&) { return true; });
}

Status PinUntilAcknowledged::pin(OperationId id, PinOptions options) {
  if (options.acknowledged_by.find_first_not_of(" \t") == std::string::npos) {
    return {Code::kUsage, "expected a pattern of signals that acknowledge, found a blank one"};
  }
  release_expired();
  if (options.argument.empty()) options.argument = std::to_string(id);
  {
    const std::lock_guard lock(mutex_);
    pins_.insert_or_assign(id, Pin{Glob(options.acknowledged_by), std::move(options.argument),
                                   std::move(options.description), clock_.now_ns()});
  }
  if (coordinator_.pin(id)) {
    // Acknowledged in between: its end came before its beginning.
    bool held = false;
    {
      const std::lock_guard lock(mutex_);
      held = pins_.contains(id);
    }
    if (!held) coordinator_.unpin(id);
    return {};
  }
  const std::lock_guard lock(mutex_);
  pins_.erase(id);
  return {Code::kUsage, "expected an operation of the coordinator, found none with id " +
                            std::to_string(id) + " (or it has left the window)"};
}

bool PinUntilAcknowledged::complete(OperationId id) {
  return release([id](OperationId one, const Pin&) { return one == id; }) > 0;
}

std::vector<PinnedResponsibility> PinUntilAcknowledged::active() {
  release_expired();
  std::vector<PinnedResponsibility> held;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, pin] : pins_) held.push_back({id, pin.description, pin.pinned_ns});
  return held;
}

void PinUntilAcknowledged::hear(const SignalEvent& event) {
  const std::string_view argument = event.argument();
  release([&](OperationId, const Pin& pin) {
    return pin.argument == argument && pin.acknowledged_by.matches(event.stem());
  });
  release_expired();
}

void PinUntilAcknowledged::release_expired() {
  if (max_pin_ns_ == kNever) return;
  const std::int64_t now = clock_.now_ns();
  release([&](OperationId, const Pin& pin) { return now - pin.pinned_ns >= max_pin_ns_; });
}

template <class Ends>
std::size_t PinUntilAcknowledged::release(Ends ends) {
  std::vector<OperationId> released;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(pins_, [&](const auto& entry) {
      if (!ends(entry.first, entry.second)) return false;
      released.push_back(entry.first);
      return true;
    });
  }
  for (const OperationId id : released) coordinator_.unpin(id);
  return released.size();
}

}  // namespace mayfly
