#include "mayfly/work/observed_window.h"

#include <algorithm>
#include <utility>

namespace mayfly {

ObservedWindow::ObservedWindow(const WorkOptions& options)
    : options_(options), window_max_(static_cast<std::size_t>(options.max_tracked_operations)) {}

void ObservedWindow::start(OperationSnapshot running) {
  std::vector<OperationSnapshot> left;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now_ns = running.started_ns;
    running_.push_back(std::move(running));
    left = evict(now_ns);
  }
  for (const OperationSnapshot& operation : left) {
    try {
      options_.on_finalized(operation);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      ++observer_failures_;
    }
  }
}

void ObservedWindow::end(OperationSnapshot ended) {
  std::vector<OperationSnapshot> left;
  std::vector<OperationSnapshot> window;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now_ns = ended.finished_ns;
    std::erase_if(running_, [&](const OperationSnapshot& one) { return one.id == ended.id; });
    ended_.push_back(std::move(ended));
    left = evict(now_ns);
    if (options_.on_sample) window = sample();
  }
  std::uint64_t failures = 0;
  for (const OperationSnapshot& operation : left) {
    try {
      options_.on_finalized(operation);
    } catch (...) {
      ++failures;
    }
  }
  try {
    if (options_.on_sample) options_.on_sample(window);
  } catch (...) {
    ++failures;
  }
  if (failures == 0) return;
  const std::lock_guard lock(mutex_);
  observer_failures_ += failures;
}

std::vector<OperationSnapshot> ObservedWindow::take() {
  const std::lock_guard lock(mutex_);
  return {std::make_move_iterator(ended_.begin()), std::make_move_iterator(ended_.end())};
}

std::uint64_t ObservedWindow::observer_failures() const {
  const std::lock_guard lock(mutex_);
  return observer_failures_;
}

// Running operations never leave. Nobody asks for those that do unless there is on_finalized.
std::vector<OperationSnapshot> ObservedWindow::evict(std::int64_t now_ns) {
  std::vector<OperationSnapshot> left;
  while (!ended_.empty() &&
         (running_.size() + ended_.size() > window_max_ ||
          now_ns - ended_.front().finished_ns > options_.max_operation_lifetime_ns)) {
    if (options_.on_finalized) left.push_back(std::move(ended_.front()));
    ended_.pop_front();
  }
  return left;
}

std::vector<OperationSnapshot> ObservedWindow::sample() const {
  std::vector<OperationSnapshot> window(ended_.begin(), ended_.end());
  window.insert(window.end(), running_.begin(), running_.end());
  return window;
}

}  // namespace mayfly
