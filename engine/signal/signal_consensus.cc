#include "mayfly/signal/signal_consensus.h"

#include <algorithm>
#include <stdexcept>

#include "mayfly/base/glob.h"

namespace mayfly {

SignalConsensus::SignalConsensus(SignalSink& sink, std::string_view patterns, std::size_t quorum,
                                 std::int64_t since_ns)
    : sink_(sink), quorum_(quorum) {
  if (quorum == 0) throw std::invalid_argument("signal consensus: expected a quorum, found 0");
  voters_.reserve(quorum);
  subscription_ =
      sink.subscribe(patterns, [this](const SignalEvent& event) { vote(event.operation()); });
  // After subscribing, so that nothing falls between; who is seen twice counts once.
  if (since_ns == kNever) return;
  const GlobSet globs(patterns);
  sink.visit(
      "*",
      [&](const SignalView& signal) {
        if (globs.matches_any(signal.name)) vote(signal.operation);
        return true;
      },
      since_ns);
}

void SignalConsensus::vote(OperationId operation) {
  if (operation == 0) return;
  const std::lock_guard lock(mutex_);
  if (voters_.size() >= quorum_) return;
  const auto place = std::lower_bound(voters_.begin(), voters_.end(), operation);
  if (place != voters_.end() && *place == operation) return;
  voters_.insert(place, operation);
  if (voters_.size() == quorum_) reached_.notify_all();
}

ConsensusResult SignalConsensus::wait_until(std::int64_t deadline_ns) {
  std::unique_lock lock(mutex_);
  while (voters_.size() < quorum_ &&
         (deadline_ns == kNever || sink_.clock().now_ns() < deadline_ns)) {
    sink_.clock().wait_until(lock, reached_, deadline_ns);
  }
  const bool reached = voters_.size() >= quorum_;
  return {reached, !reached, voters_.size()};
}

std::size_t SignalConsensus::count() const {
  const std::lock_guard lock(mutex_);
  return voters_.size();
}

}  // namespace mayfly
