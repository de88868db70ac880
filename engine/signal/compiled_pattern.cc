#include "mayfly/signal/compiled_pattern.h"

#include <algorithm>
#include <bit>

namespace mayfly {
namespace {

constexpr std::uint64_t kMatchesBits = 16;
constexpr std::uint64_t kRetractionsBits = 16;
constexpr std::uint64_t kMatchesMask = (std::uint64_t{1} << kMatchesBits) - 1;

// Never 0. A block's number comes again after 2^32 blocks; the word is overwritten long before.
std::uint64_t key_of(std::uint64_t block, std::uint16_t retractions) {
  return (block + 1) << (kMatchesBits + kRetractionsBits) | std::uint64_t{retractions}
                                                                << kMatchesBits;
}

}  // namespace

std::uint16_t CompiledPattern::verdict_of(std::string_view prefix) const {
  std::uint16_t verdict = kVerdictNone;
  for (const Glob& glob : globs_) {
    switch (glob.verdict(prefix)) {
      case Glob::Verdict::kNone:
        break;
      case Glob::Verdict::kAll:
        return kVerdictAll;
      case Glob::Verdict::kDepends:
        verdict = kVerdictDepends;
        break;
    }
  }
  return verdict;
}

void CompiledPattern::cover(const StemTable& stems, std::uint32_t end) const {
  const std::lock_guard lock(mutex_);
  const std::uint32_t begin = covered_.load(std::memory_order_relaxed);
  if (begin >= end) return;
  const std::size_t size = std::bit_ceil(std::size_t{end} * 4);
  if (tables_.empty() || tables_.back()->mask_ + 1 < size) {
    auto larger = std::unique_ptr<VerdictTable>(new VerdictTable(size));
    for (std::size_t i = 0; i < std::size_t{begin} * 4; ++i) {
      larger->verdicts_[i].store((*tables_.back())[i], std::memory_order_relaxed);
    }
    tables_.push_back(std::move(larger));
  }
  const VerdictTable& table = *tables_.back();
  std::string name;
  for (std::uint32_t id = begin; id < end; ++id) {
    const StemId stem{id};
    name = stems.text(stem);
    const std::uint16_t alone = matches(name) ? kVerdictAll : kVerdictNone;
    if (stem != kTextStem) name.push_back(':');
    const std::uint16_t with_argument = verdict_of(name);
    table.verdicts_[tag_index(stem, false)].store(alone, std::memory_order_relaxed);
    table.verdicts_[tag_index(stem, true)].store(with_argument, std::memory_order_relaxed);
    // A name that is kept as text may be any.
    if (stem != kTextStem && (alone != kVerdictNone || with_argument != kVerdictNone)) {
      can_match_.store(true, std::memory_order_relaxed);
    }
  }
  // Partners: the loads in verdicts().
  table_.store(&table, std::memory_order_release);
  covered_.store(end, std::memory_order_release);
}

bool CompiledPattern::recall(const WindowRange& range, std::uint64_t block,
                             std::uint32_t& matches) const {
  // Partner: blocks_for().
  const Blocks* const blocks = blocks_[range.index].load(std::memory_order_acquire);
  if (blocks == nullptr) return false;
  const std::uint64_t word = blocks->words[block & blocks->mask].load(std::memory_order_relaxed);
  if ((word & ~kMatchesMask) != key_of(block, range.ring->retractions(block))) return false;
  matches = static_cast<std::uint32_t>(word & kMatchesMask);
  return true;
}

void CompiledPattern::remember(const WindowRange& range, std::uint64_t block,
                               std::uint16_t retractions, std::uint32_t matches) const {
  const Blocks& blocks = blocks_for(range);
  blocks.words[block & blocks.mask].store(key_of(block, retractions) | matches,
                                          std::memory_order_relaxed);
}

CompiledPattern::Blocks& CompiledPattern::blocks_for(const WindowRange& range) const {
  const std::size_t size = std::max<std::size_t>(range.ring->size() / kBlockRecords, 1);
  Blocks* known = blocks_[range.index].load(std::memory_order_acquire);
  if (known != nullptr && known->mask + 1 >= size) return *known;
  const std::lock_guard lock(mutex_);
  known = blocks_[range.index].load(std::memory_order_relaxed);
  if (known != nullptr && known->mask + 1 >= size) return *known;
  owned_blocks_.push_back(std::make_unique<Blocks>(size));
  blocks_[range.index].store(owned_blocks_.back().get(), std::memory_order_release);
  return *owned_blocks_.back();
}

}  // namespace mayfly
