// PatternSet: globs that are asked for again and again: is a signal present that matches one of
// them, and since when?
//
// For coordinators: made once, asked before every item. While no stem is known that could match, an
// answer costs a few loads; else it looks at the signals that were raised since the last answer
// "none" and no further back than to the newest match. Asking takes no lock and allocates nothing,
// unless a new stem has come since (and for names beyond NameBuffer::kInlineBytes).
//
// PROTOCOL   For each shard a position is kept below which nothing that is present matches. That
//            stays true: what was retracted, has aged or was pushed out never comes back. So
//            threads may store it in any order; a lower one only costs time.
// MEMORY     Owns its patterns. The sink has to outlive it.
// THREADS    Any thread may call anything.
// UNITS      Times in nanoseconds of the sink's clock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mayfly/signal/compiled_pattern.h"
#include "mayfly/signal/signal_view.h"
#include "mayfly/signal/signal_window.h"

namespace mayfly {

class SignalSink;

class PatternSet {
 public:
  // Each list is comma-separated, as in GlobSet; with no pattern at all nothing ever matches.
  PatternSet(const SignalSink& sink, std::string_view list);
  PatternSet(const SignalSink& sink, std::span<const std::string> lists);
  PatternSet(const PatternSet&) = delete;
  PatternSet& operator=(const PatternSet&) = delete;

  // No pattern.
  bool empty() const { return pattern_.globs().empty(); }
  // Whether one of the patterns matches the whole name.
  bool matches(std::string_view name) const { return pattern_.matches(name); }

  // When the newest signal was raised that is present and matches; kAlways when there is none.
  std::int64_t newest_ns() const;
  // Whether there is one.
  bool any_present() const { return newest_ns() != kAlways; }
  // The first moment at which what newest_ns() told will have aged; kNever when it doesn't age,
  // kAlways when there is none.
  std::int64_t present_until_ns() const;
  // How many are present.
  std::size_t count() const;

 private:
  struct Newest {
    const WindowRange* range = nullptr;
    std::uint64_t position = 0;
    std::int64_t at_ns = kAlways;
  };
  // The same, of the view that it takes.
  std::int64_t newest_of_view(WindowView& view) const;
  // Whether it is among the newest records of all shards.
  bool is_in_window(const Newest& newest, const WindowView& view) const;
  void keep_clean(std::uint32_t shard, std::uint64_t below) const;

  const SignalSink& sink_;
  const CompiledPattern pattern_;
  mutable std::array<std::atomic<std::uint64_t>, kShardsMax + 1> clean_{};
};

}  // namespace mayfly
