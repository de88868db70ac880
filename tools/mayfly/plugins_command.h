// `mayfly plugins`: what plugins there are, what they take, whether they keep the rules.
#pragma once

#include "tools/mayfly/command_line.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

ExitStatus run_plugins(const PluginsOptions& options, const GlobalOptions& global,
                       Console& console);

}  // namespace mayfly::cli
