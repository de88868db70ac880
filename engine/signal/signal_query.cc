#include "mayfly/signal/signal_query.h"

#include <algorithm>

namespace mayfly {
namespace {

constexpr std::uint64_t kChunk = kBlockRecords;
static_assert(kChunk <= kVerdictsAdded);

// The loop of every count: a load, a table look-up and an addition for each record.
std::uint32_t add_verdicts(const SignalRing& ring, std::uint64_t from, std::uint64_t to,
                           const VerdictTable& verdicts) {
  std::uint32_t sum = 0;
  for (std::uint64_t position = from; position < to; ++position) {
    sum += verdicts[ring.tag(position)];
  }
  return sum;
}

// Whether the record, whose verdict isn't "none", matches. Leaves the name empty unless it was
// needed.
bool decide(const WindowRange& range, std::uint64_t position, std::uint64_t tag,
            std::uint16_t verdict, const CompiledPattern& pattern, const StemTable& stems,
            NameBuffer& name) {
  name.clear();
  if (verdict == kVerdictAll) return true;
  if (position < range.ring->intact()) return false;  // before the stem's number is believed
  return compose_name(range, position, tag, stems, name) && pattern.matches(name.view());
}

// Matches of [from, to), at most a block. What was overwritten meanwhile may be counted or not.
std::uint32_t count_chunk(const WindowRange& range, std::uint64_t from, std::uint64_t to,
                          const CompiledPattern& pattern, const VerdictTable& verdicts,
                          const StemTable& stems) {
  const SignalRing& ring = *range.ring;
  const std::uint32_t sum = add_verdicts(ring, from, to, verdicts);
  if (sum < kVerdictDepends) return sum;
  std::uint32_t matches = 0;
  NameBuffer name;
  for (std::uint64_t position = from; position < to; ++position) {
    const std::uint64_t tag = ring.tag(position);
    const std::uint16_t verdict = verdicts[tag];
    if (verdict == kVerdictNone) continue;
    matches += decide(range, position, tag, verdict, pattern, stems, name);
  }
  return matches;
}

bool same_argument(const WindowRange& range, std::uint64_t position, const StoredName& name,
                   NameBuffer& scratch) {
  if (!name.has_argument) return position >= range.ring->intact();
  scratch.clear();
  return range.shard->read_argument(*range.ring, position, scratch) &&
         scratch.view() == name.argument;
}

// Calls visit(position, tag) for those of the name, newest first, until it returns false.
template <class Visit>
void visit_name(const WindowRange& range, const StoredName& name, Visit visit) {
  const std::uint64_t wanted = tag_index(name.stem, name.has_argument);
  NameBuffer scratch;
  for (std::uint64_t position = range.to; position-- > range.from;) {
    const std::uint64_t tag = range.ring->tag(position);
    // Retracted records have one more bit.
    if ((tag & kTagIndexMask) != wanted) continue;
    // Before intact(), which same_argument() asks for last.
    const OperationId operation = range.ring->operation(position, tag);
    if (!same_argument(range, position, name, scratch)) continue;
    if (!visit(position, tag, operation)) return;
  }
}

// Steps through the records of one range that are meant.
class RecordCursor {
 public:
  // Stands before the first record.
  void begin(const WindowRange& range) {
    found_.range = &range;
    next_ = range.from;
  }
  // To the next record; false at the end.
  bool advance(const RecordFilter& filter, const VerdictTable* verdicts, const StemTable& stems,
               NameBuffer& name) {
    const WindowRange& range = *found_.range;
    const SignalRing& ring = *range.ring;
    while (next_ < range.to) {
      const std::uint64_t position = next_;
      if (verdicts != nullptr && skip_block(*filter.pattern)) continue;
      ++next_;
      const std::uint64_t tag = ring.tag(position);
      const std::uint16_t verdict = verdicts != nullptr          ? (*verdicts)[tag]
                                    : (tag & kTagRetracted) != 0 ? kVerdictNone
                                                                 : kVerdictAll;
      if (verdict == kVerdictNone) continue;
      found_.operation = ring.operation(position, tag);
      if (filter.by_operation && !is_one_of(filter.operations, found_.operation)) continue;
      found_.at_ns = ring.at_ns(position);
      if (position < ring.intact()) continue;
      if (verdict == kVerdictDepends &&
          !decide(range, position, tag, verdict, *filter.pattern, stems, name)) {
        continue;
      }
      found_.position = position;
      found_.tag = tag;
      return true;
    }
    return false;
  }
  FoundRecord& found() { return found_; }
  bool is_before(const RecordCursor& other) const {
    // Ranges are in the order of their shards.
    if (found_.at_ns != other.found_.at_ns) return found_.at_ns < other.found_.at_ns;
    return found_.range->index < other.found_.range->index;
  }

 private:
  static bool is_one_of(std::span<const OperationId> sorted, OperationId operation) {
    return std::binary_search(sorted.begin(), sorted.end(), operation);
  }
  // At the begin of a block of which it is known that nothing matches.
  bool skip_block(const CompiledPattern& pattern) {
    if (next_ % kBlockRecords != 0 || next_ + kBlockRecords > found_.range->to) return false;
    std::uint32_t matches = 1;
    if (!pattern.recall(*found_.range, next_ / kBlockRecords, matches) || matches != 0)
      return false;
    next_ += kBlockRecords;
    return true;
  }

  FoundRecord found_{};
  std::uint64_t next_ = 0;
};

// Gives the record its name; false when that is no longer there. The record was intact when its tag
// was read, so the stem is its own; reading the argument looks again.
bool name_found(FoundRecord& found, const StemTable& stems, NameBuffer& name) {
  if ((found.tag & kTagHasArgument) == 0) {
    found.name = stems.text(tag_stem(found.tag));
    return true;
  }
  name.clear();
  if (!compose_name(*found.range, found.position, found.tag, stems, name)) return false;
  found.name = name.view();
  return true;
}

}  // namespace

bool compose_name(const WindowRange& range, std::uint64_t position, std::uint64_t tag,
                  const StemTable& stems, NameBuffer& name) {
  const StemId stem = tag_stem(tag);
  if (stem != kTextStem) name.append(stems.text(stem));
  if ((tag & kTagHasArgument) == 0) return true;
  if (stem != kTextStem) name.push_back(':');
  return range.shard->read_argument(*range.ring, position, name);
}

std::size_t count_matches(const WindowRange& range, const CompiledPattern& pattern,
                          const StemTable& stems) {
  const SignalRing& ring = *range.ring;
  const VerdictTable& verdicts = pattern.verdicts(stems);
  std::size_t total = 0;
  std::uint64_t from = range.from;
  while (from < range.to) {
    const std::uint64_t block = from / kBlockRecords;
    const std::uint64_t to = std::min((block + 1) * kBlockRecords, range.to);
    const bool full = to - from == kBlockRecords;
    std::uint32_t matches = 0;
    if (full && pattern.recall(range, block, matches)) {
      total += matches;
      from = to;
      continue;
    }
    const std::uint16_t retractions = ring.retractions(block);
    matches = count_chunk(range, from, to, pattern, verdicts, stems);
    // All of the chunk was intact, or what is left of it is counted again.
    const std::uint64_t intact = ring.intact();
    if (from >= intact) {
      if (full) pattern.remember(range, block, retractions, matches);
      total += matches;
      from = to;
    } else {
      from = std::min(intact, range.to);
    }
  }
  return total;
}

bool visit_records(const WindowView& view, const RecordFilter& filter, const StemTable& stems,
                   FunctionRef<bool(const FoundRecord&)> visit) {
  const VerdictTable* const verdicts =
      filter.pattern != nullptr ? &filter.pattern->verdicts(stems) : nullptr;
  NameBuffer name;
  std::array<RecordCursor, kShardsMax + 1> cursors;
  std::size_t left = 0;
  for (const WindowRange& range : view) {
    cursors[left].begin(range);
    left += cursors[left].advance(filter, verdicts, stems, name);
  }
  while (left > 0) {
    std::size_t first = 0;
    for (std::size_t i = 1; i < left; ++i) {
      if (cursors[i].is_before(cursors[first])) first = i;
    }
    FoundRecord& found = cursors[first].found();
    if (name_found(found, stems, name) && !visit(found)) return false;
    if (!cursors[first].advance(filter, verdicts, stems, name)) {
      cursors[first] = cursors[--left];
    }
  }
  return true;
}

bool newest_match(const WindowRange& range, std::uint64_t from, const CompiledPattern& pattern,
                  const StemTable& stems, std::uint64_t& position, std::int64_t& at_ns) {
  const SignalRing& ring = *range.ring;
  const VerdictTable& verdicts = pattern.verdicts(stems);
  NameBuffer name;
  const std::uint64_t lowest = std::max(from, range.from);
  for (std::uint64_t next = range.to; next-- > lowest;) {
    const std::uint64_t tag = ring.tag(next);
    const std::uint16_t verdict = verdicts[tag];
    if (verdict == kVerdictNone) continue;
    at_ns = ring.at_ns(next);
    if (next < ring.intact()) return false;  // so are all below
    if (!decide(range, next, tag, verdict, pattern, stems, name)) continue;
    position = next;
    return true;
  }
  return false;
}

bool contains_name(const WindowRange& range, const StoredName& name) {
  bool found = false;
  visit_name(range, name,
             [&](std::uint64_t, std::uint64_t, OperationId) { return !(found = true); });
  return found;
}

std::size_t count_name(const WindowRange& range, const StoredName& name) {
  std::size_t total = 0;
  visit_name(range, name, [&](std::uint64_t, std::uint64_t, OperationId) { return ++total > 0; });
  return total;
}

std::size_t retract_name(const WindowRange& range, const StoredName& name, OperationId operation) {
  std::size_t retracted = 0;
  visit_name(range, name, [&](std::uint64_t position, std::uint64_t tag, OperationId owner) {
    if (operation == 0 || owner == operation) retracted += range.shard->retract(position, tag);
    return true;
  });
  return retracted;
}

}  // namespace mayfly
