#include "mayfly/work/operation_window.h"

namespace mayfly {

void OperationWindow::finished(OperationSlot slot, bool ran) {
  if (ran) --running_;
  ++finished_;
  const bool pinned = table_[slot].pinned.load(std::memory_order_relaxed);
  (pinned ? pinned_ : unpinned_).push_back(table_, slot);
}

OperationSlot OperationWindow::evict_next(std::int64_t now_ns) {
  const OperationSlot oldest = unpinned_.head();
  if (oldest == kNoOperationSlot) return kNoOperationSlot;
  const bool too_many = running_ + finished_ > size_max_;
  const std::int64_t finished_ns = table_[oldest].finished_ns.load(std::memory_order_relaxed);
  if (!too_many && !too_old(finished_ns, now_ns)) return kNoOperationSlot;
  unpinned_.remove(table_, oldest);
  --finished_;
  return oldest;
}

void OperationWindow::evict(OperationSlot slot) {
  const bool pinned = table_[slot].pinned.load(std::memory_order_relaxed);
  (pinned ? pinned_ : unpinned_).remove(table_, slot);
  --finished_;
}

void OperationWindow::set_pinned(OperationSlot slot, bool pinned) {
  evict(slot);
  ++finished_;
  table_[slot].pinned.store(pinned, std::memory_order_release);
  if (pinned) {
    pinned_.push_back(table_, slot);
  } else {
    unpinned_.push_front(table_, slot);
  }
}

}  // namespace mayfly
