#include "tools/mayfly/argument_mistakes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "mayfly/base/nearest.h"

namespace mayfly::cli {
namespace {

void collect_names(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
}

bool is_named(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return false;
  const std::size_t end = at + name.size();
  const char next = end < text.size() ? text[end] : ' ';
  return next != '-' && std::isalnum(static_cast<unsigned char>(next)) == 0;
}

bool is_typed(const CLI::Option& option, std::span<const char* const> arguments) {
  return std::ranges::any_of(arguments, [&option](std::string_view argument) {
    const std::string_view name = argument.substr(0, argument.find('='));
    if (name.starts_with("--")) return option.check_lname(std::string(name.substr(2)));
    return name.starts_with("-") && std::ranges::any_of(name.substr(1), [&option](char letter) {
             return option.check_sname(std::string(1, letter));
           });
  });
}

// The variable that gave an option the value that `text` is about; empty: the command line did.
std::string variable_to_blame(const CLI::App& app, std::string_view text) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    const char* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    if (is_named(text, "--" + option->get_lnames().front())) return variable;
  }
  return {};
}

// What CLI11 says of a value that is no number, and no more than that; all that it converts are.
std::string in_our_words(std::string text) {
  constexpr std::string_view kBegins = "Could not convert: ";
  const std::size_t equals = text.find(" = ");
  if (!text.starts_with(kBegins) || equals == std::string::npos) return text;
  return fmt::format("{}: expected a number, found \"{}\"",
                     text.substr(kBegins.size(), equals - kBegins.size()), text.substr(equals + 3));
}

void forget_all_variables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) option->envname("");
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    forget_all_variables(*sub);
  }
}

}  // namespace

std::string find_empty_value(std::span<const char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--") || argument.find('=') != argument.size() - 1) continue;
    return fmt::format("mayfly: {}: expected a value behind it, found none\n", argument);
  }
  return {};
}

void forget_unneeded_variables(CLI::App& app, std::span<const char* const> arguments) {
  for (CLI::Option* option : app.get_options()) {
    if (is_typed(*option, arguments)) option->envname("");
  }
  // Of commands that aren't meant, no variable is of concern.
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    const bool is_named = std::ranges::find(arguments, sub->get_name()) != arguments.end();
    if (is_named) {
      forget_unneeded_variables(*sub, arguments);
    } else {
      forget_all_variables(*sub);
    }
  }
}

void refuse_variables_passed_over(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    const char* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0' || option->count() > 0) continue;
    std::string why = "expected another value, found ";
    why += value;
    try {
      for (int i = 0;; ++i) {
        std::string copy = value;
        if (std::string said = (*option->get_validator(i))(copy); !said.empty()) {
          why = std::move(said);
          break;
        }
      }
    } catch (const CLI::OptionNotFound&) {  // there is no other
    }
    throw CLI::ValidationError("--" + option->get_lnames().front(), why);
  }
  for (CLI::App* sub : app.get_subcommands()) refuse_variables_passed_over(*sub);
}

std::map<std::string, std::string> variables_taken(CLI::App& app) {
  std::map<std::string, std::string> taken;
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    if (variable.empty() || std::getenv(variable.c_str()) == nullptr || option->count() == 0) {
      continue;
    }
    taken.emplace("--" + option->get_lnames().front(), variable);
  }
  for (CLI::App* sub : app.get_subcommands()) taken.merge(variables_taken(*sub));
  return taken;
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string path = "mayfly";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  std::string text = in_our_words(error.what());
  if (const std::string variable = variable_to_blame(*at, text); !variable.empty()) {
    text += fmt::format(" (from the environment variable {})", variable);
  }
  // Before what CLI11 says: a command that is misspelt isn't a missing one.
  if (!at->remaining(true).empty()) {
    std::vector<std::string> names;
    collect_names(*at, names);
    const std::vector<std::string_view> views(names.begin(), names.end());
    text.clear();
    for (const std::string& extra : at->remaining(true)) {
      const std::string_view name = std::string_view(extra).substr(0, extra.find('='));
      const std::string_view near = nearest(name, views);
      text += fmt::format("{}\"{}\" is not known here", text.empty() ? "" : "; ", name);
      if (!near.empty()) text += fmt::format(" (did you mean \"{}\"?)", near);
    }
  }
  return fmt::format("mayfly: error: {}\nmayfly: try: {} --help\n", text, path);
}

}  // namespace mayfly::cli
