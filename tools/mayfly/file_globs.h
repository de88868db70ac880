// Patterns of files that no shell expanded: quoted, or from a program that has none.
#pragma once

#include <string>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly::cli {

// In the place of a pattern (*, ?, [...]) the files that match it, in the order of their names.
// What there is by that very name is no pattern. kNoInput: nothing matches.
Result<std::vector<std::string>> expand_globs(const std::vector<std::string>& files);

}  // namespace mayfly::cli
