// IndexClaims: which worker takes which index of [0, size), each exactly once.
//
// PROTOCOL   `next_` is the first index nobody has; a worker takes a run of them by adding to it.
//            What a worker has taken and not begun stands in its own word, as (first, count): it
//            takes its next index from the front, others, once `next_` has reached the end, steal
//            half from the back, both by compare-and-swap of the whole word. An index leaves a word
//            only by the swap that claims it and never comes back into one that it left unless all
//            of its run did, so an unchanged word means an unclaimed run. The owner refills its
//            word only while it is empty, and nobody swaps an empty word: that is a plain store.
//            Orders are relaxed: a claim publishes nothing but itself. What is behind the indexes
//            was there before the workers started, and what bodies made is read after they were
//            joined.
// LIMIT      Indexes below 2^40, runs below 2^24; longer ranges aren't claimed by index.
// THREADS    next(w) by one thread at a time for each w.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

namespace mayfly {

class IndexClaims {
 public:
  static constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 40;
  static constexpr std::uint64_t kNone = UINT64_MAX;

  // `size` at most kSizeMax.
  IndexClaims(std::uint64_t size, int workers)
      : size_(size), workers_(workers), words_(std::make_unique<Word[]>(workers)) {}

  // The worker's next index, kNone when there is none left that hasn't been begun. `run`: how many
  // are taken at once, at least 1.
  std::uint64_t next(int worker, std::uint64_t run) {
    const std::uint64_t own = pop_front(words_[worker].value);
    if (own != kNone) return own;
    if (next_.load(std::memory_order_relaxed) < size_) {
      const std::uint64_t first = next_.fetch_add(run, std::memory_order_relaxed);
      if (first < size_) return keep(worker, first, std::min(run, size_ - first));
    }
    return steal(worker);
  }

 private:
  static constexpr int kCountBits = 24;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
  struct alignas(64) Word {
    std::atomic<std::uint64_t> value{0};
  };

  static std::uint64_t pack(std::uint64_t first, std::uint64_t count) {
    return first << kCountBits | count;
  }
  static std::uint64_t pop_front(std::atomic<std::uint64_t>& word) {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    while ((seen & kCountMask) != 0) {
      const std::uint64_t first = seen >> kCountBits;
      if (word.compare_exchange_weak(seen, pack(first + 1, (seen & kCountMask) - 1),
                                     std::memory_order_relaxed)) {
        return first;
      }
    }
    return kNone;
  }
  // Begins the first of them.
  std::uint64_t keep(int worker, std::uint64_t first, std::uint64_t count) {
    words_[worker].value.store(pack(first + 1, count - 1), std::memory_order_relaxed);
    return first;
  }
  std::uint64_t steal(int worker) {
    for (int step = 1; step < workers_; ++step) {
      std::atomic<std::uint64_t>& victim = words_[(worker + step) % workers_].value;
      std::uint64_t seen = victim.load(std::memory_order_relaxed);
      while ((seen & kCountMask) != 0) {
        const std::uint64_t left = (seen & kCountMask) / 2;
        const std::uint64_t taken = (seen & kCountMask) - left;
        const std::uint64_t first = seen >> kCountBits;
        if (victim.compare_exchange_weak(seen, pack(first, left), std::memory_order_relaxed)) {
          return keep(worker, first + left, taken);
        }
      }
    }
    return kNone;
  }

  const std::uint64_t size_;
  const int workers_;
  const std::unique_ptr<Word[]> words_;
  alignas(64) std::atomic<std::uint64_t> next_{0};
};

}  // namespace mayfly
