// Compiled patterns: what a glob says of every stem, so that a query looks at a record's tag alone.
//
// A stem's verdict is always, never, or "depends on the argument"; only the third needs the
// composed name. PatternCache keeps the last kPatternsMax globs that were asked for; a glob is
// compiled further when stems were added since. THREADS    A CompiledPattern is immutable.
// PatternCache: any thread; a mutex, never taken by raises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/signal/signal_shard.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// Verdicts add up: up to kVerdictsAdded of them, and the sum still tells how many were kVerdictAll
// and whether one was kVerdictDepends.
constexpr std::uint16_t kVerdictNone = 0;
constexpr std::uint16_t kVerdictAll = 1;
constexpr std::uint16_t kVerdictDepends = 512;
constexpr std::uint32_t kVerdictsAdded = kVerdictDepends - 1;

class CompiledPattern {
 public:
  // `earlier` is the same glob compiled for fewer stems, or null.
  CompiledPattern(std::string_view glob, const StemTable& stems, std::uint32_t stems_end,
                  const CompiledPattern* earlier);

  const Glob& glob() const { return glob_; }
  std::uint32_t stems_end() const { return stems_end_; }
  // Tags of overwritten records may name newer stems: they get some verdict, and
  // the caller drops them.
  std::uint16_t verdict(std::uint64_t tag) const { return verdicts_[tag & mask_]; }

 private:
  Glob glob_;
  std::uint32_t stems_end_;
  std::uint64_t mask_;
  std::vector<std::uint16_t> verdicts_;  // by the tag's low bits; a power of two of them
};

class PatternCache {
 public:
  // Knows every stem that was interned before the call.
  std::shared_ptr<const CompiledPattern> get(std::string_view glob, const StemTable& stems);

 private:
  static constexpr std::size_t kPatternsMax = 32;

  std::mutex mutex_;
  std::vector<std::shared_ptr<const CompiledPattern>> patterns_;
  std::size_t next_victim_ = 0;
};

}  // namespace mayfly
