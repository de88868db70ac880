#include "mayfly/work/coordinator.h"

#include <condition_variable>
#include <mutex>

namespace mayfly {

std::vector<OperationSnapshot> Coordinator::snapshot() const {
  return core_->snapshot(
      [](const OperationSnapshot& one) { return one.state != OperationState::kPending; });
}

std::vector<OperationSnapshot> Coordinator::running() const {
  return core_->snapshot(
      [](const OperationSnapshot& one) { return one.state == OperationState::kRunning; });
}

std::vector<OperationSnapshot> Coordinator::completed_operations() const {
  return core_->snapshot([](const OperationSnapshot& one) { return one.finished(); });
}

std::vector<OperationSnapshot> Coordinator::failed() const {
  return core_->snapshot([](const OperationSnapshot& one) { return one.failed(); });
}

std::vector<OperationSnapshot> Coordinator::pending() const {
  return core_->snapshot(
      [](const OperationSnapshot& one) { return one.state == OperationState::kPending; });
}

std::optional<OperationSnapshot> Coordinator::find(OperationId id) const {
  auto found = core_->snapshot([id](const OperationSnapshot& one) { return one.id == id; });
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Signal> Coordinator::signals_since(std::int64_t since_ns, std::string_view glob) const {
  std::vector<Signal> found = core_->signals(glob);
  std::erase_if(found, [since_ns](const Signal& signal) { return signal.at_ns < since_ns; });
  return found;
}

Result<OperationSnapshot> Coordinator::wait(OperationId id) {
  struct Arrival {
    std::mutex mutex;
    std::condition_variable here;
    std::optional<OperationSnapshot> snapshot;
  };
  // Shared: the callback may still hold the lock when the waiter goes on.
  const auto arrival = std::make_shared<Arrival>();
  auto ended = core_->when_finished(id, [arrival](const OperationSnapshot& snapshot) {
    const std::lock_guard lock(arrival->mutex);
    arrival->snapshot = snapshot;
    arrival->here.notify_all();
  });
  if (!ended.ok()) return ended.status();
  if (ended->has_value()) return std::move(**ended);
  std::unique_lock lock(arrival->mutex);
  arrival->here.wait(lock, [&] { return arrival->snapshot.has_value(); });
  return std::move(*arrival->snapshot);
}

Status Coordinator::on_done(OperationId id, OperationCallback call) {
  if (!call) return {Code::kUsage, "on_done: expected a callback, found a null one"};
  auto ended = core_->when_finished(id, call);
  if (!ended.ok()) return ended.status();
  if (ended->has_value()) call(**ended);
  return {};
}

}  // namespace mayfly
