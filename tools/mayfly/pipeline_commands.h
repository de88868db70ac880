// `mayfly run`, `validate` and `graph`: the commands about pipeline files. One call a process.
#pragma once

#include <string>
#include <vector>

#include "tools/mayfly/console.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/global_options.h"

namespace mayfly::cli {

// Runs until the sources end or a signal. Always goes on from the positions in the database.
ExitStatus run_pipeline(const std::string& file, const GlobalOptions& global, Console& console);

// All checks of all files; nothing is run, no source or database is opened.
ExitStatus run_validate(const std::vector<std::string>& files, const GlobalOptions& global,
                        Console& console);

// `as`: dot or mermaid.
ExitStatus run_graph(const std::string& file, const std::string& as, const GlobalOptions& global,
                     Console& console);

}  // namespace mayfly::cli
