// CacheLedger: which entry of a bounded cache lives how long, and which one leaves for a new one.
//
// The bookkeeping of one shard, without keys and values: those are the caller's, under the same
// slot numbers. Time comes as an argument.
//
// EXPIRY     An entry expires when it wasn't accessed for its ttl (a hot one: for hot_ttl_ns, if
//            that is longer), and in any case lifetime_ns after it was added. It is expired from
//            the nanosecond at which the time is up. A refresh never makes it expire earlier.
// HOT        An entry is hot from its hot_threshold-th access on; being added is its first.
// ORDER      Whatever has expired leaves first, then the least recently used. A hot entry, or one
//            with chances, is passed over when its turn comes: it counts as used then, and has one
//            chance less. Only an access gives chances back, so what was hot once leaves in the
//            end.
// SOURCE     Second chance: Corbato, A Paging Experiment with the Multics System, 1968.
// COST       An access writes its own entry alone. Two heaps, by use and by expiry, learn of it
//            when the entry's turn would come (lazy_heap.h): so a new entry pays for accesses
//            before it, for kLooksMax of them at most. With more entries used since their turn, the
//            least recently used of those that were looked at leaves.
// MEMORY     About 80 bytes a slot; the slab grows to the largest number of entries there ever
//            were. touch() and remove() allocate nothing.
// THREADS    One at a time.
// UNITS      Nanoseconds of one clock. Slots count from 1; kNoSlot is none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/policy/lazy_heap.h"

namespace mayfly {

// An entry's number within its ledger.
using CacheSlot = std::uint32_t;
constexpr CacheSlot kNoSlot = 0;

// When entries leave, and which are hot.
struct CacheLedgerOptions {
  std::size_t size_max = 1000;        // entries; 1 to 2^31
  std::int64_t hot_ttl_ns = 0;        // 0: hot entries live no longer than others
  std::int64_t lifetime_ns = kNever;  // from being added, whatever the accesses
  std::uint32_t hot_threshold = 5;    // accesses; 1: every entry is hot
};

// What an access found.
enum class CacheTouch : std::uint8_t { kExpired, kHit, kBecameHot };

// What a ledger knows of one entry.
struct CacheEntryInfo {
  std::uint32_t accesses = 0;  // being added counts; stops at its largest value
  bool hot = false;
  std::int64_t added_ns = 0;
  std::int64_t expires_ns = 0;  // if it isn't accessed before
};

// Entries of a ledger at some time.
struct CacheLedgerCounts {
  std::size_t valid = 0;
  std::size_t expired = 0;
  std::size_t hot = 0;  // of the valid ones
};

class CacheLedger {
 public:
  // Entries that one search for a victim, or for an expired one, looks at, at most.
  static constexpr int kLooksMax = 64;
  // Chances that one entry can be given.
  static constexpr std::uint32_t kChancesMax = 8;
  static constexpr std::size_t kSizeMax = std::size_t{1} << 31;

  // Throws std::invalid_argument for an option out of its range.
  explicit CacheLedger(const CacheLedgerOptions& options);

  std::size_t size() const { return expiry_.size(); }
  bool full() const { return size() == options_.size_max; }

  // The new entry's slot, or kNoSlot when full. ttl_ns is positive (kNever: no expiry by idleness);
  // chances beyond kChancesMax count as that.
  CacheSlot add(std::int64_t now_ns, std::int64_t ttl_ns, std::uint32_t chances = 0);
  // An access: the entry becomes the most recently used and lives on, unless it has expired.
  CacheTouch touch(CacheSlot slot, std::int64_t now_ns);
  // The slot may be given out again.
  void remove(CacheSlot slot);

  // An entry that has expired, or kNoSlot; stays in the ledger. may_have_expired() says whether
  // another call can find more.
  CacheSlot find_expired(std::int64_t now_ns);
  bool may_have_expired(std::int64_t now_ns) const {
    return !expiry_.empty() && expiry_.top().at <= now_ns;
  }
  // Who is to leave for a new entry, or kNoSlot when there is none; stays in the ledger.
  CacheSlot choose_victim(std::int64_t now_ns);
  // Some entry, or kNoSlot when there is none.
  CacheSlot any() const { return use_.empty() ? kNoSlot : use_.top().slot; }

  bool expired(CacheSlot slot, std::int64_t now_ns) const {
    return now_ns >= nodes_[slot].expires_ns;
  }
  CacheEntryInfo info(CacheSlot slot) const;
  // Looks at every entry.
  CacheLedgerCounts counts(std::int64_t now_ns) const;

 private:
  struct Node {
    std::int64_t expires_ns = 0;
    std::int64_t used = 0;  // uses_ at its last access
    std::int64_t ttl_ns = 0;
    std::int64_t added_ns = 0;
    std::uint32_t accesses = 0;
    CacheSlot next_free = kNoSlot;
    std::uint8_t chances = 0;      // left until the next access
    std::uint8_t own_chances = 0;  // that an access gives back
  };

  bool is_hot(const Node& node) const { return node.accesses >= options_.hot_threshold; }
  void refresh(Node& node, std::int64_t now_ns);

  const CacheLedgerOptions options_;
  std::vector<Node> nodes_;  // [0] is nobody's
  CacheSlot free_ = kNoSlot;
  std::int64_t uses_ = 0;  // counts accesses: their order
  // Both by times that are never later than the entries' real ones.
  LazyHeap expiry_;
  LazyHeap use_;
};

inline void CacheLedger::refresh(Node& node, std::int64_t now_ns) {
  const bool hot = is_hot(node);
  const std::int64_t ttl_ns = hot ? std::max(node.ttl_ns, options_.hot_ttl_ns) : node.ttl_ns;
  const std::int64_t dies_ns = deadline_after(node.added_ns, options_.lifetime_ns);
  // Callers read the clock before they take their lock: now_ns may be older than the last access.
  node.expires_ns = std::max(node.expires_ns, std::min(deadline_after(now_ns, ttl_ns), dies_ns));
  node.chances = static_cast<std::uint8_t>(node.own_chances + (hot ? 1 : 0));
  node.used = ++uses_;
}

inline CacheTouch CacheLedger::touch(CacheSlot slot, std::int64_t now_ns) {
  Node& node = nodes_[slot];
  if (now_ns >= node.expires_ns) return CacheTouch::kExpired;
  const bool was_hot = is_hot(node);
  if (node.accesses != UINT32_MAX) ++node.accesses;
  refresh(node, now_ns);
  return !was_hot && is_hot(node) ? CacheTouch::kBecameHot : CacheTouch::kHit;
}

}  // namespace mayfly
