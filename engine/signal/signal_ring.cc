#include "mayfly/signal/signal_ring.h"

#include <algorithm>
#include <iterator>

namespace mayfly {

SignalRing::SignalRing(std::size_t slots)
    : mask_(slots - 1),
      block_mask_(std::max<std::size_t>(slots / kBlockRecords, 1) - 1),
      times_(std::make_unique<std::atomic<std::int64_t>[]>(slots)),
      tags_(std::make_unique<std::atomic<std::uint64_t>[]>(slots)),
      arguments_(std::make_unique<ArgumentSlot[]>(slots)),
      retractions_(std::make_unique<std::atomic<std::uint16_t>[]>(block_mask_ + 1)) {}

void SignalRing::add_operations() {
  owned_operations_ = std::make_unique<std::atomic<std::uint64_t>[]>(size());
  // Partner: the load in operation(). Records that need it are published later.
  operations_.store(owned_operations_.get(), std::memory_order_release);
}

std::uint64_t SignalRing::lower_bound(std::uint64_t from, std::uint64_t to, std::int64_t at) const {
  // A slot that is overwritten while it is looked at shows a later time, so the search ends too low
  // and intact() has passed its end: it is done again above. `from` rises each time.
  for (;;) {
    std::uint64_t low = from;
    std::uint64_t high = to;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      if (at_ns(middle) < at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const std::uint64_t lowest = std::min(intact(), to);
    if (low >= lowest) return low;
    from = lowest;
  }
}

bool SignalRing::retract(std::uint64_t position, std::uint64_t seen) {
  if ((seen & kTagRetracted) != 0) return false;
  if (!tags_[position & mask_].compare_exchange_strong(
          seen, seen | kTagRetracted, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    return false;
  }
  retractions_[position / kBlockRecords & block_mask_].fetch_add(1, std::memory_order_release);
  return true;
}

void SignalRing::adopt(const SignalRing& smaller) {
  const std::uint64_t end = smaller.own_head();
  // The writer itself is here: no slot is being written, so one more is intact than others may
  // know.
  const std::uint64_t lowest = end > smaller.size() ? end - smaller.size() : 0;
  floor_ = std::max(smaller.floor_, lowest);
  const auto* operations = smaller.operations_.load(std::memory_order_relaxed);
  if (operations != nullptr) add_operations();
  for (std::uint64_t position = floor_; position < end; ++position) {
    const std::size_t from = position & smaller.mask_;
    const std::size_t to = position & mask_;
    times_[to].store(smaller.times_[from].load(std::memory_order_relaxed),
                     std::memory_order_relaxed);
    tags_[to].store(smaller.tags_[from].load(std::memory_order_relaxed), std::memory_order_relaxed);
    const ArgumentSlot& argument = smaller.arguments_[from];
    arguments_[to].shape.store(argument.shape.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
    for (std::size_t word = 0; word < std::size(argument.words); ++word) {
      arguments_[to].words[word].store(argument.words[word].load(std::memory_order_relaxed),
                                       std::memory_order_relaxed);
    }
    if (operations != nullptr) {
      owned_operations_[to].store(operations[from].load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
    }
    // Goes on from where it was: what is remembered of a block stays right or is known to be old.
    const std::uint64_t block = position / kBlockRecords;
    retractions_[block & block_mask_].store(
        smaller.retractions_[block & smaller.block_mask_].load(std::memory_order_relaxed),
        std::memory_order_relaxed);
  }
  last_ns_ = smaller.last_ns_;
  head_.store(end, std::memory_order_relaxed);
}

}  // namespace mayfly
