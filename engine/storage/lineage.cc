#include "mayfly/storage/lineage.h"

#include <atomic>
#include <cassert>

#include "mayfly/data/uniform.h"

namespace mayfly {

void Lineage::begin() {
  assert(parents_.empty());
  consumed_.clear();
}

void Lineage::stage(const mayfly_batch& batch, std::uint16_t head) {
  if (slice_is_all(batch, head, batch.parent, RowRef{MAYFLY_REF_NONE})) return;
  for_each_row(batch, head, [&](std::uint16_t row) {
    if (batch.parent[row] != MAYFLY_REF_NONE) stage_parents(batch, row);
  });
}

void Lineage::stage_parents(const mayfly_batch& batch, std::uint16_t row) {
  if (staged_.empty()) staged_.resize(pool_.rows_max());
  // consumed_ is the worklist too: a consumed parent may itself have been made from others.
  std::size_t done = consumed_.size();
  RowRef parent = batch.parent[row];
  while (true) {
    while (parent != MAYFLY_REF_NONE) {
      mayfly_batch& of = *pool_.batch(parent);
      std::uint32_t& count = staged(parent);
      if (count++ == 0) parents_.push_back(parent);
      // Relaxed: the children came here by a queue, after they were counted.
      const std::uint32_t left =
          std::atomic_ref(of.children[row_of(parent)]).load(std::memory_order_relaxed);
      if (count == left) consumed_.push_back(parent);
      parent = of.parent_next[row_of(parent)];
    }
    if (done == consumed_.size()) return;
    const RowRef next = consumed_[done++];
    parent = pool_.batch(next)->parent[row_of(next)];
  }
}

void Lineage::commit() {
  for (const RowRef ref : parents_) {
    std::uint32_t& count = staged(ref);
    std::atomic_ref(pool_.batch(ref)->children[row_of(ref)])
        .fetch_sub(count, std::memory_order_acq_rel);
    count = 0;
  }
  parents_.clear();
  for (const RowRef ref : consumed_) {
    mayfly_batch& batch = *pool_.batch(ref);
    batch.outcome[row_of(ref)] = MAYFLY_CONSUMED;
    batch.next[row_of(ref)] = MAYFLY_ROW_NONE;
    batch.extent[row_of(ref)] = 1 | MAYFLY_EXTENT_DENSE;
  }
}

void Lineage::rollback() {
  for (const RowRef ref : parents_) staged(ref) = 0;
  parents_.clear();
  consumed_.clear();
}

}  // namespace mayfly
