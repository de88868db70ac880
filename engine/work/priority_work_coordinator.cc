#include "mayfly/work/priority_work_coordinator.h"

#include <algorithm>
#include <stdexcept>

namespace mayfly {

std::vector<PriorityLane> check_lanes(std::vector<PriorityLane> lanes, const WorkOptions& options) {
  if (lanes.empty()) lanes.push_back({.name = "normal"});
  for (auto lane = lanes.begin(); lane != lanes.end(); ++lane) {
    if (lane->name.find_first_not_of(" \t") == std::string::npos) {
      throw std::invalid_argument("lanes: expected a name for each, found a blank one");
    }
    if (std::ranges::find(lanes.begin(), lane, lane->name, &PriorityLane::name) != lane) {
      throw std::invalid_argument("lanes: expected different names, found \"" + lane->name +
                                  "\" twice");
    }
    if (lane->max_depth < 0) {
      throw std::invalid_argument("lane " + lane->name + ": expected a max_depth of at least 0, " +
                                  "found " + std::to_string(lane->max_depth));
    }
    if (lane->defer_check_interval_ns < 1 || lane->max_defer_attempts < 0) {
      throw std::invalid_argument(
          "lane " + lane->name +
          ": expected defer_check_interval_ns of at least 1 and max_defer_attempts of at least 0");
    }
    const bool rules = !lane->cancel_on_signals.empty() || !lane->defer_on_signals.empty();
    if (rules && options.signals == nullptr) {
      throw std::invalid_argument("lane " + lane->name +
                                  ": rules for signals need WorkOptions::signals, which is null");
    }
  }
  if (lanes.size() > UINT16_MAX) {
    throw std::invalid_argument("lanes: expected at most 65535, found " +
                                std::to_string(lanes.size()));
  }
  return lanes;
}

std::vector<LaneDepth> lane_depths(const Lanes& lanes) {
  std::vector<LaneDepth> depths;
  for (const auto& lane : lanes) depths.push_back({lane->options().name, lane->depth()});
  return depths;
}

Result<std::uint16_t> lane_named(const Lanes& lanes, std::string_view name) {
  const auto lane =
      std::ranges::find_if(lanes, [&](const auto& one) { return one->options().name == name; });
  if (lane != lanes.end()) return static_cast<std::uint16_t>(lane - lanes.begin());
  std::string known;
  for (const auto& one : lanes) known.append(known.empty() ? "" : ", ") += one->options().name;
  return Status(Code::kUsage,
                "expected a lane of " + known + ", found \"" + std::string(name) + "\"");
}

}  // namespace mayfly
