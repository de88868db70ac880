// RecentKeys: which keys came within a moving window of time, up to a number of them.
//
// A key is known by 128 bits of hash, so that two keys taken for one are not to be expected: with a
// million keys the chance is below 10^-26. Where there are more keys than room, the oldest is
// forgotten before its time.
//
// A ring of keys in the order in which they came, and a table of their places with linear probing,
// at most half full; what leaves it is replaced by what stands behind it (no tombstones).
//
// Arithmetic alone: time comes in and never goes back (an earlier time counts as the latest one).
// MEMORY   Allocated at construction: 32 to 40 bytes a key. None afterwards.
// THREADS  One at a time.
// SOURCE   D. Knuth, "The Art of Computer Programming", volume 3, 6.4, algorithms L and R.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace mayfly {

class RecentKeys {
 public:
  static constexpr std::size_t kKeysMax = 100'000'000;

  // `low` spreads keys over the table.
  struct Hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Hash&) const = default;
  };

  // std::invalid_argument: no room (1 to kKeysMax), or a window below 1 ns.
  RecentKeys(std::size_t keys_max, std::int64_t window_ns) : window_ns_(window_ns) {
    if (keys_max < 1 || keys_max > kKeysMax) {
      throw std::invalid_argument("recent keys: expected room for 1 to 100,000,000 keys");
    }
    if (window_ns < 1)
      throw std::invalid_argument("recent keys: expected a window of 1 ns or more");
    ring_.resize(keys_max);
    places_.resize(std::bit_ceil(keys_max * 2));
  }

  // True: the key is new, and remembered from now on. False: it came within the window.
  bool add(const Hash& key, std::int64_t now_ns) {
    now_ns_ = std::max(now_ns_, now_ns);
    while (size_ > 0 && now_ns_ - ring_[first_].at_ns >= window_ns_) forget_oldest();
    if (places_[find(key)] != 0) return false;
    if (size_ == ring_.size()) {
      forget_oldest();
      ++pushed_out_;
    }
    const std::size_t at = (first_ + size_++) % ring_.size();
    ring_[at] = {key, now_ns_};
    places_[find(key)] = static_cast<std::uint32_t>(at + 1);
    return true;
  }

  std::size_t size() const { return size_; }
  // Keys that were forgotten before their time, for want of room.
  std::uint64_t pushed_out() const { return pushed_out_; }

 private:
  struct Key {
    Hash hash;
    std::int64_t at_ns = 0;
  };

  std::size_t home(const Hash& key) const { return key.low & (places_.size() - 1); }
  std::size_t after(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  // Where the key stands, or where it would.
  std::size_t find(const Hash& key) const {
    std::size_t place = home(key);
    while (places_[place] != 0 && ring_[places_[place] - 1].hash != key) place = after(place);
    return place;
  }
  void forget_oldest() {
    std::size_t hole = find(ring_[first_].hash);
    for (std::size_t next = after(hole); places_[next] != 0; next = after(next)) {
      // It may move up unless its home lies behind the hole.
      const std::size_t from_home =
          (next - home(ring_[places_[next] - 1].hash)) & (places_.size() - 1);
      const std::size_t from_hole = (next - hole) & (places_.size() - 1);
      if (from_home < from_hole) continue;
      places_[hole] = places_[next];
      hole = next;
    }
    places_[hole] = 0;
    first_ = (first_ + 1) % ring_.size();
    --size_;
  }

  std::int64_t window_ns_;
  std::int64_t now_ns_ = 0;  // the latest that was passed in
  std::vector<Key> ring_;
  std::vector<std::uint32_t> places_;  // index into ring_, plus 1; 0: empty
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint64_t pushed_out_ = 0;
};

}  // namespace mayfly
