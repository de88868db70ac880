// Lineage: when a row may be answered because everything that was made from it is.
//
// A row knows its first parent; parents of one child are chained by parent_next. batch.children
// counts what was made from a row and isn't answered. Decrements are staged in a table of this
// object, so that a rollback touches nothing: stage() finds the parents whose last children this
// transaction answers, commit() counts the batches' words down.
//
// THREADS  The writer's. children[] is read and written through std::atomic_ref, for a graph that
//          looks at it meanwhile.
// MEMORY   4 bytes for each row of the pool, from the first row with a parent on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mayfly/data/batch_pool.h"

namespace mayfly {

class Lineage {
 public:
  explicit Lineage(BatchPool& pool) : pool_(pool) {}

  void begin();
  // Rows that this transaction answers.
  void stage(const mayfly_batch& batch, std::uint16_t head);
  // Parents with no other unanswered children, and their parents in turn; for Progress.
  std::span<const RowRef> consumed() const { return consumed_; }
  // Sets their outcome and counts all staged parents down. The consumed ones become slices of one
  // row.
  void commit();
  void rollback();

 private:
  void stage_parents(const mayfly_batch& batch, std::uint16_t row);
  std::uint32_t& staged(RowRef ref) {
    return staged_[static_cast<std::size_t>(batch_of(ref)) * pool_.options().rows + row_of(ref)];
  }

  BatchPool& pool_;
  std::vector<std::uint32_t> staged_;  // by row: children that this transaction answers
  std::vector<RowRef> parents_;        // rows with staged() > 0
  std::vector<RowRef> consumed_;
};

}  // namespace mayfly
