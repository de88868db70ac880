// BatchPool: every batch of a pipeline, allocated at start; the one bound on what is in flight.
//
// OWNERSHIP  The pool owns all memory of all batches. A batch is lent: to a producer, source or
//            node while it is filled, then to whoever has its rows. Its last answered row returns
//            it.
// PARTS      Intake is for producers and sources: an empty intake is backpressure. Each node that
//            makes rows has a part of its own, so that none can take what another needs to let
//            rows go on. Reserve is for copies of held rows, which free the batches that they were
//            in; a batch that is used so goes over to intake, and intake gives the reserve another
//            one back. No part can be emptied by the others.
// THREADS    Any thread may acquire, release and look up.
// MEMORY     rows x (cells + about 140 bytes of meta) + heap a batch; memory_bytes() says the sum.
//
// The free list of a part is a LIFO, so that a lightly loaded pipeline keeps to few, cache-warm
// batches. It is a Treiber stack of indices; the head carries a tag that changes with every pop and
// push (against ABA), and a semaphore counts what is free, so that a pop that got a permit
// succeeds.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/batch_view.h"
#include "mayfly/data/schema.h"
#include "mayfly/data/semaphore.h"

namespace mayfly {

// How many batches there are, and how large.
struct BatchPoolOptions {
  std::uint32_t rows = 1024;             // a batch; up to MAYFLY_BATCH_ROWS_MAX
  std::uint32_t columns = 1;             // the widest schema of the pipeline
  std::uint32_t heap_bytes = 192 << 10;  // a batch
  std::uint32_t intake_batches = 64;
  std::uint32_t reserve_batches = 0;
  std::vector<std::uint32_t> maker_batches = {};  // for each node that makes rows
  std::uint64_t oversize_bytes = 64ull << 20;     // for heaps larger than heap_bytes, all together
};

class BatchPool {
 public:
  enum class Part : std::uint32_t { kIntake, kReserve, kMakers };
  // Of the node that makes rows with that number, from 0.
  static Part part_of_maker(std::uint32_t number) {
    return static_cast<Part>(static_cast<std::uint32_t>(Part::kMakers) + number);
  }

  explicit BatchPool(const BatchPoolOptions& options);
  ~BatchPool();
  BatchPool(const BatchPool&) = delete;
  BatchPool& operator=(const BatchPool&) = delete;

  // An empty batch shaped for the schema, or null when none is free. Never allocates.
  mayfly_batch* try_acquire(Part part, const Schema& schema);
  // Waits up to timeout_ns; null when none came free.
  mayfly_batch* acquire(Part part, const Schema& schema, std::int64_t timeout_ns);

  // One of the reserve, as try_acquire; it is of intake from now on, and the next one that comes
  // back to intake takes its place.
  mayfly_batch* try_exchange(const Schema& schema);

  // Gives a batch without unanswered rows back (an unused one, say).
  void release(mayfly_batch* batch);
  // `rows` more rows of the batch are unanswered. Before they are sent; or with one to spare while
  // the batch is still being filled, so that it can't return meanwhile.
  void add_flight(mayfly_batch* batch, std::uint32_t rows);
  // `rows` rows of the batch are answered and no longer touched by the caller; the last ones return
  // the batch. Any thread.
  void settle(mayfly_batch* batch, std::uint32_t rows);

  // Makes room for `bytes` more in the heap: MAYFLY_OK, MAYFLY_FULL when rows stand before it, or
  // MAYFLY_BLOCKED when the oversize budget is taken for now, MAYFLY_FAILED when it never fits.
  mayfly_result reserve_heap(mayfly_batch* batch, std::uint64_t bytes);
  // After MAYFLY_BLOCKED: waits until oversize heaps come back or `bytes` are free, at most
  // timeout_ns, and false when that passed. Whoever waits tries again: another may be first.
  bool wait_for_heap(std::uint64_t bytes, std::int64_t timeout_ns);

  // Rows that were sent and are not answered. A sum over all batches: exact when nothing moves.
  std::uint64_t rows_in_flight() const;
  std::uint32_t rows_in_flight(const mayfly_batch& batch) const;

  mayfly_batch* at(std::uint32_t index) { return &batches_[index]; }
  mayfly_batch* batch(RowRef ref) { return at(batch_of(ref)); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(batches_.size()); }
  std::uint32_t rows_max() const { return size() * options_.rows; }
  std::uint32_t free_batches(Part part) const;
  std::uint32_t part_batches(Part part) const;
  // Whoever has rows of the batch may ask.
  Part part_of(const mayfly_batch& batch) const;
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  const BatchPoolOptions& options() const { return options_; }

 private:
  struct FreeList;
  struct Slot;

  mayfly_batch* take(FreeList& list, const Schema& schema);
  bool pays_debt();
  void shape(mayfly_batch& batch, const Schema& schema);
  void drop_oversize(mayfly_batch& batch);
  FreeList& list(Part part) const { return *lists_[static_cast<std::size_t>(part)]; }

  BatchPoolOptions options_;
  std::uint64_t memory_bytes_ = 0;
  std::vector<mayfly_batch> batches_;
  std::unique_ptr<Slot[]> slots_;  // one a batch: its memory, unanswered rows, free-list link
  std::vector<std::unique_ptr<FreeList>> lists_;   // by part
  std::atomic<std::uint32_t> owed_to_reserve_{0};  // by intake
  std::atomic<std::uint64_t> oversize_left_;
  std::atomic<std::uint32_t> oversize_waiters_{0};
  Semaphore oversize_freed_;
};

// A batch that is full or closed becomes one slice of all its rows; returns the head's reference.
// rows > 0.
RowRef seal(mayfly_batch& batch, std::int64_t now_ns, std::uint16_t source);

}  // namespace mayfly
