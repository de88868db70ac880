// `mayfly stats`: what the processes that write to a database last stored of themselves.
#pragma once

#include "mayfly/base/clock.h"
#include "tools/mayfly/command_line.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

ExitStatus run_stats(const StatsOptions& options, const GlobalOptions& global, const Clock& clock,
                     Console& console);

}  // namespace mayfly::cli
