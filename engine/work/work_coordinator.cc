#include "mayfly/work/work_coordinator.h"

namespace mayfly {

void SourceThread::start(std::function<Status()> pull) {
  state_ = std::make_shared<State>();
  thread_ = std::thread([state = state_, pull = std::move(pull)] {
    Status failure = pull();
    const std::lock_guard lock(state->mutex);
    state->failure = std::move(failure);
    state->has_ended = true;
    state->ended.notify_all();
  });
}

SourceThread::~SourceThread() {
  if (is_here()) {
    thread_.detach();
  } else if (thread_.joinable()) {
    thread_.join();
  }
}

bool SourceThread::is_here() const { return thread_.get_id() == std::this_thread::get_id(); }

Status SourceThread::join() {
  if (is_here()) return {Code::kUsage, "drain() from within the coordinator's own source"};
  std::unique_lock lock(state_->mutex);
  state_->ended.wait(lock, [this] { return state_->has_ended; });
  return state_->failure;
}

}  // namespace mayfly
