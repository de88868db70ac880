// Scripts that teach shells to complete a program's commands, options and values. Each stands for
// itself: it needs nothing installed besides its shell, nor runs the program.
//
// THREADS  Pure; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "tools/mayfly/command_model.h"

namespace mayfly::cli {

inline constexpr std::array<std::string_view, 3> kShells = {"bash", "zsh", "fish"};

// For bash 4 and newer, with or without the package bash-completion.
std::string bash_completion(const ProgramModel& program);

// For a folder of $fpath, as _mayfly, or to be sourced behind compinit.
std::string zsh_completion(const ProgramModel& program);

// For fish 3 and newer.
std::string fish_completion(const ProgramModel& program);

// By the shell's name, which is one of kShells.
std::string completion_of(const ProgramModel& program, std::string_view shell);

}  // namespace mayfly::cli
