// Reasons that the host itself gives for a rejected or dropped row, beside the plugins' own
// reasons[].
#pragma once

#include <cstdint>

#include "mayfly/abi/mayfly_abi.h"

namespace mayfly {

// A row was released and held again three times within one activation.
inline constexpr std::uint16_t kReasonHeldWithoutRelease = 0xFFFF;
// A signal of the node's cancel_on was present when it came.
inline constexpr std::uint16_t kReasonCancelledBySignal = 0xFFFE;
// It was sent to a port that nobody takes (MAYFLY_OPTIONAL_PORTS).
inline constexpr std::uint16_t kReasonPortNotJoined = 0xFFFD;

// Its code, and what it means.
inline mayfly_named host_reason(std::uint16_t reason) {
  switch (reason) {
    case kReasonHeldWithoutRelease:
      return {"held_without_release",
              "the node released the row and held it again three times within one activation"};
    case kReasonCancelledBySignal:
      return {"cancelled_by_signal", "a signal of the node's cancel_on was present"};
    case kReasonPortNotJoined:
      return {"port_not_joined", "it was sent to a port that nobody takes"};
    default:
      return {"unspecified", "the plugin gave a reason that it doesn't declare"};
  }
}

}  // namespace mayfly
