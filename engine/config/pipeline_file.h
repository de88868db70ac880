// Pipeline files: TOML in, a checked plan or every mistake out.
//
// [pipeline] and [writer] hold settings (pipeline_settings.h), [source.NAME] and [node.NAME] a
// plugin and its options, [writer.columns] the columns of a table to be created. `input` is a name
// or a list of names; "name.port" is a port, "name" the first one, "writer.failed" the writer's.
// THREADS  One at a time for each registry.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/config/plan_builder.h"

namespace mayfly {

// `file` stands in the plan, for messages.
CheckedPlan parse_pipeline(std::string_view text, std::string file, PluginRegistry& registry);
// A status when the file can't be read at all.
Result<CheckedPlan> read_pipeline(const std::string& path, PluginRegistry& registry);

}  // namespace mayfly
