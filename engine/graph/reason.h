// Reasons that the host itself gives for a rejected or dropped row, beside the plugins' own
// reasons[].
#pragma once

#include <cstdint>

namespace mayfly {

// A row was released and held again three times within one activation.
inline constexpr std::uint16_t kReasonHeldWithoutRelease = 0xFFFF;
// A signal of the node's cancel_on was present when it came.
inline constexpr std::uint16_t kReasonCancelledBySignal = 0xFFFE;

// It was sent to a port that nobody takes (MAYFLY_OPTIONAL_PORTS).
inline constexpr std::uint16_t kReasonPortNotJoined = 0xFFFD;

}  // namespace mayfly
