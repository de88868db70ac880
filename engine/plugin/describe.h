// What a plugin is, in words: from its descriptor's tables alone. Pure functions.
#pragma once

#include <string>

#include "mayfly/plugin/library.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {

// For people: `mayfly plugins show NAME`.
std::string describe(const PluginLibrary& library);
// For programs: {"name":..., "version":..., "kind":..., "flags":[...], "options":[...], ...}.
std::string describe_json(const PluginLibrary& library);
// For a page: order, options, ports, counters, reasons, signals, as tables in Markdown.
std::string describe_markdown(const PluginLibrary& library);
// JSON Schema (2020-12) of the options as a pipeline file gives them.
std::string options_schema(const PluginLibrary& library);
// The same for a table of options that is no plugin's.
std::string options_schema(std::string_view title, OptionTable options);
// For a schema with more in it: an option's value alone, {"type":...}.
std::string option_schema(const mayfly_option& option);

}  // namespace mayfly
