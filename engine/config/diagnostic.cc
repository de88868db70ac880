#include "mayfly/config/diagnostic.h"

#include <fmt/format.h>

#include <utility>

namespace mayfly {

std::string format(const Diagnostic& diagnostic, std::string_view file) {
  std::string text(file);
  if (diagnostic.place.line != 0) {
    text += fmt::format(":{}:{}", diagnostic.place.line, diagnostic.place.column);
  }
  if (!text.empty()) text += ": ";
  text += diagnostic.message;
  if (!diagnostic.suggestion.empty()) {
    text += fmt::format(" (did you mean \"{}\"?)", diagnostic.suggestion);
  }
  return text;
}

Status to_status(std::span<const Diagnostic> diagnostics, std::string_view file) {
  if (diagnostics.empty()) return {};
  std::string message;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!message.empty()) message += '\n';
    message += format(diagnostic, file);
  }
  return {Code::kConfig, std::move(message)};
}

}  // namespace mayfly
