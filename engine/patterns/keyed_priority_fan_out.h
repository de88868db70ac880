// KeyedPriorityFanOut: two lanes, of which the priority one goes first, with order for each key.
//
//   KeyedPriorityFanOut<std::string, Order> orders(key, body, {.max_concurrency = 8});
//   orders.enqueue(order);            // normal
//   orders.enqueue_priority(order);   // overtakes all normal ones that wait; false: the lane is
//   full
//
// Items of a key run in order within their lane, at most per_key of them at once over both. The
// node of the same kind is the plugin `keyed_priority_fanout`.
//
// THREADS  Any may call anything, at once.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/work/priority_work_coordinator.h"

namespace mayfly {

// Limits of both lanes, and what the priority lane heeds.
struct KeyedPriorityOptions {
  int max_concurrency = 0;  // 0 or less: the number of processors
  int per_key = 1;
  int max_priority_depth = 0;  // items that wait in the priority lane; 0: no limit of its own
  // Signals that let what waits in the priority lane be skipped, or wait; both need `signals`.
  std::vector<std::string> cancel_priority_on = {};
  std::vector<std::string> defer_priority_on = {};
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  const Clock* clock = nullptr;   // borrowed; null: the machine's
};

template <class Key, class Item>
class KeyedPriorityFanOut {
 public:
  static constexpr const char* kPriority = "priority";
  static constexpr const char* kNormal = "normal";

  template <BodyOf<Item> Body>
  KeyedPriorityFanOut(std::function<Key(const Item&)> key_selector, Body body,
                      const KeyedPriorityOptions& options = {})
      : work_({.max_concurrency =
                   options.max_concurrency > 0 ? options.max_concurrency : default_concurrency(),
               .max_concurrency_per_key = options.per_key > 1 ? options.per_key : 1,
               .signals = options.signals,
               .clock = options.clock},
              {{.name = kPriority,
                .max_depth = options.max_priority_depth,
                .cancel_on_signals = options.cancel_priority_on,
                .defer_on_signals = options.defer_priority_on},
               {.name = kNormal}},
              std::move(key_selector), std::move(body)) {}

  // Waits for room.
  Result<OperationId> enqueue(Item item) { return work_.enqueue(std::move(item), kNormal); }
  // False: the lane holds max_priority_depth items, or nothing is taken any more.
  bool enqueue_priority(Item item) { return work_.enqueue(std::move(item), kPriority).ok(); }

  struct PendingCounts {
    std::uint32_t priority = 0;
    std::uint32_t normal = 0;
  };
  PendingCounts pending_counts() const {
    PendingCounts counts;
    for (const LaneDepth& lane : work_.pending_by_lane()) {
      (lane.name == kPriority ? counts.priority : counts.normal) = lane.pending;
    }
    return counts;
  }
  // Takes no more, and waits until everything has ended.
  Status drain() {
    work_.complete();
    return work_.drain();
  }
  PriorityKeyedWorkCoordinator<Item, Key>& coordinator() { return work_; }

 private:
  PriorityKeyedWorkCoordinator<Item, Key> work_;
};

}  // namespace mayfly
