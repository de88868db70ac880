// What --since takes, as a time. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"

namespace mayfly::cli {

// Microseconds since 1970 of a time, or of so long before now ("10m"). kUsage: it is neither.
Result<std::int64_t> since_of(const std::string& text, const Clock& clock);

}  // namespace mayfly::cli
