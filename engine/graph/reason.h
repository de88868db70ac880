// Reasons that the host itself gives for a rejected row, beside the plugins' own reasons[].
#pragma once

#include <cstdint>

namespace mayfly {

// A row was released and held again three times within one activation.
inline constexpr std::uint16_t kReasonHeldWithoutRelease = 0xFFFF;

}  // namespace mayfly
