// machine_clock: the clock of who was given none, for the whole process.
//
// THREADS  Any, also behind the end of main().
#pragma once

#include "mayfly/base/clock.h"

namespace mayfly {

inline const Clock& machine_clock() {
  // Never destroyed: what a global holds still asks for the time when it is let go.
  static const auto& clock = *new SystemClock();
  return clock;
}

}  // namespace mayfly
