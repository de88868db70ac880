// A table of what each command has, as a case statement, and one function that walks the words
// before the cursor by it.
#include <fmt/format.h>

#include <map>

#include "tools/mayfly/completion.h"

namespace mayfly::cli {
namespace {

constexpr char kHead[] = R"(# bash completion of {0}, made by `{0} completion bash`.

# What the command $1 has: commands, flags, options (they take a value) and arguments, the last of
# which is repeated if repeats is set. How a value is completed is in arguments and, for that of the
# option $2, in value: by words, <file>, <folder>, or by nothing.
_{0}_describe() {{
  commands='' flags='' options='' arguments=() repeats='' value=''
  case $1 in
)";

// Words arrive split at "=", unless COMP_WORDBREAKS lacks it.
constexpr char kWalk[] = R"(  esac
}}

_{0}() {{
  local commands flags options value repeats
  local -a arguments
  local IFS=$' \t\n'
  local command={0} option='' ended='' prefix='' taken=0 i word found=''
  local current=${{COMP_WORDS[COMP_CWORD]}}
  COMPREPLY=()
  _{0}_describe "$command"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if [[ $word == '=' && -z $ended ]]; then
      option=${{COMP_WORDS[i - 1]}}
    elif [[ -n $option ]]; then
      option=''
    elif [[ -n $ended ]]; then
      taken=$((taken + 1))
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ " $options " == *" $word "* ]]; then
      option=$word
    elif [[ $word == -?* ]]; then
      :
    elif [[ " $commands " == *" $word "* ]]; then
      command+=" $word"
      _{0}_describe "$command"
    else
      taken=$((taken + 1))
    fi
  done
  if [[ $current == '=' && -z $ended ]]; then
    option=${{COMP_WORDS[COMP_CWORD - 1]}} current=''
  elif [[ $current == --*=* && -z $option && -z $ended ]]; then
    option=${{current%%=*}} prefix=${{current%%=*}}= current=${{current#*=}}
  fi

  if [[ -n $option ]]; then
    _{0}_describe "$command" "$option"
  elif [[ $current == -* && -z $ended ]]; then
    value="$flags $options"
  elif [[ -n $commands ]]; then
    ((taken)) || value=$commands
  elif ((taken < ${{#arguments[@]}})); then
    value=${{arguments[taken]}}
  elif [[ -n $repeats ]]; then
    value=${{arguments[${{#arguments[@]}} - 1]}}
  fi

  case $value in
    '') return ;;
    '<file>') found=$(compgen -f -- "$current") ;;
    '<folder>') found=$(compgen -d -- "$current") ;;
    *) found=$(compgen -W "$value" -- "$current") ;;
  esac
  # Quotes what shells read otherwise, and adds no blank to a folder. Bash 3 lacks it.
  [[ $value == '<'* ]] && compopt -o filenames 2>/dev/null
  while IFS= read -r word; do
    [[ -n $word ]] && COMPREPLY+=("$prefix$word")
  done <<<"$found"
}}

complete -F _{0} {0}
)";

std::string spec_of(const ValueModel& value) {
  switch (value.kind) {
    case ValueKind::kFile:
      return "<file>";
    case ValueKind::kFolder:
      return "<folder>";
    case ValueKind::kWord:
      return joined(value.words, " ");
    case ValueKind::kNone:
    case ValueKind::kText:
      break;
  }
  return {};
}

std::string describe(const CommandModel& command) {
  std::vector<std::string> commands, flags, options, arguments;
  std::map<std::string, std::vector<std::string>> options_of;  // by how they are completed
  for (const CommandModel& below : command.commands) commands.push_back(below.path.back());
  for (const OptionModel& option : command.options) {
    const bool is_flag = option.value.kind == ValueKind::kNone;
    std::vector<std::string>& names = is_flag ? flags : options;
    names.insert(names.end(), option.names.begin(), option.names.end());
    const std::string spec = spec_of(option.value);
    if (spec.empty()) continue;
    std::vector<std::string>& alike = options_of[spec];
    alike.insert(alike.end(), option.names.begin(), option.names.end());
  }
  for (const ArgumentModel& argument : command.arguments) {
    arguments.push_back(fmt::format("'{}'", spec_of(argument.value)));
  }
  std::string text = fmt::format("    '{}')\n", full_name(command, ' '));
  if (!commands.empty()) text += fmt::format("      commands='{}'\n", joined(commands, " "));
  text += fmt::format("      flags='{}'\n", joined(flags, " "));
  text += fmt::format("      options='{}'\n", joined(options, " "));
  if (!arguments.empty()) {
    text += fmt::format("      arguments=({})\n", joined(arguments, " "));
    if (command.arguments.back().repeatable) text += "      repeats=1\n";
  }
  if (!options_of.empty()) {
    text += "      case ${2-} in\n";
    for (const auto& [spec, names] : options_of) {
      text += fmt::format("        {}) value='{}' ;;\n", joined(names, " | "), spec);
    }
    text += "      esac\n";
  }
  return text + "      ;;\n";
}

}  // namespace

std::string bash_completion(const ProgramModel& program) {
  const std::string& name = program.command.path.front();
  std::string text = fmt::format(kHead, name);
  for (const CommandModel* command : all_commands(program.command)) text += describe(*command);
  return text + fmt::format(kWalk, name);
}

}  // namespace mayfly::cli
