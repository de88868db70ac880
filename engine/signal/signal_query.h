// Reading the window: records of a range that have a certain name, or match a pattern.
//
// Free functions over a range; see signal_shard.h for the protocol. Whatever was overwritten while
// it was read is left out: it has left the window. They allocate for composed names only. THREADS
// Any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/signal/pattern_cache.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

struct MatchedRecord {
  std::int64_t at_ns;
  SignalShard* source;
  std::uint32_t shard;  // the source's number
  std::uint64_t position;
  std::uint64_t tag;
  OperationId operation;
  std::string name;
};

// A name as its records store it.
struct StoredName {
  StemId stem;
  bool has_argument = false;
  std::string_view argument;
};

// The stem, and the argument behind a colon. False when the argument is no longer there.
bool compose_name(const SignalShard& shard, std::uint64_t position, std::uint64_t tag,
                  const StemTable& stems, std::string& name);

std::size_t count_matches(const WindowRange& range, const CompiledPattern& pattern,
                          const StemTable& stems);
// Appends, oldest first.
void collect_matches(const WindowRange& range, const CompiledPattern& pattern,
                     const StemTable& stems, std::vector<MatchedRecord>& out);

bool contains_name(const WindowRange& range, const StoredName& name);
// Retracts those of this name, and of this operation unless it is 0. Returns how many.
std::size_t retract_name(const WindowRange& range, const StoredName& name, OperationId operation);

}  // namespace mayfly
