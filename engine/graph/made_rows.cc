#include "mayfly/graph/made_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "mayfly/data/row_copy.h"

namespace mayfly {

std::string MadeRows::emit(std::uint32_t port, std::size_t ports, mayfly_batch* batch,
                           const mayfly_lineage* lineage, std::uint32_t count,
                           std::int64_t now_ns) {
  if (batch == nullptr) return {};
  if (std::erase(lent_, batch) == 0) {
    return "emitted a batch that batch_new didn't give it, or that was emitted before";
  }
  if (batch->rows == 0) {
    pool_->release(batch);
    return {};
  }
  std::string wrong = port < ports
                          ? rules_.mistake_in(*pool_, *batch, {lineage, count}, open_, splits_)
                          : fmt::format("emitted to port {} of {}", port, ports);
  if (!wrong.empty()) {
    batch->rows = std::min(batch->rows, batch->capacity);
    pool_->release(batch);
    return wrong;
  }
  seal(*batch, now_ns, MAYFLY_ROW_NONE);
  for (std::uint32_t i = 0; i < count; ++i) link(*batch, lineage[i]);
  emitted_in_call_ = true;
  last_rows_ = batch->rows;
  if (may_wait() && emitted_.back().port == port && append_rows(*batch, *emitted_.back().batch)) {
    pool_->release(batch);
  } else {
    emitted_.push_back({batch, port});
  }
  answers_.emit(*emitted_.back().batch, last_rows_);
  return {};
}

void MadeRows::link(mayfly_batch& batch, const mayfly_lineage& made) {
  mayfly_batch& from = *pool_->batch(made.parent);
  const std::uint16_t row = row_of(made.parent);
  std::atomic_ref(from.children[row]).fetch_add(1, std::memory_order_relaxed);
  // Several parents of one child form a chain; a parent of several children is in none.
  RowRef& parent = batch.parent[made.child];
  if (parent != MAYFLY_REF_NONE) from.parent_next[row] = parent;
  parent = made.parent;
  std::int64_t& enqueued_ns = batch.enqueued_ns[made.child];
  enqueued_ns = std::min(enqueued_ns, from.enqueued_ns[row]);
}

// Before the children are on their way: from then on the writer answers what they were made from.
void MadeRows::forget_parents() {
  std::erase_if(childless_, [this](RowRef ref) {
    if (pool_->batch(ref)->children[row_of(ref)] == 0) return false;
    open_.forget(ref);
    return true;
  });
}

void MadeRows::send_all(const std::vector<Edge>& ports) {
  forget_parents();
  for (const Emitted& emitted : emitted_) {
    ports[emitted.port].push(make_ref(emitted.batch->id, 0));
  }
  emitted_.clear();
}

void MadeRows::answer_childless(std::uint16_t node, const Edge& record) {
  for (const RowRef ref : childless_) {
    open_.forget(ref);
    mayfly_batch& batch = *pool_->batch(ref);
    const std::uint16_t row = row_of(ref);
    batch.outcome[row] = MAYFLY_CONSUMED;
    batch.judge[row] = node;
    SliceChain one;
    one.append(batch, row);
    record.push(one.finish(batch));
  }
  childless_.clear();
}

void MadeRows::leave() {
  for (const Emitted& emitted : emitted_) answers_.leave(make_ref(emitted.batch->id, 0));
  emitted_.clear();
  for (const RowRef ref : childless_) {
    open_.forget(ref);
    // Those with children are left with the orphans.
    mayfly_batch& batch = *pool_->batch(ref);
    if (batch.children[row_of(ref)] == 0) answers_.leave_row(batch, row_of(ref));
  }
  childless_.clear();
}

}  // namespace mayfly
