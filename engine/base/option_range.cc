#include "mayfly/base/option_range.h"

#include <fmt/format.h>

#include "mayfly/base/clock.h"

namespace mayfly {

Status check_ranges(std::span<const OptionRange> ranges) {
  for (const OptionRange& range : ranges) {
    if (range.found >= range.least && range.found <= range.most) continue;
    return {Code::kUsage, range.most == kNever
                              ? fmt::format("{}: expected at least {}, found {}", range.name,
                                            range.least, range.found)
                              : fmt::format("{}: expected {} to {}, found {}", range.name,
                                            range.least, range.most, range.found)};
  }
  return {};
}

}  // namespace mayfly
