// ProgramModel: what the program and each of its commands take, as plain data. Completions
// (completion.h) and man pages (man_page.h) are made of it; command_line.h has the program's own.
//
// OWNERSHIP  A model owns all of its text; pointers to commands are into the model that was asked.
// THREADS    Functions are pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::cli {

// By what a shell completes a value.
enum class ValueKind {
  kNone,    // there is none: a flag
  kText,    // anything, so by nothing
  kWord,    // one of a few words
  kFile,    // a path
  kFolder,  // a path of a folder
};

// What stands behind an option's name, or is an argument.
struct ValueModel {
  ValueKind kind = ValueKind::kNone;
  std::string name;                // as help shows it: DB, csv|tsv, COL=TYPE,...
  std::vector<std::string> words;  // of kWord
};

// An option of a command, or a flag.
struct OptionModel {
  std::vector<std::string> names;  // as they are typed: -v, --verbose
  std::string help;
  std::string group;  // the heading that it stands under
  ValueModel value;
  std::string default_value;          // empty: none, or help has it
  std::string variable;               // of the environment; empty: none
  std::vector<std::string> excludes;  // options that it can't stand together with: --ignore
  bool required = false;
  bool repeatable = false;
};

// What is given by its place.
struct ArgumentModel {
  ValueModel value;
  std::string help;
  bool required = false;
  bool repeatable = false;
};

// A command, or the program itself, with its commands below it.
struct CommandModel {
  std::vector<std::string> path;  // mayfly, plugins, show
  std::string summary;
  std::string footer;  // "Examples:" with a line for each behind it; paragraphs
  std::vector<OptionModel> options;
  std::vector<ArgumentModel> arguments;
  std::vector<CommandModel> commands;
  bool requires_command = false;  // does nothing by itself
};

// A name and what it means.
struct NamedHelp {
  std::string name;
  std::string help;
};

// The program with what is the same for all of its commands.
struct ProgramModel {
  CommandModel command;
  std::string version;
  std::vector<NamedHelp> variables;  // of the environment, besides those of options
  std::vector<NamedHelp> exit_statuses;
};

// "mayfly plugins show" by ' ', "mayfly-plugins-show" by '-'.
std::string full_name(const CommandModel& command, char separator);

// It and all below it, each before what is below it.
std::vector<const CommandModel*> all_commands(const CommandModel& command);

// The command below `command` that `names` lead to: plugins, show. Null: there is none.
const CommandModel* find_command(const CommandModel& command, std::span<const std::string> names);

// Texts with `separator` between them.
std::string joined(std::span<const std::string> texts, std::string_view separator);

}  // namespace mayfly::cli
