// KeyIndex: the keys that have operations waiting or running, each with a group number.
//
// Open addressing with linear probing; a removed key's successors move up (Knuth, The Art of
// Computer Programming 3, 6.4, algorithm R), so that keys that are gone leave nothing behind.
//
// MEMORY   Grows with the most keys that were there at once; then it allocates nothing (but what
//          copying a key allocates).
// THREADS  One at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace mayfly {

constexpr std::uint32_t kNoGroup = UINT32_MAX;

// Spreads what std::hash leaves as it is (integers).
constexpr std::uint64_t spread_key_hash(std::uint64_t hash) {
  hash ^= hash >> 32;
  hash *= 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

template <class Key, class Equal = std::equal_to<Key>>
class KeyIndex {
 public:
  // The group of the key; a new one, from the numbers of removed keys first.
  std::uint32_t find_or_add(std::uint64_t hash, const Key& key) {
    if ((live_ + 1) * 2 > table_.size()) rehash();
    std::size_t place = hash & mask_;
    while (table_[place] != kNoGroup) {
      const Entry& entry = entries_[table_[place]];
      if (entry.hash == hash && Equal()(entry.key, key)) return table_[place];
      place = (place + 1) & mask_;
    }
    const std::uint32_t group = new_group();
    entries_[group].hash = hash;
    entries_[group].key = key;
    table_[place] = group;
    ++live_;
    return group;
  }

  void remove(std::uint32_t group) {
    std::size_t hole = entries_[group].hash & mask_;
    while (table_[hole] != group) hole = (hole + 1) & mask_;
    for (std::size_t next = (hole + 1) & mask_; table_[next] != kNoGroup;
         next = (next + 1) & mask_) {
      const std::size_t home = entries_[table_[next]].hash & mask_;
      // It may move to the hole unless its home lies behind the hole.
      if (((next - home) & mask_) < ((next - hole) & mask_)) continue;
      table_[hole] = table_[next];
      hole = next;
    }
    table_[hole] = kNoGroup;
    entries_[group].hash = free_;
    free_ = group;
    --live_;
  }

  std::size_t size() const { return live_; }
  // One more than the greatest group number so far.
  std::size_t groups() const { return entries_.size(); }

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

  void rehash() {
    const std::vector<std::uint32_t> old = std::exchange(
        table_, std::vector<std::uint32_t>(std::max<std::size_t>(16, table_.size() * 2), kNoGroup));
    mask_ = table_.size() - 1;
    for (const std::uint32_t group : old) {
      if (group == kNoGroup) continue;
      std::size_t place = entries_[group].hash & mask_;
      while (table_[place] != kNoGroup) place = (place + 1) & mask_;
      table_[place] = group;
    }
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> table_;  // a power of two of places
  std::uint64_t mask_ = 0;
  std::size_t live_ = 0;
  std::uint32_t free_ = kNoGroup;
};

}  // namespace mayfly
