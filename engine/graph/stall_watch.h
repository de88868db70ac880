// StallWatch: tells when a pipeline stands still for want of room: every batch is taken, nothing is
// on its way, and what would move next is kept by a node that waits for more rows than there is
// room for, or for a signal, or for its time.
//
// Told after kStallNs, and again while nothing has moved, each time twice as long after the one
// before, up to kToldEveryNs: a pipeline that is held by a breaker for an hour costs nothing.
//
// THREADS  The driver's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

class StallWatch {
 public:
  static constexpr std::int64_t kStallNs = 20 * kMillisecond;
  static constexpr std::int64_t kToldEveryNs = kSecond;

  // `waits`: something waits for room. `at_work`: somebody works on rows, who may make some.
  // `moved`: a number that is another one when any row has moved. True: it is told now.
  bool look(std::int64_t now_ns, bool waits, bool at_work, std::uint64_t moved) {
    if (!waits) {
      stands_ = false;
      return false;
    }
    if (!stands_ || at_work || moved != moved_) {
      stands_ = true;
      since_ns_ = now_ns;
      moved_ = moved;
      pause_ns_ = kStallNs;
      next_ns_ = now_ns + pause_ns_;
      return false;
    }
    if (now_ns < next_ns_) return false;
    pause_ns_ = std::min(2 * pause_ns_, kToldEveryNs);
    next_ns_ = now_ns + pause_ns_;
    return true;
  }

  // When it is to look again, though nothing has happened by then; kNever.
  std::int64_t next_look_ns() const { return stands_ ? next_ns_ : kNever; }
  // Since when nothing has moved; 0 or less: something has.
  std::int64_t stands_for_ns(std::int64_t now_ns) const { return stands_ ? now_ns - since_ns_ : 0; }

 private:
  bool stands_ = false;  // the times below count
  std::int64_t since_ns_ = 0;
  std::uint64_t moved_ = 0;
  std::int64_t pause_ns_ = 0;
  std::int64_t next_ns_ = 0;
};

}  // namespace mayfly
