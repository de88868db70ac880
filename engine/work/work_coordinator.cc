#include "mayfly/work/work_coordinator.h"

namespace mayfly {

void SourceThread::start(std::function<Status()> pull) {
  thread_ = std::thread([this, pull = std::move(pull)] { failure_ = pull(); });
}

Status SourceThread::join() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) {
    thread_.join();
    ended_ = true;
  }
  return failure_;
}

}  // namespace mayfly
