#include "tools/mayfly/help_formatter.h"

#include <fmt/format.h>

#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/help_texts.h"

namespace mayfly::cli {
namespace {

std::string facts_of_program() {
  std::string text = "\nEnvironment:\n";
  for (const auto& [name, help] : kVariables) text += fmt::format("  {:<18}  {}\n", name, help);
  text += "\nExit status:\n";
  for (const auto& [status, meaning] : exit_status_meanings()) {
    text += fmt::format("  {:2}  {}\n", static_cast<int>(status), meaning);
  }
  return text;
}

// CLI11 has made paragraphs of them since 2.5.
template <class Formatter>
void show_footers_as_they_are(Formatter& formatter) {
  if constexpr (requires { formatter.enable_footer_formatting(false); }) {
    formatter.enable_footer_formatting(false);
  }
}

}  // namespace

HelpFormatter::HelpFormatter() {
  column_width(28);
  show_footers_as_they_are(*this);
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  std::string text;
  if (!option->get_type_name().empty()) text += " " + option->get_type_name();
  if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
  if (option->get_required() && !option->get_positional()) text += " (required)";
  return text;
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  std::string text = "\n" + app->get_footer() + "\n";
  text += app->get_parent() == nullptr
              ? facts_of_program()
              : "\nExit statuses and environment: mayfly --help. As man pages: mayfly man.\n";
  return text;
}

}  // namespace mayfly::cli
