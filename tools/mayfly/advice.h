// What to do next, in a message. One call each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/mayfly/console.h"

namespace mayfly::cli {

// How many rows were rejected, the latest reasons, and the command that shows them all.
void advise_dead_letters(const std::string& database, std::uint64_t rejected, Console& console);

// As a shell reads it back.
std::string shell_quoted(std::string_view text);

}  // namespace mayfly::cli
