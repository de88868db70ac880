// All that the program takes is told: by --help, by the man pages and by the completions.
#include <doctest/doctest.h>

#include <set>

#include "tools/mayfly/command_line.h"
#include "tools/mayfly/completion.h"
#include "tools/mayfly/man_page.h"

using namespace mayfly::cli;

namespace {

// What `mayfly plugins show --help` says.
std::string help_of(const CommandModel& command) {
  std::vector<const char*> arguments;
  for (const std::string& name : command.path) arguments.push_back(name.c_str());
  arguments.push_back("--help");
  const auto line = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  REQUIRE(std::holds_alternative<Reply>(line));
  const Reply& reply = std::get<Reply>(line);
  CHECK(reply.status == ExitStatus::kSuccess);
  CHECK(reply.err.empty());
  return reply.out;
}

// From `begin` to the next `end`; fails the test when either isn't there.
std::string part_of(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t at = text.find(begin);
  REQUIRE_MESSAGE(at != std::string::npos, begin << " in\n" << text);
  const std::size_t until = text.find(end, at);
  REQUIRE_MESSAGE(until != std::string::npos, end << " behind " << begin);
  return text.substr(at, until - at);
}

// The lines that have `part`.
std::string lines_with(const std::string& text, const std::string& part) {
  std::string lines;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    const std::size_t begin = text.rfind('\n', at) + 1;
    lines += text.substr(begin, text.find('\n', at) + 1 - begin);
  }
  return lines;
}

// As a word: --pk isn't in --pk-of.
bool has_word(const std::string& text, const std::string& word) {
  const auto is_part = [](char c) {
    return c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) {
      return true;
    }
  }
  return false;
}

void check_word(const std::string& text, const std::string& word, const std::string& where) {
  CHECK_MESSAGE(has_word(text, word), word << " in " << where);
}

// As roff has it.
std::string with_escaped_dashes(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '-' ? "\\-" : std::string(1, c);
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + with_escaped_dashes(text) + "\\fR"; }

}  // namespace

TEST_CASE("help: every command says what it does, and shows how in examples") {
  const ProgramModel program = program_model();
  for (const CommandModel* command : all_commands(program.command)) {
    const std::string name = full_name(*command, ' ');
    CAPTURE(name);
    CHECK(!command->summary.empty());
    CHECK(command->footer.starts_with("Examples:\n  mayfly"));
    // Each of them, of this command.
    const std::string examples = command->footer.substr(0, command->footer.find("\n\n"));
    CHECK(examples.find(name) != std::string::npos);
    CHECK(help_of(*command).find(examples) != std::string::npos);
  }
}

TEST_CASE("help: every option and argument has words of its own") {
  const ProgramModel program = program_model();
  for (const CommandModel* command : all_commands(program.command)) {
    CAPTURE(full_name(*command, ' '));
    const std::string help = help_of(*command);
    for (const OptionModel& option : command->options) {
      CAPTURE(option.names.back());
      CHECK(option.help.size() > 5);
      CHECK(!option.group.empty());
      CHECK(help.find(option.help) != std::string::npos);
      for (const std::string& name : option.names) check_word(help, name, "help");
      for (const std::string& word : option.value.words) check_word(help, word, "help");
      CHECK(help.find("[" + option.default_value) != std::string::npos);
    }
    for (const ArgumentModel& argument : command->arguments) {
      CAPTURE(argument.value.name);
      CHECK(argument.help.size() > 5);
      CHECK(help.find(argument.help) != std::string::npos);
      check_word(help, argument.value.name, "help");
    }
    for (const CommandModel& below : command->commands) {
      check_word(help, below.path.back(), "help");
      CHECK(help.find(below.summary) != std::string::npos);
    }
  }
}

// Some say what one call is to do; a variable that is left over would do it again.
bool is_of_one_call(const std::string& name) {
  return name == "--from" || name == "--abandon" || name == "--all";
}

TEST_CASE("help: every option but those of one call has a variable that is called as it is") {
  const ProgramModel program = program_model();
  for (const CommandModel* command : all_commands(program.command)) {
    for (const OptionModel& option : command->options) {
      const std::string& name = option.names.back();
      CAPTURE(name);
      if (name == "--help" || name == "--version") continue;
      if (is_of_one_call(name)) {
        CHECK(option.variable.empty());
        continue;
      }
      std::string variable = "MAYFLY_";
      for (const char c : name.substr(2)) {
        variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      }
      CHECK(option.variable == variable);
    }
  }
}

TEST_CASE("help: every command has the options of all commands") {
  const ProgramModel program = program_model();
  for (const CommandModel* command : all_commands(program.command)) {
    std::set<std::string> names;
    for (const OptionModel& option : command->options) names.insert(option.names.back());
    CAPTURE(full_name(*command, ' '));
    for (const std::string name : {"--help", "--output", "--verbose", "--quiet", "--log-format",
                                   "--color", "--plugin-dir"}) {
      CHECK_MESSAGE(names.contains(name), name);
    }
  }
}

TEST_CASE("help: every exit status and variable is told by --help and on each man page") {
  const ProgramModel program = program_model();
  CHECK(program.exit_statuses.size() == 10);
  const std::string help = help_of(program.command);
  for (const NamedHelp& status : program.exit_statuses) {
    CHECK_MESSAGE(help.find("  " + status.name + "  " + status.help) != std::string::npos, help);
  }
  for (const NamedHelp& variable : program.variables) check_word(help, variable.name, "help");
  for (const CommandModel* command : all_commands(program.command)) {
    const std::string page = man_page(program, *command);
    for (const NamedHelp& status : program.exit_statuses) {
      CHECK(page.find(".TP\n" + status.name + "\n") != std::string::npos);
    }
    for (const NamedHelp& variable : program.variables) check_word(page, variable.name, "page");
    // Whoever reads a command's help finds them.
    check_word(help_of(*command), command == &program.command ? "Exit status" : "mayfly --help",
               "help");
  }
}

TEST_CASE("man pages: every command, option, word, default, variable and argument is on its page") {
  const ProgramModel program = program_model();
  for (const CommandModel* command : all_commands(program.command)) {
    const std::string page = man_page(program, *command);
    CAPTURE(full_name(*command, ' '));
    for (const OptionModel& option : command->options) {
      for (const std::string& name : option.names) {
        CHECK_MESSAGE(page.find(bold(name)) != std::string::npos, name);
      }
      for (const std::string& word : option.value.words) {
        CHECK_MESSAGE(page.find(bold(word)) != std::string::npos, word);
      }
      for (const std::string& other : option.excludes) {
        check_word(page, with_escaped_dashes(other), "page");
      }
      if (!option.default_value.empty()) {
        const std::string told = "Default: " + bold(option.default_value) + ".";
        CHECK_MESSAGE(page.find(told) != std::string::npos, told);
      }
      if (!option.variable.empty()) check_word(page, option.variable, "page");
    }
    for (const ArgumentModel& argument : command->arguments) {
      const std::string name = "\\fI" + argument.value.name + "\\fR";
      CHECK_MESSAGE(page.find(name) != std::string::npos, name);
    }
    for (const CommandModel& below : command->commands) {
      const std::string name = bold(full_name(below, '-')) + "(1)";
      CHECK_MESSAGE(page.find(name) != std::string::npos, name);
    }
  }
}

TEST_CASE(
    "completions: every command, option and word is completed where it belongs, in all shells") {
  const ProgramModel program = program_model();
  const std::string bash = bash_completion(program);
  const std::string zsh = zsh_completion(program);
  const std::string fish = fish_completion(program);
  for (const CommandModel* command : all_commands(program.command)) {
    const std::string name = full_name(*command, ' ');
    const std::string in_bash = part_of(bash, "    '" + name + "')\n", "\n      ;;\n");
    const std::string in_zsh = part_of(zsh, "\n_" + full_name(*command, '_') + "() {\n", "\n}\n");
    const std::string in_fish = lines_with(fish, "__mayfly_at \"" + name + "\"");
    for (const OptionModel& option : command->options) {
      for (const std::string& each : option.names) {
        check_word(in_bash, each, "bash");
        check_word(in_zsh, each, "zsh");
        const bool is_long = each.starts_with("--");
        check_word(in_fish, is_long ? "-l " + each.substr(2) : "-s " + each.substr(1), "fish");
      }
      for (const std::string& word : option.value.words) {
        for (const std::string& in : {in_bash, in_zsh, in_fish}) check_word(in, word, name);
      }
    }
    for (const ArgumentModel& argument : command->arguments) {
      for (const std::string& word : argument.value.words) {
        for (const std::string& in : {in_bash, in_zsh, in_fish}) check_word(in, word, name);
      }
    }
    for (const CommandModel& below : command->commands) {
      for (const std::string& in : {in_bash, in_zsh, in_fish}) {
        check_word(in, below.path.back(), name);
      }
    }
  }
}

TEST_CASE(
    "command model: it has what the parser takes: kinds of values, groups, what excludes what") {
  const ProgramModel program = program_model();
  const std::vector<std::string> ingest_name = {"ingest"};
  const CommandModel* ingest = find_command(program.command, ingest_name);
  REQUIRE(ingest != nullptr);
  const auto option = [ingest](const std::string& name) {
    for (const OptionModel& each : ingest->options) {
      if (each.names.back() == name) return each;
    }
    FAIL(name);
    return OptionModel{};
  };

  CHECK(option("--into").value.kind == ValueKind::kFile);
  CHECK(option("--into").required);
  CHECK(option("--into").group == "Table");
  CHECK(option("--schema").value.kind == ValueKind::kFile);
  CHECK(option("--plugin-dir").value.kind == ValueKind::kFolder);
  CHECK(option("--plugin-dir").repeatable);
  CHECK(option("--pk").value.kind == ValueKind::kText);
  CHECK(option("--pk").repeatable);
  CHECK(option("--upsert").value.kind == ValueKind::kNone);
  CHECK(option("--upsert").excludes == std::vector<std::string>{"--ignore", "--replace"});
  CHECK(!option("--upsert").repeatable);
  CHECK(option("--verbose").names == std::vector<std::string>{"-v", "--verbose"});
  CHECK(option("--verbose").repeatable);
  CHECK(option("--format").value.words ==
        std::vector<std::string>{"auto", "csv", "tsv", "ndjson", "json"});
  CHECK(option("--format").default_value == "auto");
  CHECK(option("--batch-rows").default_value == "1024");
  CHECK(option("--batch-rows").variable == "MAYFLY_BATCH_ROWS");
  REQUIRE(ingest->arguments.size() == 1);
  CHECK(ingest->arguments[0].value.kind == ValueKind::kFile);
  CHECK(ingest->arguments[0].repeatable);
  CHECK(ingest->arguments[0].required);
  CHECK(program.command.requires_command);
}
