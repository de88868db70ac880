// OptionRange: what a number among a struct of options may be; check_ranges tells the first that
// isn't. THREADS  Any.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "mayfly/base/status.h"

namespace mayfly {

struct OptionRange {
  std::string_view name;
  std::int64_t found;
  std::int64_t least;
  std::int64_t most;  // kNever: any
};

// kUsage: "NAME: expected 1 to 10, found 0".
Status check_ranges(std::span<const OptionRange> ranges);

}  // namespace mayfly
