// `mayfly signals`: what a persistent window has stored, also while it is being written.
#pragma once

#include "tools/mayfly/command_line.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

// Text: time, name, and where they are there key and operation; control characters and bytes that
// aren't UTF-8 are shown escaped. JSON: an object a line.
ExitStatus run_signals(const SignalsOptions& options, const GlobalOptions& global,
                       const Clock& clock, Console& console);

}  // namespace mayfly::cli
