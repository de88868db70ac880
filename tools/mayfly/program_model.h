// What a program of CLI11's takes, as completions and man pages need it (command_model.h).
#pragma once

#include <CLI/CLI.hpp>

#include "tools/mayfly/command_model.h"

namespace mayfly::cli {

// Of the whole program, with its version, variables and exit statuses.
ProgramModel model_of(const CLI::App& program);

}  // namespace mayfly::cli
