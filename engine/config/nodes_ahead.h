// Which nodes a row hasn't passed yet when a source or a node turns it down, of those that may
// change it, drop it or send it elsewhere: who writes it later (mayfly dlq replay) writes it
// without them.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "mayfly/config/plan.h"

namespace mayfly {

// A JSON object with their names (`nodes`) for each source, then for each node, which is one of
// them itself; empty: there is none on the way to the writer, or only what failed there comes by.
std::vector<std::string> nodes_ahead(const PipelinePlan& plan);

}  // namespace mayfly
