// Man pages of a program's commands, as roff source with the macros of man(7).
//
// THREADS  Pure; any thread.
#pragma once

#include <string>

#include "tools/mayfly/command_model.h"

namespace mayfly::cli {

// The page of `command`, which is one of the program's: its name is full_name() with '-', in
// section 1.
std::string man_page(const ProgramModel& program, const CommandModel& command);

}  // namespace mayfly::cli
