#include "tools/mayfly/man_command.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "mayfly/base/nearest.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/man_page.h"

namespace mayfly::cli {
namespace {

// Why no command is called so, by the first name that isn't one.
std::string explain_unknown(const CommandModel& program, const std::vector<std::string>& names) {
  const CommandModel* parent = &program;
  for (const std::string& name : names) {
    const CommandModel* below = find_command(*parent, std::span(&name, 1));
    if (below != nullptr) {
      parent = below;
      continue;
    }
    if (parent->commands.empty()) {
      return fmt::format("{} has no commands, found \"{}\"; see \"mayfly man --help\"",
                         full_name(*parent, ' '), on_one_line(name));
    }
    std::vector<std::string_view> known;
    for (const CommandModel& each : parent->commands) known.push_back(each.path.back());
    const std::string_view near = nearest(name, known);
    return fmt::format(
        "expected a command of {}, found \"{}\"{}; \"{} --help\" lists what there is",
        full_name(*parent, ' '), on_one_line(name),
        near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near), full_name(*parent, ' '));
  }
  return {};
}

ExitStatus write_pages(const ProgramModel& program, const std::string& folder, Console& console) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    console.error(fmt::format("{}: can't make this folder: {}", folder, error.message()));
    return ExitStatus::kCannotCreate;
  }
  for (const CommandModel* command : all_commands(program.command)) {
    const std::string path = fmt::format("{}/{}.1", folder, full_name(*command, '-'));
    errno = 0;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    if (!file) {
      console.error(fmt::format("{}: can't make this file: {}", path, std::strerror(errno)));
      return ExitStatus::kCannotCreate;
    }
    if (!(file << man_page(program, *command)).flush()) {
      console.error(fmt::format("{}: can't write: {}", path, std::strerror(errno)));
      return ExitStatus::kIo;
    }
  }
  return ExitStatus::kSuccess;
}

}  // namespace

ExitStatus run_man(const ManOptions& options, Console& console) {
  const ProgramModel program = program_model();
  if (!options.folder.empty()) return write_pages(program, options.folder, console);
  const CommandModel* command = find_command(program.command, options.command);
  if (command == nullptr) {
    console.error(explain_unknown(program.command, options.command));
    return ExitStatus::kUsage;
  }
  console.print(man_page(program, *command));
  return ExitStatus::kSuccess;
}

}  // namespace mayfly::cli
