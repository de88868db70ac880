#include "tools/mayfly/command_model.h"

#include <algorithm>

namespace mayfly::cli {

std::string full_name(const CommandModel& command, char separator) {
  return joined(command.path, std::string_view(&separator, 1));
}

std::vector<const CommandModel*> all_commands(const CommandModel& command) {
  std::vector<const CommandModel*> all = {&command};
  for (const CommandModel& below : command.commands) {
    const std::vector<const CommandModel*> more = all_commands(below);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

const CommandModel* find_command(const CommandModel& command, std::span<const std::string> names) {
  if (names.empty()) return &command;
  const auto below = std::ranges::find_if(command.commands, [&names](const CommandModel& each) {
    return each.path.back() == names.front();
  });
  return below == command.commands.end() ? nullptr : find_command(*below, names.subspan(1));
}

std::string joined(std::span<const std::string> texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (&text != texts.data()) all += separator;
    all += text;
  }
  return all;
}

}  // namespace mayfly::cli
