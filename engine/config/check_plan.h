// The checks of a linked plan: its graph, its writer, its memory. PlanBuilder::build calls it; a
// plan put together by hand can be given to it as well.
#pragma once

#include <string>
#include <vector>

#include "mayfly/config/diagnostic.h"
#include "mayfly/config/plan.h"

namespace mayfly {

struct PlanPlaces;

// Fills in reserve_batches and memory_bytes; returns every mistake.
std::vector<Diagnostic> check_plan(PipelinePlan& plan, const PlanPlaces& places);
std::vector<Diagnostic> check_plan(PipelinePlan& plan);

// Of it only that every input exists, what the writer is told, and the limits of memory: an
// embedding program may raise the signals that no node does.
std::vector<Diagnostic> check_limits(PipelinePlan& plan);

// Parts of it.
void check_graph(const PipelinePlan& plan, const PlanPlaces& places, std::vector<Diagnostic>& out);
void check_writer(const PipelinePlan& plan, const PlanPlaces& places, std::vector<Diagnostic>& out);

// Where a node with MAYFLY_KEEPS_SIGNALS keeps them: in the writer's database, unless its option
// names another. "": it doesn't.
std::string signal_database(const PipelinePlan& plan, const NodePlan& node);

// The signals that writer and graph raise themselves.
const std::vector<std::string_view>& engine_signals();
// Whether such a signal is raised with an argument behind its stem each time.
bool always_has_argument(std::string_view stem);

}  // namespace mayfly
