// The options of [pipeline] and [writer], as tables like those of plugins: so parsing, checking,
// help and reference pages come from one place. Static data and pure functions.
#pragma once

#include "mayfly/config/plan.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

OptionTable pipeline_options();
OptionTable writer_options();

// Values parsed by those tables, into the plan. Options that aren't set leave what is there.
void apply_pipeline_options(const OptionValues& values, PipelinePlan& plan);
void apply_writer_options(const OptionValues& values, WriterPlan& writer);

}  // namespace mayfly
