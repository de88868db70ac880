// Inbox: where slices are delivered: a node, or the writer. Edge: one upstream port's way into one.
#pragma once

#include <cstdint>

#include "mayfly/data/batch_pool.h"
#include "mayfly/data/slice_queue.h"

namespace mayfly {

class Inbox {
 public:
  virtual ~Inbox() = default;
  // Before the first push. Each lane is used by one thread at a time.
  virtual SliceQueue::LaneId add_lane() = 0;
  // Never blocks, always fits. `forward`: the caller is an activation that comes before this one in
  // the graph's order, so the receiver may run inside the call; otherwise the driver is woken.
  virtual void push(SliceQueue::LaneId lane, RowRef head, std::uint32_t input, bool forward) = 0;
};

// Where rows that leave a port go.
struct Edge {
  Inbox* to = nullptr;
  SliceQueue::LaneId lane = 0;
  std::uint32_t input = 0;
  bool forward = false;

  void push(RowRef head) const { to->push(lane, head, input, forward); }
};

}  // namespace mayfly
