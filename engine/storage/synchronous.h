// Synchronous: when what was committed is on disk.
#pragma once

#include <cstdint>

namespace mayfly {

// When a row is durable.
enum class Synchronous : std::uint8_t {
  kNormal,  // durable at the next checkpoint, or when the writer ends
  kFull,    // durable when it is answered
};

}  // namespace mayfly
