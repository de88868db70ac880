// One `complete` a name, under the condition that the words before the cursor are of its command.
#include <fmt/format.h>

#include "tools/mayfly/completion.h"

namespace mayfly::cli {
namespace {

constexpr char kHead[] = R"(# fish completion of {0}, made by `{0} completion fish`.

# Whether the cursor is behind the command $argv[1], with $argv[2] to $argv[3] arguments given.
function __{0}_at
    set -l command {0}
    set -l taken 0
    set -l awaits_value 0
    set -l ended 0
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if test $awaits_value = 1
            set awaits_value 0
        else if test $ended = 1
            set taken (math $taken + 1)
        else if test "$word" = --
            set ended 1
        else
            switch "$command $word"
)";

constexpr char kTail[] = R"(                case '*'
                    # A - alone is standard input.
                    string match -q -- '-*' "$word"
                    and test "$word" != -
                    or set taken (math $taken + 1)
            end
        end
    end
    test "$command" = "$argv[1]"
    and begin
        not set -q argv[2]
        or test $taken -ge $argv[2] -a $taken -le $argv[3]
    end
end

complete -c {0} -f
)";

constexpr int kAnyNumber = 9999;

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string names_of(const OptionModel& option) {
  std::string text;
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return text;
}

// Behind -r, since nothing but an option requires one.
std::string value_of(const ValueModel& value) {
  switch (value.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kText:
      return " -f";
    case ValueKind::kWord:
      return " -f -a " + quoted(joined(value.words, " "));
    case ValueKind::kFile:
      return " -F";
    case ValueKind::kFolder:
      return " -f -a '(__fish_complete_directories (commandline -ct))'";
  }
  return {};
}

std::string branch(const std::string& cases, std::string_view statement) {
  if (cases.empty()) return {};
  return fmt::format("                case{}\n                    {}\n", cases, statement);
}

std::string describe(const CommandModel& command) {
  const std::string& program = command.path.front();
  const std::string name = full_name(command, ' ');
  const std::string begin = fmt::format("complete -c {0} -n '__{0}_at \"{1}\"", program, name);
  std::string text = "\n";
  for (const CommandModel& below : command.commands) {
    text += fmt::format("{} 0 0' -a {} -d {}\n", begin, below.path.back(), quoted(below.summary));
  }
  for (const OptionModel& option : command.options) {
    const char* required = option.value.kind == ValueKind::kNone ? "" : " -r";
    text += fmt::format("{}'{}{}{} -d {}\n", begin, names_of(option), required,
                        value_of(option.value), quoted(option.help));
  }
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const ArgumentModel& argument = command.arguments[i];
    if (argument.value.kind == ValueKind::kText) continue;
    text += fmt::format("{} {} {}'{}\n", begin, i,
                        argument.repeatable ? kAnyNumber : static_cast<int>(i),
                        value_of(argument.value));
  }
  return text;
}

}  // namespace

std::string fish_completion(const ProgramModel& program) {
  const std::string& name = program.command.path.front();
  const std::vector<const CommandModel*> commands = all_commands(program.command);
  std::string text = fmt::format(kHead, name);
  std::string valued, below;
  for (const CommandModel* command : commands) {
    if (command != &program.command) below += " " + quoted(full_name(*command, ' '));
    for (const OptionModel& option : command->options) {
      if (option.value.kind == ValueKind::kNone) continue;
      for (const std::string& each : option.names) {
        valued += " " + quoted(full_name(*command, ' ') + " " + each);
      }
    }
  }
  text += branch(below, "set command \"$command $word\"");
  text += branch(valued, "set awaits_value 1");
  text += fmt::format(kTail, name);
  for (const CommandModel* command : commands) text += describe(*command);
  return text;
}

}  // namespace mayfly::cli
