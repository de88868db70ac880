#include "mayfly/work/coordinator.h"

#include "mayfly/work/no_memory.h"

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

std::vector<Signal> Coordinator::signals_since(std::int64_t since_ns, std::string_view glob) const {
  std::vector<Signal> found = core_->signals(glob);
  std::erase_if(found, [since_ns](const Signal& signal) { return signal.at_ns < since_ns; });
  return found;
}

Status Coordinator::on_done(OperationId id, OperationCallback call) {
  if (!call) return {Code::kUsage, "on_done: expected a callback, found a null one"};
  auto ended = unless_no_memory([&] { return core_->when_finished(id, call); });
  if (!ended.ok()) return ended.status();
  if (ended->has_value()) core_->call_back(call, **ended);
  return {};
}

}  // namespace mayfly
