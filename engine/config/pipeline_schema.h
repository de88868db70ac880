// JSON Schema (2020-12) of a pipeline file, for editors and for checks elsewhere: all sections, and
// each source and node by its plugin, from the plugins' descriptors. Pure functions.
//
// What it accepts may still be wrong: limits of durations and sizes, names of inputs, the graph and
// what options say of each other are `mayfly validate`'s. What it refuses `validate` refuses, but
// for numbers and flags in quotes, which are taken, and are for what has no others.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "mayfly/plugin/library.h"

namespace mayfly {

// A sink stands where a node may. A plugin that a file names by its path may have any options.
std::string pipeline_schema(std::span<const std::shared_ptr<const PluginLibrary>> plugins);

}  // namespace mayfly
