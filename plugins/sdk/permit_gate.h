// PermitGate: a bound on the rows in flight beyond a node. A row takes a permit when it passes, and
// its answer gives it back; the others wait, first come first served.
//
// For nodes with MAYFLY_HOLDS and MAYFLY_WANTS_COMPLETIONS, whose first counters are those of
// permit_counters.h. The host keeps the rows that wait,
// under `tag`; a row that is let go has its permit from then on, so that it passes for certain
// when it comes: what is let go and held again would stand behind those that came after it.
//
// THREADS  The calls of the node.
#pragma once

#include <cstdint>

#include "mayfly/policy/permit_count.h"
#include "mayfly/sdk/host.h"
#include "mayfly/sdk/permit_counters.h"
#include "mayfly/sdk/slice.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

class PermitGate {
 public:
  explicit PermitGate(std::uint64_t limit, std::uint64_t tag = 0) : permits_(limit), tag_(tag) {}

  const PermitCount& permits() const { return permits_; }

  // Of process: lets rows pass as far as permits go, and routes the others to HOLD. Returns how
  // many pass.
  std::uint64_t admit(const Host& host, const Slice& slice) {
    // New rows overtake none that wait: while a permit is free, none does.
    const std::uint64_t pass = slice.resumed() ? slice.size() : permits_.take(slice.size());
    for (const std::uint16_t row : slice.rows().subspan(pass)) slice.hold(row, tag_);
    counters_.add(pass, slice.size() - pass);
    counters_.tell(host, permits_.highest());
    return pass;
  }

  // Of on_completion.
  void answered(const Host& host, const Slice& slice) {
    counters_.answered(host, slice);
    permits_.give_back(slice.size());
    let_go(host);
  }

  void set_limit(const Host& host, std::uint64_t limit) {
    permits_.set_limit(limit);
    let_go(host);
  }

  // As many of those that wait as may pass; in drain, too.
  void let_go(const Host& host) {
    if (const std::uint64_t rows = permits_.take(host.held(tag_)); rows > 0) {
      host.resume(tag_, rows);
    }
  }

 private:
  PermitCount permits_;
  PermitCounters counters_;
  std::uint64_t tag_;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
