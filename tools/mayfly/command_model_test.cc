#include "tools/mayfly/command_model.h"

#include <doctest/doctest.h>

#include "tools/mayfly/sample_program.h"

using namespace mayfly::cli;

TEST_CASE("command model: a command's name has its parents in it, with blanks or with dashes") {
  const ProgramModel program = sample_program();
  const std::vector<std::string> names = {"key", "show"};
  const CommandModel* show = find_command(program.command, names);

  REQUIRE(show != nullptr);
  CHECK(full_name(*show, ' ') == "tool key show");
  CHECK(full_name(*show, '-') == "tool-key-show");
  CHECK(full_name(program.command, ' ') == "tool");
}

TEST_CASE("command model: a command is found by its names, the program by none, a wrong one not") {
  const ProgramModel program = sample_program();
  const auto find = [&program](const std::vector<std::string>& names) {
    return find_command(program.command, names);
  };

  CHECK(find({}) == &program.command);
  CHECK(find({"load"}) == &program.command.commands[0]);
  CHECK(find({"show"}) == nullptr);
  CHECK(find({"key", "load"}) == nullptr);
  CHECK(find({"load", "more"}) == nullptr);
}

TEST_CASE("command model: all commands are the program's own and those below, parents first") {
  const ProgramModel program = sample_program();
  std::vector<std::string> names;
  for (const CommandModel* command : all_commands(program.command)) {
    names.push_back(full_name(*command, ' '));
  }

  CHECK(names == std::vector<std::string>{"tool", "tool load", "tool key", "tool key show"});
}

TEST_CASE("command model: texts are joined by what stands between them alone") {
  CHECK(joined(std::vector<std::string>{"a", "b"}, ", ") == "a, b");
  CHECK(joined(std::vector<std::string>{"", ""}, "-") == "-");
  CHECK(joined(std::vector<std::string>{}, ", ").empty());
}
