// `mayfly dlq replay`: dead letters through the path of ingest once more, each exactly once. One
// call a process.
#pragma once

#include "mayfly/base/clock.h"
#include "tools/mayfly/console.h"
#include "tools/mayfly/dlq_options.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/global_options.h"

namespace mayfly::cli {

ExitStatus run_replay(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
                      Console& console);

}  // namespace mayfly::cli
