#include "mayfly/config/diagnostic.h"

#include <fmt/format.h>

#include <utility>

namespace mayfly {
namespace {

// As TOML writes them: a diagnostic is one line, and what it quotes may hold anything.
std::string without_control(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (code < 0x20 || code == 0x7F) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string format(const Diagnostic& diagnostic, std::string_view file) {
  std::string text(file);
  if (diagnostic.place.line != 0) {
    text += fmt::format(":{}:{}", diagnostic.place.line, diagnostic.place.column);
  }
  if (!text.empty()) text += ": ";
  text += without_control(diagnostic.message);
  if (!diagnostic.suggestion.empty()) {
    text += fmt::format(" (did you mean \"{}\"?)", without_control(diagnostic.suggestion));
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
