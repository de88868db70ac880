// OperationWindow: which operations that ended can still be looked at: the newest, up to a number
// that running ones count towards, up to an age, and those that are pinned.
//
// Running operations are never evicted. Finished ones leave oldest first. Pinned ones stay until
// they are unpinned (then they are the oldest) or evicted by name, so that pins alone can make the
// window larger than its limit.
//
// THREADS  Under the scheduler's lock. Whoever reads records finds evicted ones gone (id 0), or
//          their slots reused.
#pragma once

#include <cstdint>

#include "mayfly/work/dispatch_order.h"
#include "mayfly/work/operation_table.h"

namespace mayfly {

class OperationWindow {
 public:
  OperationWindow(OperationTable& table, std::uint32_t size_max, std::int64_t lifetime_ns)
      : table_(table), size_max_(size_max), lifetime_ns_(lifetime_ns) {}

  // An operation begins to run.
  void started() { ++running_; }
  // It ended. It ran, or never did.
  void finished(OperationSlot slot, bool ran);
  // It ended, and leaves at once.
  void finished_and_gone(bool ran) {
    if (ran) --running_;
  }

  // Takes out one that has to go; kNoOperationSlot when none has to. Ask until then.
  OperationSlot evict_next(std::int64_t now_ns);
  // Takes out a finished one, pinned or not.
  void evict(OperationSlot slot);
  // Of a finished one.
  void set_pinned(OperationSlot slot, bool pinned);

  // Whether one that ended at finished_ns is too old to be shown.
  bool too_old(std::int64_t finished_ns, std::int64_t now_ns) const {
    return now_ns - finished_ns > lifetime_ns_;
  }

 private:
  OperationTable& table_;
  const std::uint32_t size_max_;
  const std::int64_t lifetime_ns_;
  std::uint32_t running_ = 0;
  std::uint32_t finished_ = 0;  // in both lists
  SlotList unpinned_;           // oldest first
  SlotList pinned_;
};

}  // namespace mayfly
