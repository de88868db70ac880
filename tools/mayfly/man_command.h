// `mayfly man`: the man page of a command on standard output, or those of all into a folder.
#pragma once

#include "tools/mayfly/command_line.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

ExitStatus run_man(const ManOptions& options, Console& console);

}  // namespace mayfly::cli
