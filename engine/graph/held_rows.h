// HeldRows: the rows one node holds, kept by the host so that no policy needs memory of its own.
//
// Rows without a due time stand in one queue per tag, first in, first out, linked through
// batch.hold_next across batches: no memory but an entry per tag. Rows with a due time stand in a
// heap by (due, order of holding). The heap and the tag table grow to their high-water mark and
// stay there.
//
// THREADS  The node's activation; compact(): the driver between activations.
// OWNERSHIP  The rows' batches belong to the pool; a held row keeps its batch from returning.
#pragma once

#include <cstdint>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/graph/tag_table.h"

namespace mayfly {

class HeldRows {
 public:
  explicit HeldRows(BatchPool& pool) : pool_(pool) {}

  // By the row's due_ns and hold_tag.
  void hold(RowRef ref);

  // Takes up to max_rows out of the tag's queue, oldest first; f(ref) may hold the row again.
  template <class F>
  std::uint64_t release(std::uint64_t tag, std::uint64_t max_rows, F&& f) {
    std::uint64_t released = 0;
    while (released < max_rows) {
      const RowRef ref = pop(tag);
      if (ref == MAYFLY_REF_NONE) break;
      f(ref);
      ++released;
    }
    return released;
  }
  // Takes one row whose due time has come, the earliest; MAYFLY_REF_NONE when there is none.
  RowRef pop_due(std::int64_t now_ns);
  // Takes any one row, in no promised order: for the end of a drain.
  RowRef pop_any();

  std::uint64_t count(std::uint64_t tag) const;
  std::uint64_t total() const { return queued_ + due_.size(); }
  std::int64_t next_due_ns() const { return due_.empty() ? kNever : due_.front().due_ns; }

  // Copies what is held out of sparsely held batches, whoever's they are, into fewer, so that a few
  // held rows don't pin every batch. `schema`: the columns of all of them.
  void compact(const Schema& schema);
  // Whether that may do anything: rows came or went since the last time, or there was no room for
  // their copies then and now is. It walks all rows that are held.
  bool may_compact() const {
    return total() > 0 && (changed_ || (lacked_room_ && has_room_for_copies()));
  }

  // Replaces every held row's reference by f(ref): the rows were copied to another batch.
  template <class F>
  void relocate(F&& f) {
    for (Due& due : due_) due.ref = f(due.ref);
    tags_.for_each([&](std::uint64_t, TagQueue& queue) {
      RowRef before = MAYFLY_REF_NONE;
      for (RowRef ref = queue.first; ref != MAYFLY_REF_NONE;) {
        const RowRef next = hold_next(ref);
        const RowRef moved = f(ref);
        (before == MAYFLY_REF_NONE ? queue.first : hold_next(before)) = moved;
        hold_next(moved) = next;
        before = moved;
        ref = next;
      }
      queue.last = before;
    });
  }

 private:
  struct Due {
    std::int64_t due_ns;
    std::uint64_t order;
    RowRef ref;
  };
  static bool later(const Due& a, const Due& b) {
    return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.order > b.order;
  }
  RowRef pop(std::uint64_t tag);
  bool is_sparse(const mayfly_batch& batch) const;
  RowRef compact_row(RowRef ref, const Schema& schema);
  void close_copies(bool full);
  bool has_room_for_copies() const { return pool_.free_batches(BatchPool::Part::kReserve) > 0; }
  RowRef& hold_next(RowRef ref) { return pool_.batch(ref)->hold_next[row_of(ref)]; }

  BatchPool& pool_;
  TagTable tags_;
  std::vector<Due> due_;  // a heap, earliest first
  std::uint64_t queued_ = 0;
  std::uint64_t order_ = 0;
  // compact()'s: rows held of each batch, the batch they are copied to, and which copies have no
  // room for more bytes.
  std::vector<std::uint32_t> held_in_batch_;
  mayfly_batch* compact_batch_ = nullptr;
  std::vector<bool> filled_;
  bool changed_ = false;      // since the last compact()
  bool lacked_room_ = false;  // then
};

}  // namespace mayfly
