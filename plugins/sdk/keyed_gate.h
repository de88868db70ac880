// KeyedGate: a bound on the rows in flight beyond a node, in all and of each key. A row that may
// not pass waits with those of its key (and lane), in order; a key that is full holds back itself
// alone.
//
// For nodes with MAYFLY_HOLDS and MAYFLY_WANTS_COMPLETIONS, whose first counters are those of
// permit_counters.h. The host keeps the rows that wait, those of a key and lane under a tag of
// their own; KeyedPermits says who is next. A row that is let go has its permit from then on, so
// that it passes for certain when it comes. The key is hashed when a row comes and once more when
// it is answered, since values don't change.
//
// MEMORY   That of KeyedPermits: keys in flight or waiting.
// THREADS  The calls of the node.
#pragma once

#include <bit>
#include <cstdint>

#include "mayfly/policy/keyed_permits.h"
#include "mayfly/sdk/host.h"
#include "mayfly/sdk/key_columns.h"
#include "mayfly/sdk/permit_counters.h"
#include "mayfly/sdk/slice.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

template <std::uint32_t kLanes = 1>
class KeyedGate {
 public:
  KeyedGate(std::uint64_t limit, std::uint64_t per_key) : permits_(limit, per_key) {}

  const KeyedPermits<kLanes>& permits() const { return permits_; }

  // Of process, for all rows of a slice, or one by one and then tell(): a row that has to wait is
  // routed to HOLD.
  void admit(const Host& host, const KeyColumns& columns, const Slice& slice) {
    if (slice.resumed()) {
      admit_resumed(host, slice);
      return;
    }
    for (const std::uint16_t row : slice.rows()) admit(columns, slice, row);
    tell(host);
  }
  void admit(const KeyColumns& columns, const Slice& slice, std::uint16_t row,
             std::uint32_t lane = 0) {
    const std::uint64_t key = key_of(columns, slice.batch(), row);
    const bool passes = permits_.enter(key, lane);
    if (!passes) slice.hold(row, key | lane);
    passes ? counters_.add(1, 0) : counters_.add(0, 1);
  }
  // What was let go has its permit, and passes.
  void admit_resumed(const Host& host, const Slice& slice) {
    counters_.add(slice.size(), 0);
    tell(host);
  }
  void tell(const Host& host) { counters_.tell(host, permits_.highest()); }

  // What admit would say of it.
  bool can_pass(const KeyColumns& columns, const Slice& slice, std::uint16_t row,
                std::uint32_t lane = 0) const {
    return permits_.can_enter(key_of(columns, slice.batch(), row), lane);
  }

  // Of on_completion.
  void answered(const Host& host, const KeyColumns& columns, const Slice& slice) {
    counters_.answered(host, slice);
    for (const std::uint16_t row : slice.rows()) {
      permits_.give_back(key_of(columns, slice.batch(), row));
    }
    let_go(host);
  }

  void set_limit(const Host& host, std::uint64_t limit) {
    permits_.set_limit(limit);
    let_go(host);
  }
  void set_per_key(const Host& host, std::uint64_t per_key) {
    permits_.set_per_key(per_key);
    let_go(host);
  }

  // As many of those that wait as may pass; in drain, too.
  void let_go(const Host& host) {
    while (const auto grant = permits_.next()) host.resume(grant->key | grant->lane, grant->count);
  }

 private:
  static_assert(std::has_single_bit(kLanes));

  // The low bits of a tag are the lane, so that no key's rows are under another's.
  static std::uint64_t key_of(const KeyColumns& columns, const mayfly_batch& batch,
                              std::uint32_t row) {
    return columns.hash(batch, row) & ~static_cast<std::uint64_t>(kLanes - 1);
  }

  KeyedPermits<kLanes> permits_;
  PermitCounters counters_;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
