// SignalWindow: a shard for every raising thread, and the newest `capacity` records of all of them.
//
// PROTOCOL   A thread is known by its key (raising_thread.h). It claims a slot of a small hash
//            table once, creates the slot's shard and publishes it (release). Slots are not given
//            back: a later thread with the same key goes on with the shard: it loads the pointer
//            and the head (acquire) and so sees all that the earlier thread stored before its last
//            head. When all slots are taken, further threads share one more shard under a mutex.
// SHORT WAY  A record without an argument goes into the ring that its thread's slot names, after
//            one comparison: the slot's `quick` word is the thread's quick key. All that would make
//            it wrong to do just that (somebody listens, a ring has to grow) is announced by
//            slow_down(), which exchanges every quick word, after the announcement, for one that is
//            nobody's. The thread then goes the long way, and comes back by quicken(): it exchanges
//            its key into the word, then asks again. Of the two exchanges (acquire-release) the
//            later one sees what was before the other, so no announcement is missed.
// READS      newest() looks at heads, then searches times by halving; see signal_ring.h for what
//            becomes of records that are overwritten meanwhile. A view of which some are was
//            overtaken(): what displaced them isn't in it, so a query that can asks again with a
//            newer one (ask()). It takes half the capacity and 64 raises more of one thread during
//            a query, so that asking again helps where the capacity is small, or the thread that
//            asks was held up; with a large one and raises without a pause, only so much is tried.
// RETUNING   set_capacity() and settle() first raise each shard's floor to where the window begins,
//            so that what has left never comes back, then store the capacity (release); a reader
//            loads the capacity (acquire), then the floors.
// MEMORY     A shard is allocated at its thread's first record, and lives as long as the window.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "mayfly/signal/raising_thread.h"
#include "mayfly/signal/signal_shard.h"

namespace mayfly {

constexpr std::size_t kShardsMax = 64;

// Records of one shard, oldest first: positions [from, to).
struct WindowRange {
  SignalShard* shard;
  const SignalRing* ring;  // the shard's, as it was loaded for this view
  std::uint32_t index;     // among the window's shards
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t size() const { return to - from; }
};

// The window as one query sees it. Points into it; nothing of it is copied.
class WindowView {
 public:
  const WindowRange* begin() const { return ranges_.data(); }
  const WindowRange* end() const { return ranges_.data() + size_; }
  std::size_t size() const { return size_; }
  void clear() {
    size_ = 0;
    overtaken_ = false;
  }
  // At most one of each shard, in the order of their indexes.
  void add(const WindowRange& range) { ranges_[size_++] = range; }

 private:
  friend class SignalWindow;
  std::array<WindowRange, kShardsMax + 1> ranges_;
  std::size_t size_ = 0;
  bool overtaken_ = false;  // while it was taken
};

class SignalWindow {
 public:
  // shards_max is cut to [0, kShardsMax]; capacity 0 counts as 1.
  SignalWindow(std::size_t capacity, std::size_t shards_max, std::size_t text_bytes);
  SignalWindow(const SignalWindow&) = delete;
  SignalWindow& operator=(const SignalWindow&) = delete;

  // By the short way: false when the calling thread has to go the long way, by append().
  bool append_quick(std::int64_t at_ns, StemId stem, OperationId operation) {
    const Slot& slot = slots_[RaisingThread::home(RaisingThread::quick_key())];
    if (!slot.is_quick()) return false;
    slot.ring.load(std::memory_order_relaxed)->append(at_ns, stem, operation);
    return true;
  }
  template <class Argument>
  bool append_quick(std::int64_t at_ns, StemId stem, OperationId operation,
                    const Argument& argument) {
    const Slot& slot = slots_[RaisingThread::home(RaisingThread::quick_key())];
    if (!slot.is_quick()) return false;
    slot.shard.load(std::memory_order_relaxed)->append(at_ns, stem, operation, argument);
    return true;
  }
  // The calling thread goes the short way from now on, if it has a shard in its home slot, and
  // unless the predicate says that there is a reason against it.
  template <class Predicate>
  void quicken(Predicate hindered);
  // No thread does. The reason for it is stored before, and quicken()'s predicate finds it.
  void slow_down();

  // Returns the record's time.
  template <class... Argument>
  std::int64_t append(std::int64_t at_ns, StemId stem, OperationId operation,
                      const Argument&... argument) {
    if (SignalShard* shard = own_shard()) return shard->append(at_ns, stem, operation, argument...);
    const std::lock_guard lock(shared_mutex_);
    return shared_shard().append(at_ns, stem, operation, argument...);
  }

  // The number of the calling thread's shard, below kShardsMax; kShardsMax when it shares one, or
  // hasn't appended yet.
  std::uint32_t own_slot() const;

  // The `capacity` newest records of all shards, without those before oldest_ns.
  void newest(std::int64_t oldest_ns, WindowView& view) const;
  // The same, except that it doesn't look at all shards together: what of a shard's newest records
  // isn't among the newest of all is still there. Returns whether there is such.
  bool newest_of_each(std::int64_t oldest_ns, WindowView& view) const;
  // Makes such a view one of newest().
  void keep_newest(WindowView& view) const { keep_newest(capacity(), view); }
  // Whether a record of the view was overwritten since, or while it was taken: then it has left the
  // window, and what displaced it isn't in the view.
  bool overtaken(const WindowView& view) const;
  // Calls query() until it returns true: it needs no more, or its view wasn't overtaken. But no
  // more than some times: the fewer records there are, the more often.
  template <class Query>
  void ask(Query query) const {
    constexpr std::size_t kTries = 4;
    constexpr std::size_t kRecords = 256;
    for (std::size_t left = kTries + kRecords / capacity(); left > 0 && !query(); --left) {
    }
  }

  // At least 1. What is in the window stays, as far as the new capacity allows; what has left it
  // doesn't come back. Shards grow at their threads' next records.
  void set_capacity(std::size_t capacity, std::int64_t oldest_ns);
  // What is out of the window now stays out.
  void settle(std::int64_t oldest_ns);
  // Records that newer ones pushed out.
  std::uint64_t overwritten_total() const;
  std::uint64_t appended_total() const;
  std::uint64_t text_overwritten_total() const;
  std::size_t capacity() const { return capacity_.load(std::memory_order_acquire); }

 private:
  struct Slot {
    // Partner: quicken(), of this thread or of an earlier one with the same key.
    bool is_quick() const {
      return quick.load(std::memory_order_acquire) == RaisingThread::quick_key();
    }
    std::atomic<std::uintptr_t> quick{RaisingThread::kNobody};
    std::atomic<SignalRing*> ring{nullptr};  // the owner's own
    std::atomic<std::uintptr_t> owner{0};
    std::atomic<SignalShard*> shard{nullptr};
  };
  static_assert(kShardsMax == 64 && sizeof(Slot) == 32);  // raising_thread.h counts on it

  // Null: this thread shares.
  SignalShard* own_shard();
  SignalShard* claim_shard(std::uintptr_t key, std::size_t home);
  SignalShard& shared_shard();  // under shared_mutex_
  template <class Visit>
  void for_each_shard(Visit visit) const;
  // `capacity` was loaded before: the floors that go with it are there.
  bool newest_of_each(std::size_t capacity, std::int64_t oldest_ns, WindowView& view) const;
  void keep_newest(std::size_t capacity, WindowView& view) const;
  void raise_floors(std::int64_t oldest_ns);  // under retune_mutex_

  std::atomic<std::size_t> capacity_;
  const std::size_t shards_max_;
  const std::size_t text_bytes_;
  std::array<Slot, kShardsMax> slots_;
  std::mutex shared_mutex_;                    // held by whoever appends to the shared shard
  std::unique_ptr<SignalShard> shared_owned_;  // guarded by shared_mutex_
  std::mutex owned_mutex_;
  std::array<std::unique_ptr<SignalShard>, kShardsMax> owned_;  // guarded by owned_mutex_
  std::atomic<std::size_t> owned_count_{0};                     // changes under owned_mutex_
  // By the order in which threads came, the shared one last; a record's shard has this index.
  std::array<std::atomic<SignalShard*>, kShardsMax + 1> shards_{};
  std::array<std::atomic<std::uint64_t>, kShardsMax + 1> floors_{};  // rise
  std::mutex retune_mutex_;
  std::atomic<std::uint64_t> pushed_out_{0};  // when the capacity was last set
};

template <class Predicate>
void SignalWindow::quicken(Predicate hindered) {
  const std::uintptr_t key = RaisingThread::key();
  Slot& slot = slots_[RaisingThread::home(key)];
  if (slot.owner.load(std::memory_order_relaxed) != key) return;
  SignalShard& shard = *slot.shard.load(std::memory_order_acquire);
  slot.ring.store(&shard.own_ring(), std::memory_order_relaxed);
  slot.quick.exchange(key, std::memory_order_acq_rel);  // partner: slow_down()
  if (shard.wants_to_grow() || hindered()) {
    slot.quick.store(RaisingThread::kNobody, std::memory_order_relaxed);
  } else {
    RaisingThread::set_quick_key(key);
  }
}

inline std::uint32_t SignalWindow::own_slot() const {
  const std::uintptr_t key = RaisingThread::key();
  std::size_t slot = RaisingThread::home(key);
  for (std::size_t probe = 0; probe < kShardsMax; ++probe, slot = (slot + 1) % kShardsMax) {
    // Relaxed: stored by this thread, or by one that had ended.
    const std::uintptr_t owner = slots_[slot].owner.load(std::memory_order_relaxed);
    if (owner == key) return static_cast<std::uint32_t>(slot);
    if (owner == 0) break;
  }
  return kShardsMax;
}

inline SignalShard* SignalWindow::own_shard() {
  const std::uintptr_t key = RaisingThread::key();
  const std::size_t home = RaisingThread::home(key);
  // Relaxed: stored by this thread, or by one that had ended. The shard's partner is claim_shard().
  if (slots_[home].owner.load(std::memory_order_relaxed) == key) {
    return slots_[home].shard.load(std::memory_order_acquire);
  }
  return claim_shard(key, home);
}

}  // namespace mayfly
