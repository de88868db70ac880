// SliceQueue: slices on their way to one consumer, by the reference of their head row.
//
// THREADS  A lane belongs to one producing thread at a time; pop to one consuming thread at a time.
//          Handing a lane or the consuming side to another thread needs a happens-before edge.
// ORDER    First in, first out within a lane; none between lanes.
// BOUND    A row is in one slice and the pool bounds the rows, so sized for rows_max a push always
//          fits. moodycamel keeps blocks with the lane that used them, hence rows_max for each
//          lane. Lanes are explicit ProducerTokens: an implicit producer stops at a fraction of the
//          capacity.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "mayfly/data/batch_view.h"
#include "mayfly/data/moodycamel.h"

namespace mayfly {

class SliceQueue {
 public:
  using LaneId = std::uint32_t;

  SliceQueue(std::uint32_t rows_max, std::uint32_t lanes_max)
      : queue_(static_cast<std::size_t>(rows_max) + Traits::BLOCK_SIZE, lanes_max, 0),
        consumer_(queue_) {}

  // Before the first push of any thread.
  LaneId add_lane() {
    lanes_.emplace_back(queue_);
    return static_cast<LaneId>(lanes_.size() - 1);
  }

  void push(LaneId lane, RowRef head) { queue_.enqueue(lanes_[lane], Slot(head)); }
  void push(LaneId lane, std::span<const RowRef> heads) {
    queue_.enqueue_bulk(lanes_[lane], heads.data(), heads.size());
  }
  std::size_t pop(std::span<RowRef> heads) {
    return queue_.try_dequeue_bulk(consumer_, heads.data(), heads.size());
  }
  // Exact when nobody pushes or pops.
  std::size_t size_approx() const { return queue_.size_approx(); }

 private:
  struct Traits : moodycamel::ConcurrentQueueDefaultTraits {
    static const std::size_t BLOCK_SIZE = 128;
    // So that a lane's block index isn't grown while rows flow: 2,048 blocks are 262,144 slices.
    static const std::size_t EXPLICIT_INITIAL_INDEX_SIZE = 2048;
  };
  // A reference in the queue. moodycamel orders the reuse of a slot by fences, which ThreadSanitizer
  // doesn't model; relaxed atomics cost nothing, and say what it can't see.
  class Slot {
   public:
    Slot(RowRef ref) { set(ref); }  // NOLINT(google-explicit-constructor)
    Slot(const Slot& other) { set(other); }
    Slot& operator=(const Slot& other) {
      set(other);
      return *this;
    }
    operator RowRef() const {  // NOLINT(google-explicit-constructor)
      return std::atomic_ref(const_cast<RowRef&>(ref_)).load(std::memory_order_relaxed);
    }

   private:
    void set(RowRef ref) { std::atomic_ref(ref_).store(ref, std::memory_order_relaxed); }
    RowRef ref_;  // not an std::atomic: its constructor would be a plain write
  };
  moodycamel::ConcurrentQueue<Slot, Traits> queue_;
  moodycamel::ConsumerToken consumer_;
  std::deque<moodycamel::ProducerToken> lanes_;
};

}  // namespace mayfly
