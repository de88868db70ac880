#include "tools/mayfly/completion.h"

namespace mayfly::cli {

std::string completion_of(const ProgramModel& program, std::string_view shell) {
  if (shell == "zsh") return zsh_completion(program);
  if (shell == "fish") return fish_completion(program);
  return bash_completion(program);
}

}  // namespace mayfly::cli
