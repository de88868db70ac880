#include "mayfly/graph/held_rows.h"

#include <algorithm>

namespace mayfly {

void HeldRows::hold(RowRef ref) {
  const mayfly_batch& batch = *pool_.batch(ref);
  const std::uint16_t row = row_of(ref);
  if (batch.due_ns[row] != 0) {
    due_.push_back({batch.due_ns[row], order_++, ref});
    std::ranges::push_heap(due_, later);
    return;
  }
  hold_next(ref) = MAYFLY_REF_NONE;
  TagQueue& queue = tags_.find_or_add(batch.hold_tag[row]);
  (queue.rows == 0 ? queue.first : hold_next(queue.last)) = ref;
  queue.last = ref;
  ++queue.rows;
  ++queued_;
}

RowRef HeldRows::pop(std::uint64_t tag) {
  TagQueue* queue = tags_.find(tag);
  if (queue == nullptr) return MAYFLY_REF_NONE;
  const RowRef ref = queue->first;
  --queued_;
  if (queue->rows == 1) {
    tags_.remove(tag);
  } else {
    queue->first = hold_next(ref);
    --queue->rows;
  }
  return ref;
}

RowRef HeldRows::pop_due(std::int64_t now_ns) {
  if (due_.empty() || due_.front().due_ns > now_ns) return MAYFLY_REF_NONE;
  std::ranges::pop_heap(due_, later);
  const RowRef ref = due_.back().ref;
  due_.pop_back();
  return ref;
}

RowRef HeldRows::pop_any() {
  if (const RowRef due = pop_due(kNever); due != MAYFLY_REF_NONE) return due;
  const TagQueue* queue = tags_.any();
  if (queue == nullptr) return MAYFLY_REF_NONE;
  const mayfly_batch& batch = *pool_.batch(queue->first);
  return pop(batch.hold_tag[row_of(queue->first)]);
}

std::uint64_t HeldRows::count(std::uint64_t tag) const {
  const TagQueue* queue = tags_.find(tag);
  return queue == nullptr ? 0 : queue->rows;
}

}  // namespace mayfly
