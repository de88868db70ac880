// KeyedPermits: who may go when so many may be out in all, and so many of one key.
//
// Whoever may not go waits, and next() says who may go now: lanes in their order, the last first;
// within a lane the keys that have room in turn, one of each (round robin), and those of one key
// in the order in which they came. So a key without room holds back itself alone, and one with
// many waiting delays another by as many turns as there are keys, not by its own length.
//
//   enter(key, lane)   true: it goes. False: it waits, as the last of its key and lane.
//   give_back(key)     one that went is done.
//   next()             the oldest `count` of a key and lane that wait have gone.
//
// Call next() until there is none after each give_back and each change of a limit; enter() relies
// on it: while a permit is free, nobody waits who could have it.
//
// Keys are known by 64 bits, usually a hash: two of the same are one.
//
// SOURCE   Round robin over the queues that have work: J. Nagle, RFC 970.
// MEMORY   An entry for each key that is out or waits, none for one that is idle. Grows to the most
//          that were there at once; then it allocates nothing.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "mayfly/base/slot_index.h"
#include "mayfly/policy/permit_count.h"

namespace mayfly {

template <std::uint32_t kLanes = 1>
class KeyedPermits {
 public:
  struct Grant {
    std::uint64_t key = 0;
    std::uint32_t lane = 0;
    std::uint64_t count = 0;
  };

  // At least 1 each, here and in what sets them.
  KeyedPermits(std::uint64_t limit, std::uint64_t per_key)
      : permits_(limit), per_key_(std::max<std::uint64_t>(per_key, 1)), entries_(1) {}

  bool enter(std::uint64_t key, std::uint32_t lane = 0) {
    const std::uint32_t slot = find_or_add(key);
    Entry& entry = entries_[slot];
    // Those of its lane that wait go before it. Of a higher lane none waits that could go.
    if (entry.lanes[lane].waiting == 0 && entry.out < per_key_ && permits_.take(1) == 1) {
      ++entry.out;
      return true;
    }
    ++entry.lanes[lane].waiting;
    ++waiting_[lane];
    if (entry.out < per_key_) make_ready(slot, lane);
    return false;
  }

  // What enter() would say.
  bool can_enter(std::uint64_t key, std::uint32_t lane = 0) const {
    if (permits_.free() == 0) return false;
    const std::uint32_t slot = find(key);
    if (slot == kNoIndexedSlot) return true;
    return entries_[slot].lanes[lane].waiting == 0 && entries_[slot].out < per_key_;
  }

  // Of a key of which none is out: nothing.
  void give_back(std::uint64_t key) {
    const std::uint32_t slot = find(key);
    if (slot == kNoIndexedSlot || entries_[slot].out == 0) return;
    Entry& entry = entries_[slot];
    --entry.out;
    permits_.give_back(1);
    if (is_idle(entry)) {
      remove(slot);
    } else if (entry.out < per_key_) {
      make_waiting_ready(slot);
    }
  }

  std::optional<Grant> next() {
    for (std::uint32_t lane = kLanes; lane-- > 0;) {
      while (permits_.free() > 0 && ready_[lane].first != kNoIndexedSlot) {
        const std::uint32_t slot = pop_ready(lane);
        Entry& entry = entries_[slot];
        // It got its last permit in another lane, or the limit of a key was lowered.
        if (entry.out >= per_key_) continue;
        std::uint64_t& waiting = entry.lanes[lane].waiting;
        // Alone, it needs no turns.
        const bool alone = ready_[lane].first == kNoIndexedSlot;
        const std::uint64_t count =
            permits_.take(alone ? std::min(per_key_ - entry.out, waiting) : 1);
        entry.out += count;
        waiting -= count;
        waiting_[lane] -= count;
        if (waiting > 0 && entry.out < per_key_) make_ready(slot, lane);
        return Grant{entry.key, lane, count};
      }
    }
    return std::nullopt;
  }

  void set_limit(std::uint64_t limit) { permits_.set_limit(limit); }
  // Looks at every key.
  void set_per_key(std::uint64_t per_key) {
    per_key_ = std::max<std::uint64_t>(per_key, 1);
    for (std::uint32_t slot = 1; slot < entries_.size(); ++slot) {
      if (!is_idle(entries_[slot]) && entries_[slot].out < per_key_) make_waiting_ready(slot);
    }
  }

  std::uint64_t limit() const { return permits_.limit(); }
  std::uint64_t per_key() const { return per_key_; }
  std::uint64_t out() const { return permits_.out(); }
  std::uint64_t highest() const { return permits_.highest(); }
  std::uint64_t waiting(std::uint32_t lane = 0) const { return waiting_[lane]; }
  // Keys that are out or wait.
  std::size_t keys() const { return index_.size(); }

 private:
  struct Lane {
    std::uint64_t waiting = 0;
    std::uint32_t next_ready = kNoIndexedSlot;
    bool ready = false;  // stands in ready_
  };
  struct Entry {
    std::uint64_t key = 0;
    std::uint64_t out = 0;
    std::array<Lane, kLanes> lanes;
    std::uint32_t next_free = kNoIndexedSlot;
  };
  // Keys with a row that waits and, when they came in, room for it: linked through their entries.
  struct Ready {
    std::uint32_t first = kNoIndexedSlot;
    std::uint32_t last = kNoIndexedSlot;
  };

  static bool is_idle(const Entry& entry) {
    return entry.out == 0 &&
           std::ranges::all_of(entry.lanes, [](const Lane& lane) { return lane.waiting == 0; });
  }

  std::uint32_t find(std::uint64_t key) const {
    return index_.find(key, [&](std::uint32_t slot) { return entries_[slot].key == key; });
  }
  std::uint32_t find_or_add(std::uint64_t key) {
    if (const std::uint32_t known = find(key); known != kNoIndexedSlot) return known;
    std::uint32_t slot = free_;
    if (slot == kNoIndexedSlot) {
      slot = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      free_ = entries_[slot].next_free;
    }
    entries_[slot] = {.key = key};
    index_.insert(key, slot);
    return slot;
  }
  void remove(std::uint32_t slot) {
    index_.erase(entries_[slot].key, slot);
    entries_[slot] = {.next_free = free_};
    free_ = slot;
  }

  void make_waiting_ready(std::uint32_t slot) {
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      if (entries_[slot].lanes[lane].waiting > 0) make_ready(slot, lane);
    }
  }
  void make_ready(std::uint32_t slot, std::uint32_t lane) {
    Lane& in = entries_[slot].lanes[lane];
    if (in.ready) return;
    in.ready = true;
    in.next_ready = kNoIndexedSlot;
    Ready& ready = ready_[lane];
    (ready.first == kNoIndexedSlot ? ready.first : entries_[ready.last].lanes[lane].next_ready) =
        slot;
    ready.last = slot;
  }
  std::uint32_t pop_ready(std::uint32_t lane) {
    Ready& ready = ready_[lane];
    const std::uint32_t slot = ready.first;
    Lane& in = entries_[slot].lanes[lane];
    ready.first = in.next_ready;
    in.ready = false;
    return slot;
  }

  PermitCount permits_;
  std::uint64_t per_key_;
  std::array<std::uint64_t, kLanes> waiting_{};
  std::array<Ready, kLanes> ready_;
  SlotIndex index_;             // of entries_, by key
  std::vector<Entry> entries_;  // slots count from 1
  std::uint32_t free_ = kNoIndexedSlot;
};

}  // namespace mayfly
