#include "tools/mayfly/completion_command.h"

#include "tools/mayfly/completion.h"

namespace mayfly::cli {

ExitStatus run_completion(const CompletionOptions& options, Console& console) {
  console.print(completion_of(program_model(), options.shell));
  return ExitStatus::kSuccess;
}

}  // namespace mayfly::cli
