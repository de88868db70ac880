// DispatchOrder: which of the waiting operations is next. One for each kind of coordinator.
//
// Killed operations stay in line until their turn (work_core.h): they are taken like others, and
// count for nothing meanwhile.
//
// THREADS  All calls under the scheduler's lock. None throws.
#pragma once

#include <cstdint>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/work/intake.h"
#include "mayfly/work/operation_table.h"

namespace mayfly {

// What to do with the operation that is next.
struct Turn {
  OperationSlot slot = kNoOperationSlot;
  bool skip = false;                 // it is not to run
  bool exhausted = false;            // it runs although a signal defers it
  std::int64_t look_again = kNever;  // without a slot: when there may be one though nothing happens
};

class DispatchOrder {
 public:
  virtual ~DispatchOrder() = default;
  // The next one, which stays where it is.
  virtual Turn next(std::int64_t now_ns) = 0;
  // Takes what next() gave last. `runs`: finished() will be called for it.
  virtual void take(OperationSlot slot, bool runs) = 0;
  virtual void finished(OperationSlot slot) = 0;
  // What has waited longest, whether it may run or not; it can be taken. kNoOperationSlot: nothing
  // waits.
  virtual OperationSlot oldest() = 0;
  // Takes everything, in no order that matters.
  virtual void take_all(FunctionRef<void(OperationSlot)> take) = 0;
  // How many of a key wait; `key` is of the coordinator's key type. 0 without keys.
  virtual std::uint64_t waiting_with_key(std::uint64_t, const void*) { return 0; }
};

// By arrival: the intake's ring is the queue.
class ArrivalOrder final : public DispatchOrder {
 public:
  explicit ArrivalOrder(Intake& intake) : intake_(intake) {}

  Turn next(std::int64_t) override { return {.slot = intake_.peek()}; }
  void take(OperationSlot, bool) override { intake_.pop(); }
  void finished(OperationSlot) override {}
  OperationSlot oldest() override { return intake_.peek(); }
  void take_all(FunctionRef<void(OperationSlot)> take) override {
    for (OperationSlot slot; (slot = intake_.peek()) != kNoOperationSlot; take(slot)) intake_.pop();
  }

 private:
  Intake& intake_;
};

// A queue of slots, linked by their records.
class SlotList {
 public:
  bool empty() const { return head_ == kNoOperationSlot; }
  OperationSlot head() const { return head_; }

  void push_back(OperationTable& table, OperationSlot slot) {
    link(table, slot, tail_, kNoOperationSlot);
  }
  void push_front(OperationTable& table, OperationSlot slot) {
    link(table, slot, kNoOperationSlot, head_);
  }
  // Calls visit(slot) for each, first to last.
  template <class Visit>
  void visit(const OperationTable& table, Visit visit) const {
    for (OperationSlot at = head_; at != kNoOperationSlot; at = table[at].next) visit(at);
  }
  OperationSlot pop_front(OperationTable& table) {
    const OperationSlot slot = head_;
    remove(table, slot);
    return slot;
  }
  void remove(OperationTable& table, OperationSlot slot) {
    OperationRecord& record = table[slot];
    (record.previous == kNoOperationSlot ? head_ : table[record.previous].next) = record.next;
    (record.next == kNoOperationSlot ? tail_ : table[record.next].previous) = record.previous;
    record.next = record.previous = kNoOperationSlot;
  }

 private:
  void link(OperationTable& table, OperationSlot slot, OperationSlot previous, OperationSlot next) {
    table[slot].previous = previous;
    table[slot].next = next;
    (previous == kNoOperationSlot ? head_ : table[previous].next) = slot;
    (next == kNoOperationSlot ? tail_ : table[next].previous) = slot;
  }

  OperationSlot head_ = kNoOperationSlot;
  OperationSlot tail_ = kNoOperationSlot;
};

}  // namespace mayfly
