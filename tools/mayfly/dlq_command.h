// `mayfly dlq`: dead letters are listed, shown, written once more, deleted. One call a process.
#pragma once

#include "mayfly/base/clock.h"
#include "tools/mayfly/console.h"
#include "tools/mayfly/dlq_options.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/global_options.h"

namespace mayfly::cli {

ExitStatus run_dlq(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
                   Console& console);

}  // namespace mayfly::cli
