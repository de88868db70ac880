// One function a command, which hands its words to _arguments.
#include <fmt/format.h>

#include "tools/mayfly/completion.h"

namespace mayfly::cli {
namespace {

// Within '...' and within what _arguments and _describe take apart.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == '\\' || c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

// ":DB:_files"
std::string spec_of(const ValueModel& value) {
  // Words are shown by themselves.
  const bool are_words = value.kind == ValueKind::kWord;
  const std::string name = are_words ? "value" : escaped(value.name);
  switch (value.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kText:
      return fmt::format(":{}: ", name);
    case ValueKind::kWord:
      return fmt::format(":{}:({})", name, escaped(joined(value.words, " ")));
    case ValueKind::kFile:
      return fmt::format(":{}:_files", name);
    case ValueKind::kFolder:
      return fmt::format(":{}:_files -/", name);
  }
  return {};
}

std::string specs_of(const OptionModel& option) {
  std::vector<std::string> others = option.names;
  others.insert(others.end(), option.excludes.begin(), option.excludes.end());
  std::string text;
  for (const std::string& name : option.names) {
    // What may come once isn't offered a second time, nor what can't stand beside it.
    std::string spec = option.repeatable ? "*" : fmt::format("({})", joined(others, " "));
    spec += name;
    if (option.value.kind != ValueKind::kNone && name.starts_with("--")) spec += "=";
    text += fmt::format("    '{}[{}]{}' \\\n", spec, escaped(option.help), spec_of(option.value));
  }
  return text;
}

std::string spec_of(const ArgumentModel& argument) {
  const char* many = argument.repeatable ? "*" : argument.required ? "" : ":";
  return fmt::format("    '{}{}' \\\n", many, spec_of(argument.value));
}

std::string function_of(const CommandModel& command) { return "_" + full_name(command, '_'); }

// The words of the command below it become those of its function.
std::string choose(const CommandModel& command) {
  const std::string name = function_of(command);
  std::string text = fmt::format(R"(    ': :{0}_commands' \
    '*::: :->command' && ret=0
  [[ $state == command ]] || return ret
  words=($line[1] "${{words[@]}}")
  ((CURRENT += 1))
  curcontext="${{curcontext%:*:*}}:{1}-$line[1]:"
  case $line[1] in
)",
                                 name, full_name(command, '-'));
  for (const CommandModel& below : command.commands) {
    text += fmt::format("    {}) {} && ret=0 ;;\n", below.path.back(), function_of(below));
  }
  text +=
      fmt::format("  esac\n  return ret\n}}\n\n{}_commands() {{\n  local -a commands=(\n", name);
  for (const CommandModel& below : command.commands) {
    text += fmt::format("    '{}:{}'\n", below.path.back(), escaped(below.summary));
  }
  return text + "  )\n  _describe -t commands command commands \"$@\"\n}\n\n";
}

std::string define(const CommandModel& command) {
  std::string text = fmt::format("{}() {{\n", function_of(command));
  if (!command.commands.empty()) {
    text += "  local curcontext=$curcontext state line ret=1\n  local -A opt_args\n";
  }
  // -S knows that options end at --, and takes that away from the words of the command below.
  text += command.commands.empty() ? "  _arguments -s -S \\\n" : "  _arguments -C -s \\\n";
  for (const OptionModel& option : command.options) text += specs_of(option);
  if (!command.commands.empty()) return text + choose(command);
  for (const ArgumentModel& argument : command.arguments) text += spec_of(argument);
  return text + "    && return\n}\n\n";
}

}  // namespace

std::string zsh_completion(const ProgramModel& program) {
  const std::string& name = program.command.path.front();
  std::string text =
      fmt::format("#compdef {0}\n# zsh completion of {0}, made by `{0} completion zsh`.\n\n", name);
  for (const CommandModel* command : all_commands(program.command)) text += define(*command);
  // A file of $fpath is the function's body the first time.
  return text + fmt::format(
                    "if [[ $funcstack[1] == _{0} ]]; then\n  _{0} \"$@\"\nelse\n"
                    "  compdef _{0} {0}\nfi\n",
                    name);
}

}  // namespace mayfly::cli
