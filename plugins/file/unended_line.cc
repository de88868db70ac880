#include "mayfly/file/unended_line.h"

namespace mayfly::file {

std::optional<std::size_t> UnendedLine::newline(std::span<const char> behind) const {
  if (behind.empty()) return 0;
  if (behind[0] == newline_) return 1;
  if (newline_ != '\n') return std::nullopt;
  // A CR at the end ends a line, and is half of what whoever writes the file ends it with.
  if (behind[0] != '\r' || last_ == '\r') return std::nullopt;
  if (behind.size() == 1) return 1;
  if (behind[1] == '\n') return 2;
  return std::nullopt;
}

}  // namespace mayfly::file
