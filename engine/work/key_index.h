// KeyIndex: the keys that have operations waiting or running, each with a group number. Keys that
// are gone leave nothing behind.
//
// MEMORY   Grows with the most keys that were there at once; then it allocates nothing (but what
//          copying a key allocates).
// THREADS  One at a time: under the scheduler's lock, where keys are compared, copied and
//          destroyed. So a key's ==, copy and destructor must not call the coordinator, nor throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "mayfly/base/slot_index.h"

namespace mayfly {

constexpr std::uint32_t kNoGroup = UINT32_MAX;

// Group numbers by key.
template <class Key, class Equal = std::equal_to<Key>>
class KeyIndex {
 public:
  // The group of the key; a new one, from the numbers of removed keys first.
  std::uint32_t find_or_add(std::uint64_t hash, const Key& key) {
    if (const std::uint32_t known = find(hash, key); known != kNoGroup) return known;
    const std::uint32_t group = new_group();
    entries_[group].hash = hash;
    entries_[group].key = key;
    slots_.insert(hash, group + 1);
    return group;
  }

  // kNoGroup: nothing of the key waits or runs.
  std::uint32_t find(std::uint64_t hash, const Key& key) const {
    const std::uint32_t slot = slots_.find(hash, [&](std::uint32_t at) {
      const Entry& entry = entries_[at - 1];
      return entry.hash == hash && Equal()(entry.key, key);
    });
    return slot == kNoIndexedSlot ? kNoGroup : slot - 1;
  }

  void remove(std::uint32_t group) {
    slots_.erase(entries_[group].hash, group + 1);
    entries_[group] = {free_, Key{}};
    free_ = group;
  }

  std::size_t size() const { return slots_.size(); }

 private:
  struct Entry {
    std::uint64_t hash = 0;  // of a removed one: the next free group
    Key key{};
  };

  std::uint32_t new_group() {
    if (free_ == kNoGroup) {
      entries_.emplace_back();
      return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    return std::exchange(free_, static_cast<std::uint32_t>(entries_[free_].hash));
  }

  std::vector<Entry> entries_;
  SlotIndex slots_;  // of group + 1
  std::uint32_t free_ = kNoGroup;
};

}  // namespace mayfly
