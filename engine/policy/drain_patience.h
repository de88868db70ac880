// DrainPatience: how long rows go on waiting for a signal once the pipeline drains: half of the
// time that is left then, so that the other half is there to write them.
//
// Arithmetic alone: time comes in.
// MEMORY   Fixed.
// THREADS  One at a time.
#pragma once

#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

class DrainPatience {
 public:
  // Whenever a node is asked to drain: the first time counts.
  void begin(std::int64_t now_ns, std::int64_t deadline_ns) {
    if (until_ns_ == kNever) until_ns_ = now_ns + (deadline_ns - now_ns) / 2;
  }
  bool is_over(std::int64_t now_ns) const { return now_ns >= until_ns_; }
  // kNever: nothing drains.
  std::int64_t until_ns() const { return until_ns_; }

 private:
  std::int64_t until_ns_ = kNever;
};

}  // namespace mayfly
