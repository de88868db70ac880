// Whether a file is what dlopen may be given: told from its bytes, so that nothing of it runs
// first.
#pragma once

#include <string>

#include "mayfly/base/status.h"

namespace mayfly {

// A regular file that is a shared library for this machine, whole as far as it is mapped, and that
// itself defines the function MAYFLY_PLUGIN_ENTRY. Touching a page past the file's end would be a
// SIGBUS, calling data a SIGSEGV. The message says what was found and what to do.
Status check_elf(const std::string& path);

}  // namespace mayfly
