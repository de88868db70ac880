// Intake: how items come in: free slots, the bound on what waits, and the ring by which accepted
// operations reach the scheduler.
//
// PROTOCOL   Two sides with a lock each. Producers hold mutex() to claim a slot and to publish it:
//            its id, a store into the ring, then the ring's end (seq_cst). In between they fill
//            it, with or without the lock (enqueue.h). The scheduler's side is called under the
//            scheduler's lock: it loads the end, then the ring. The end is seq_cst on both sides
//            because sleeping is decided by it: a producer stores the end and then looks for
//            sleepers, a worker announces its sleep and then looks at the end (worker_threads.cc).
//            The other way go counts and free slots: left_ says how many accepted operations are
//            in line no more, dead_ how many are that wait no more (they were killed, and keep
//            their place until their turn), and freed slots are pushed in chains on a stack from
//            which producers take all.
// MEMORY     4 bytes for each that may wait, at construction.
// THREADS    As above.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "mayfly/base/clock.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/work/operation_table.h"

namespace mayfly {

class Intake {
 public:
  Intake(OperationTable& table, std::uint32_t capacity, bool lanes);

  // Producers, holding mutex().
  std::mutex& mutex() { return mutex_; }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  void close() { closed_.store(true, std::memory_order_release); }
  // How many more are let in now.
  std::uint32_t room();
  // A slot, and a place in line; kNoOperationSlot when memory for slots is exhausted. Then either
  // push() or unclaim().
  OperationSlot claim(std::int64_t now_ns);
  // It goes in line with the next id, which is returned; seen by the scheduler after flush().
  OperationId push(OperationSlot slot) {
    const OperationId id = operation_id(ids_.next(), slot);
    --claimed_;
    table_.publish(slot, id);
    ring_[pushed_++ & mask_] = slot;
    return id;
  }
  // An item that couldn't be made: its slot is given back.
  void unclaim(OperationSlot slot);
  void flush() { end_.store(pushed_, std::memory_order_seq_cst); }
  // Sleeps until there may be room, or the intake is closed. `full` says whether it isn't so yet.
  // `lock` holds mutex().
  template <class Full>
  void wait_for_room(std::unique_lock<std::mutex>& lock, const Clock& clock,
                     std::int64_t deadline_ns, Full full) {
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    // After announcing it: who makes room from here on sees that somebody waits.
    left_seen_ = left_.load(std::memory_order_seq_cst);
    // Whoever makes room wakes producers once there is much of it; a little is looked for.
    const std::int64_t soon_ns = clock.now_ns() + kMillisecond;
    if (!closed() && full()) clock.wait_until(lock, room_, std::min(deadline_ns, soon_ns));
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  }

  // The scheduler, under its lock.
  OperationSlot peek() {
    if (taken_ == end_seen_) end_seen_ = end_.load(std::memory_order_seq_cst);
    return taken_ == end_seen_ ? kNoOperationSlot : ring_[taken_ & mask_];
  }
  void pop() {
    ++taken_;
    // The record after the next: it was written on another processor.
    if (end_seen_ - taken_ > 2) __builtin_prefetch(&table_[ring_[(taken_ + 2) & mask_]], 1);
  }
  // An accepted operation is in line no more.
  void leave() {
    left_.store(left_.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  }
  // One that is in line waits no more; later it leaves, by leave_dead().
  void die() { dead_.store(dead_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  void leave_dead() {
    dead_.store(dead_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    leave();
  }
  void give_back(OperationSlot slot);
  void flush_given_back();

  // Any thread.
  bool has_arrivals(std::uint64_t taken) const {
    return end_.load(std::memory_order_seq_cst) != taken;
  }
  std::uint64_t taken() const { return taken_; }  // the scheduler's
  std::uint64_t accepted() const { return end_.load(std::memory_order_seq_cst); }
  // Those that wait. Never negative: what left is looked at before what came. Others may have come
  // and gone between the two looks, but no more can wait than there is room for.
  std::uint64_t pending() const {
    const std::uint64_t places = in_line();
    return places - std::min(places, dead_.load(std::memory_order_acquire));
  }
  // The same, with those that were killed and keep their place: what workers are called for.
  std::uint64_t in_line() const {
    const std::uint64_t left = left_.load(std::memory_order_acquire);
    return std::min<std::uint64_t>(accepted() - left, capacity_);
  }
  std::uint32_t capacity() const { return capacity_; }
  // After leave(), without the scheduler's lock: wakes producers once half of the room is free, or
  // whenever `now_idle`, or always if there are lanes, whose room isn't known here.
  void wake_producers(bool now_idle);
  // Everybody who waits looks again.
  void wake_all();

 private:
  OperationTable& table_;
  const std::uint32_t capacity_;
  const bool lanes_;
  const std::uint64_t mask_;
  std::unique_ptr<OperationSlot[]> ring_;

  // Each side's own, what one tells the other, and what hardly changes, on lines of their own: a
  // look at one costs nobody the other.
  // Looked at by both, changed rarely.
  std::atomic<bool> closed_{false};
  std::atomic<std::uint32_t> waiting_{0};

  // Producers.
  alignas(64) std::mutex mutex_;
  OperationSlot free_ = kNoOperationSlot;  // linked by `next`
  std::uint32_t claimed_ = 0;              // and neither pushed nor unclaimed yet
  std::uint64_t pushed_ = 0;
  std::uint64_t left_seen_ = 0;
  OperationIds ids_;
  std::condition_variable room_;
  // Producers to the scheduler.
  alignas(64) std::atomic<std::uint64_t> end_{0};

  // The scheduler.
  alignas(64) std::uint64_t taken_ = 0;
  std::uint64_t end_seen_ = 0;
  OperationSlot given_back_ = kNoOperationSlot;  // a chain not pushed yet
  OperationSlot given_back_last_ = kNoOperationSlot;
  std::uint32_t given_back_count_ = 0;
  std::atomic<std::uint64_t> left_{0};
  std::atomic<std::uint64_t> dead_{0};
  // The scheduler to producers.
  alignas(64) std::atomic<OperationSlot> returned_{kNoOperationSlot};
};

}  // namespace mayfly
