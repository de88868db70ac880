// Reading the window: records that have a certain name, match a pattern, or belong to operations.
//
// Free functions over ranges and views; see signal_ring.h for the protocol. Whatever was
// overwritten while it was read is left out: it has left the window. Names are composed in a
// NameBuffer, so that only names longer than its inline bytes allocate.
//
// THREADS    Any. Own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mayfly/base/function_ref.h"
#include "mayfly/signal/compiled_pattern.h"
#include "mayfly/signal/name_buffer.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// A name as its records store it.
struct StoredName {
  StemId stem;
  bool has_argument = false;
  std::string_view argument;
};

// Which records of a view are meant.
struct RecordFilter {
  const CompiledPattern* pattern = nullptr;  // null: every name
  bool by_operation = false;                 // only those of `operations`, which are sorted
  std::span<const OperationId> operations;
};

// One that was found, intact when it was read.
struct FoundRecord {
  const WindowRange* range;
  std::uint64_t position;
  std::uint64_t tag;
  std::int64_t at_ns;
  OperationId operation;
  std::string_view name;  // until the visitor returns
};

// Unique in its sink while a shard has fewer than 2^57 records; increasing for each thread.
inline std::uint64_t sequence_of(const FoundRecord& found) {
  static_assert(kShardsMax < 128);
  return found.position << 7 | found.range->index;
}

// The stem, and the argument behind a colon. False when the argument is no longer there.
bool compose_name(const WindowRange& range, std::uint64_t position, std::uint64_t tag,
                  const StemTable& stems, NameBuffer& name);

// How many match.
std::size_t count_matches(const WindowRange& range, const CompiledPattern& pattern,
                          const StemTable& stems);

// Calls visit(record) for each that is meant, oldest first (by time, then shard, then position),
// until it returns false. Returns whether it never did.
bool visit_records(const WindowView& view, const RecordFilter& filter, const StemTable& stems,
                   FunctionRef<bool(const FoundRecord&)> visit);

// The newest match of the range at `from` or above: true, and its position and time.
bool newest_match(const WindowRange& range, std::uint64_t from, const CompiledPattern& pattern,
                  const StemTable& stems, std::uint64_t& position, std::int64_t& at_ns);

// Those of exactly this name.
bool contains_name(const WindowRange& range, const StoredName& name);
std::size_t count_name(const WindowRange& range, const StoredName& name);
// Retracts those of this name, and of this operation unless it is 0. Returns how many.
std::size_t retract_name(const WindowRange& range, const StoredName& name, OperationId operation);

}  // namespace mayfly
