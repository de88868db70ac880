// `mayfly ingest`: files into one table. One call a process.
#pragma once

#include "tools/mayfly/console.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/global_options.h"
#include "tools/mayfly/ingest_options.h"

namespace mayfly::cli {

ExitStatus run_ingest(const IngestOptions& given, const GlobalOptions& global, Console& console);

}  // namespace mayfly::cli
