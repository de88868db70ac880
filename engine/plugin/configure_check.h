// Asks a plugin whether its option values fit together, without running it: `configure` in a host
// that offers the time, random numbers, log, fail and expr_check, and ignores the rest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// Whether an SQL expression can be one over a row, whatever its columns.
using CheckExpression = std::function<Status(const std::string& expression)>;

// What the plugin said, each once, without its name; of an option as "option: what is wrong".
std::vector<std::string> check_configure(const PluginLibrary& library, const OptionValues& values,
                                         const CheckExpression& check_expression);

}  // namespace mayfly
