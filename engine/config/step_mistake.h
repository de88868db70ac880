// What a source's or node's plugin finds wrong as it is configured and opened, with its place in
// the file: the option's that it names, or else the step's. Any thread.
#pragma once

#include <string_view>

#include "mayfly/config/diagnostic.h"
#include "mayfly/config/plan.h"

namespace mayfly {

// `text` is the plugin's, without the step's name.
Diagnostic diagnostic_of(const SourcePlan& step, std::string_view text);
Diagnostic diagnostic_of(const NodePlan& step, std::string_view text);

// What an instance says as it is configured and opened, "step: text"; ok stays ok, and so does what
// isn't of a file.
Status with_place(const PipelinePlan& plan, const SourcePlan& step, Status status);
Status with_place(const PipelinePlan& plan, const NodePlan& step, Status status);
// The same of the writer's section, "writer: text".
Status with_place(const PipelinePlan& plan, const WriterPlan& writer, Status status);

}  // namespace mayfly
