// CompiledPattern: what globs say of every stem, so that a query looks at a record's tag alone; and
// what is known of the records that were looked at.
//
// A stem's verdict is always, never, or "depends on the argument"; only the third needs the
// composed name. Verdicts are made when stems are new, once for each.
//
// MEMORY     For each stem 8 bytes (a table grows by doubling; outgrown ones are kept for readers).
//            For each shard that was counted and holds two blocks or more: 8 bytes a block, the
//            matches in it. A block is kBlockRecords records; one that is full changes by
//            retraction alone, of which the ring keeps count.
// PROTOCOL   Readers load the table (acquire), after the number of stems it covers (acquire); a new
//            stem is added under a mutex. A block's memory is one word: its number, its retractions
//            as they were loaded before it was read, its matches: whoever finds the same number and
//            the same retractions may use it; whoever stores it last wins.
// THREADS    Any thread may call anything. Allocates only for new stems, and for shards not seen
//            yet.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/signal/signal_ring.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// Verdicts add up: up to kVerdictsAdded of them, and the sum still tells how many were kVerdictAll
// and whether one was kVerdictDepends.
constexpr std::uint16_t kVerdictNone = 0;
constexpr std::uint16_t kVerdictAll = 1;
constexpr std::uint16_t kVerdictDepends = 512;
constexpr std::uint32_t kVerdictsAdded = kVerdictDepends - 1;

// The verdicts of the stems that were known when it was asked for.
class VerdictTable {
 public:
  // Tags of overwritten records may name newer stems: they get some verdict, and the caller drops
  // them.
  std::uint16_t operator[](std::uint64_t tag) const {
    return verdicts_[tag & mask_].load(std::memory_order_relaxed);
  }

 private:
  friend class CompiledPattern;
  explicit VerdictTable(std::size_t size)
      : mask_(size - 1), verdicts_(std::make_unique<std::atomic<std::uint16_t>[]>(size)) {}

  std::uint64_t mask_;
  std::unique_ptr<std::atomic<std::uint16_t>[]> verdicts_;  // by the tag's low bits
};

class CompiledPattern {
 public:
  // One of the globs has to match.
  explicit CompiledPattern(std::vector<Glob> globs) : globs_(std::move(globs)) {}
  explicit CompiledPattern(std::string_view glob) { globs_.emplace_back(glob); }
  CompiledPattern(const CompiledPattern&) = delete;
  CompiledPattern& operator=(const CompiledPattern&) = delete;

  const std::vector<Glob>& globs() const { return globs_; }
  bool matches(std::string_view name) const {
    for (const Glob& glob : globs_) {
      if (glob.matches(name)) return true;
    }
    return false;
  }
  // Knows every stem that was interned before the call. Always the same stem table.
  const VerdictTable& verdicts(const StemTable& stems) const {
    const std::uint32_t end = stems.end();
    if (covered_.load(std::memory_order_acquire) < end) cover(stems, end);
    return *table_.load(std::memory_order_acquire);
  }
  // Whether a name of any stem that verdicts() has seen can match. Names that are kept as text
  // (kTextStem) are not meant.
  bool can_match() const { return can_match_.load(std::memory_order_relaxed); }

  // What is remembered of a full block of this shard; false when nothing is, or it has changed.
  bool recall(const WindowRange& range, std::uint64_t block, std::uint32_t& matches) const;
  // `retractions` was loaded from the ring before the block's tags were.
  void remember(const WindowRange& range, std::uint64_t block, std::uint16_t retractions,
                std::uint32_t matches) const;

 private:
  struct Blocks {
    explicit Blocks(std::size_t size)
        : mask(size - 1), words(std::make_unique<std::atomic<std::uint64_t>[]>(size)) {}
    std::uint64_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> words;  // 0: nothing
  };

  void cover(const StemTable& stems, std::uint32_t end) const;
  std::uint16_t verdict_of(std::string_view prefix) const;
  Blocks& blocks_for(const WindowRange& range) const;

  std::vector<Glob> globs_;
  mutable std::atomic<std::uint32_t> covered_{0};
  mutable std::atomic<const VerdictTable*> table_{nullptr};
  mutable std::atomic<bool> can_match_{false};
  mutable std::array<std::atomic<Blocks*>, kShardsMax + 1> blocks_{};

  mutable std::mutex mutex_;  // guards what follows, and all changes but those of words
  mutable std::vector<std::unique_ptr<VerdictTable>> tables_;
  mutable std::vector<std::unique_ptr<Blocks>> owned_blocks_;
};

}  // namespace mayfly
