// Asks a plugin whether its option values fit together, without running it: `configure` in a host
// that offers the time, random numbers, log and fail, and ignores the rest.
#pragma once

#include "mayfly/base/status.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// What the plugin said, without its name.
Status check_configure(const PluginLibrary& library, const OptionValues& values);

}  // namespace mayfly
