// The pipeline that `mayfly dlq replay` runs for one part: a source of dead letters, straight to
// the writer, as ingest's is of files.
#pragma once

#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/plugin/registry.h"
#include "mayfly/storage/replay_set.h"
#include "tools/mayfly/dlq_options.h"
#include "tools/mayfly/record_format.h"

namespace mayfly::cli {

// `letters` is the file to be read, `format` the part's, `types` are column=type as the table
// declares them.
Result<PipelinePlan> make_replay_plan(const DlqOptions& options, const ReplaySet::Part& part,
                                      const RecordFormat& format, const std::string& letters,
                                      const std::vector<std::string>& types,
                                      PluginRegistry& registry);

}  // namespace mayfly::cli
