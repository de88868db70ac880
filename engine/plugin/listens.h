// Listens: the signals that one instance of a plugin hears: those in its descriptor, and those that
// its options name. Functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// A glob of signals' names, and how the plugin knows it: mayfly_signal.listen.
struct Listen {
  std::uint32_t id = 0;
  std::string glob;
  std::uint32_t entry = 0;  // of the option's list
};

// listens[] first, then the options that are flagged MAYFLY_OPTION_SIGNALS, in their order.
std::vector<Listen> listens_of(const mayfly_plugin& plugin, const OptionValues& values);

}  // namespace mayfly
