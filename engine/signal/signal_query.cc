#include "mayfly/signal/signal_query.h"

#include <algorithm>

namespace mayfly {
namespace {

constexpr std::uint64_t kChunk = 256;
static_assert(kChunk <= kVerdictsAdded);

// The loop of every count: a load, a table look-up and an addition for each record.
std::uint32_t add_verdicts(const SignalShard& shard, std::uint64_t from, std::uint64_t to,
                           const CompiledPattern& pattern) {
  std::uint32_t sum = 0;
  for (std::uint64_t position = from; position < to; ++position) {
    sum += pattern.verdict(shard.tag(position));
  }
  return sum;
}

// Calls visit(position, tag, name) for each match; the name is empty unless it was needed.
template <class Visit>
void visit_matches(const SignalShard& shard, std::uint64_t from, std::uint64_t to,
                   const CompiledPattern& pattern, const StemTable& stems, Visit visit) {
  std::string name;
  for (std::uint64_t position = from; position < to; ++position) {
    const std::uint64_t tag = shard.tag(position);
    const std::uint16_t verdict = pattern.verdict(tag);
    if (verdict == kVerdictNone) continue;
    name.clear();
    if (verdict == kVerdictDepends) {
      if (position < shard.intact()) continue;  // before the stem's number is believed
      if (!compose_name(shard, position, tag, stems, name)) continue;
      if (!pattern.glob().matches(name)) continue;
    }
    visit(position, tag, name);
  }
}

bool same_argument(const SignalShard& shard, std::uint64_t position, const StoredName& name,
                   std::string& scratch) {
  if (!name.has_argument) return position >= shard.intact();
  scratch.clear();
  return shard.read_argument(position, scratch) && scratch == name.argument;
}

}  // namespace

bool compose_name(const SignalShard& shard, std::uint64_t position, std::uint64_t tag,
                  const StemTable& stems, std::string& name) {
  const StemId stem = tag_stem(tag);
  if (stem != kTextStem) name += stems.text(stem);
  if ((tag & kTagHasArgument) == 0) return true;
  if (stem != kTextStem) name.push_back(':');
  return shard.read_argument(position, name);
}

std::size_t count_matches(const WindowRange& range, const CompiledPattern& pattern,
                          const StemTable& stems) {
  const SignalShard& shard = *range.shard;
  std::size_t total = 0;
  std::uint64_t from = range.from;
  while (from < range.to) {
    const std::uint64_t to = std::min(from + kChunk, range.to);
    std::size_t matches = add_verdicts(shard, from, to, pattern);
    if (matches >= kVerdictDepends) {
      matches = 0;
      visit_matches(shard, from, to, pattern, stems,
                    [&](std::uint64_t, std::uint64_t, const std::string&) { ++matches; });
    }
    // All of the chunk was intact, or what is left of it is counted again.
    const std::uint64_t intact = shard.intact();
    if (from >= intact) {
      total += matches;
      from = to;
    } else {
      from = intact;
    }
  }
  return total;
}

void collect_matches(const WindowRange& range, const CompiledPattern& pattern,
                     const StemTable& stems, std::vector<MatchedRecord>& out) {
  const SignalShard& shard = *range.shard;
  visit_matches(shard, range.from, range.to, pattern, stems,
                [&](std::uint64_t position, std::uint64_t tag, std::string& name) {
                  const std::int64_t at_ns = shard.at_ns(position);
                  const OperationId operation = shard.operation(position, tag);
                  if (position < shard.intact()) return;
                  if (name.empty() && !compose_name(shard, position, tag, stems, name)) return;
                  out.push_back({at_ns, range.shard, range.index, position, tag, operation, name});
                });
}

bool contains_name(const WindowRange& range, const StoredName& name) {
  const std::uint64_t wanted = tag_index(name.stem, name.has_argument);
  std::string scratch;
  for (std::uint64_t position = range.to; position-- > range.from;) {
    // Retracted records have one more bit.
    if ((range.shard->tag(position) & kTagIndexMask) != wanted) continue;
    if (same_argument(*range.shard, position, name, scratch)) return true;
  }
  return false;
}

std::size_t retract_name(const WindowRange& range, const StoredName& name, OperationId operation) {
  const std::uint64_t wanted = tag_index(name.stem, name.has_argument);
  SignalShard& shard = *range.shard;
  std::string scratch;
  std::size_t retracted = 0;
  for (std::uint64_t position = range.from; position < range.to; ++position) {
    const std::uint64_t tag = shard.tag(position);
    if ((tag & kTagIndexMask) != wanted) continue;
    // The operation before intact(), which same_argument() asks for last.
    if (operation != 0 && shard.operation(position, tag) != operation) continue;
    if (!same_argument(shard, position, name, scratch)) continue;
    retracted += shard.retract(position, tag);
  }
  return retracted;
}

}  // namespace mayfly
