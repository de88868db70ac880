// A plan's graph as text for a picture: Graphviz's dot or Mermaid.
#pragma once

#include <string>

#include "mayfly/config/plan.h"

namespace mayfly {

std::string to_dot(const PipelinePlan& plan);
std::string to_mermaid(const PipelinePlan& plan);

}  // namespace mayfly
