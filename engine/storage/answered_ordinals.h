// AnsweredOrdinals: which records of one source are answered: a mark and the ranges above it.
//
// INVARIANTS
//   1. Every ordinal below mark().ordinal is answered, the mark itself isn't.
//   2. Ranges are disjoint, not adjacent, and all lie above the mark.
// Changes are staged from begin() on; rollback() takes them back, commit() keeps them. In an
// in-order pipeline there are no ranges, and add() is a comparison and three stores.
//
// THREADS  The writer's.
// MEMORY   Nodes come from a pool of this object and are reused; nothing is allocated per row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <span>
#include <vector>

#include "mayfly/storage/source_position.h"

namespace mayfly {

// A place in a source: every record before it is answered.
struct Mark {
  std::uint64_t ordinal = 0;
  std::uint64_t byte = 0;  // just after the record before the mark
  std::uint64_t line = 1;  // there; 0: unknown
  bool operator==(const Mark&) const = default;
};

// Ordinals first to last, and where the record `last` ends: the byte and the line behind it.
struct AnsweredRun {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t byte_end = 0;
  std::uint64_t line = 0;
  bool operator==(const AnsweredRun&) const = default;
};

class AnsweredOrdinals {
 public:
  void restore(const Mark& mark, std::span<const AnsweredRun> ranges);

  void begin();
  // Ordinals that are answered already don't matter.
  void add(const AnsweredRun& run);
  void commit() { journal_.clear(); }
  void rollback();

  const Mark& mark() const { return mark_; }
  std::size_t range_count() const { return ranges_.size(); }
  std::vector<AnsweredRange> ranges() const;

  // What differs from begin(): f(first, run), run null when the range that began there is gone.
  template <class F>
  void for_each_change(F&& f) {
    if (journal_.empty()) return;
    touched_.clear();
    for (const Change& change : journal_) touched_.push_back(change.run.first);
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const std::uint64_t first : touched_) {
      const auto found = ranges_.find(first);
      f(first, found == ranges_.end() ? nullptr : &found->second);
    }
  }

 private:
  using Ranges = std::pmr::map<std::uint64_t, AnsweredRun>;
  struct Change {
    AnsweredRun run;
    bool added;
  };
  void insert(const AnsweredRun& run);
  Ranges::iterator erase(Ranges::iterator at);
  void raise_mark(const AnsweredRun& run);

  std::pmr::unsynchronized_pool_resource memory_;
  Ranges ranges_{&memory_};
  Mark mark_;
  Mark mark_before_;
  std::vector<Change> journal_;
  std::vector<std::uint64_t> touched_;
};

}  // namespace mayfly
