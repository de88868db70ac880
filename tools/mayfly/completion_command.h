// `mayfly completion`: the script for a shell, on standard output.
#pragma once

#include "tools/mayfly/command_line.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

ExitStatus run_completion(const CompletionOptions& options, Console& console);

}  // namespace mayfly::cli
