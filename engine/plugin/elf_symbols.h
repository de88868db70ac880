// The dynamic symbols of a shared library, read from the file, without loading it. 64-bit ELF.
#pragma once

#include <string>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly {

// The dynamic symbols of a shared library.
struct ElfSymbols {
  std::vector<std::string> exported;  // defined here, global or weak
  std::vector<std::string> data;      // of those, the ones that aren't functions
  std::vector<std::string> weak;      // of those, the ones that may be elsewhere as well
  std::vector<std::string> imported;  // to be found elsewhere
};

Result<ElfSymbols> read_elf_symbols(const std::string& path);

}  // namespace mayfly
