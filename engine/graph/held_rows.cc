#include "mayfly/graph/held_rows.h"

#include <algorithm>
#include <utility>

#include "mayfly/data/row_copy.h"

namespace mayfly {

void HeldRows::hold(RowRef ref) {
  changed_ = true;
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
  changed_ = true;
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
  changed_ = true;
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

bool HeldRows::is_sparse(const mayfly_batch& batch) const {
  const std::uint32_t held = held_in_batch_[batch.id];
  // What was copied until there was no room for more bytes is full, though not of rows.
  return held > 0 && held <= batch.capacity / 2 && !filled_[batch.id];
}

void HeldRows::compact(const Schema& schema) {
  changed_ = lacked_room_ = false;
  held_in_batch_.assign(pool_.size(), 0);
  filled_.resize(pool_.size());
  relocate([&](RowRef ref) {
    ++held_in_batch_[batch_of(ref)];
    return ref;
  });
  std::uint32_t sparse = 0;
  for (std::uint32_t i = 0; i < pool_.size(); ++i) {
    if (held_in_batch_[i] == 0) filled_[i] = false;
    sparse += is_sparse(*pool_.at(i)) ? 1 : 0;
  }
  if (sparse < 2) return;  // one for one frees nothing
  relocate([&](RowRef ref) { return compact_row(ref, schema); });
  if (compact_batch_ != nullptr) close_copies(false);
}

RowRef HeldRows::compact_row(RowRef ref, const Schema& schema) {
  mayfly_batch* from = pool_.batch(ref);
  if (!is_sparse(*from)) return ref;  // it would cost as much as it frees, or is a copy
  for (int tries = 0; tries < 2; ++tries) {
    if (compact_batch_ != nullptr && copy_row(*from, row_of(ref), *compact_batch_)) {
      pool_.add_flight(compact_batch_, 1);
      pool_.settle(from, 1);
      return make_ref(compact_batch_->id, compact_batch_->rows - 1);
    }
    if (compact_batch_ != nullptr) close_copies(true);
    compact_batch_ = pool_.try_exchange(schema);
    if (compact_batch_ == nullptr) {
      lacked_room_ = true;
      return ref;
    }
    pool_.add_flight(compact_batch_, 1);  // so that it can't return while it is being filled
  }
  return ref;
}

void HeldRows::close_copies(bool full) {
  filled_[compact_batch_->id] = full && compact_batch_->rows < compact_batch_->capacity;
  pool_.settle(std::exchange(compact_batch_, nullptr), 1);
}

}  // namespace mayfly
