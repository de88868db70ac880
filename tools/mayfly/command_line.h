// The command line: arguments and environment into options. The only user of CLI11.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "tools/mayfly/command_model.h"
#include "tools/mayfly/dlq_options.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/global_options.h"
#include "tools/mayfly/ingest_options.h"

namespace mayfly::cli {

struct RunOptions {
  std::string file;
};
struct ValidateOptions {
  std::vector<std::string> files;
};
struct PictureOptions {
  std::string file;
  std::string as = "dot";
};
struct PluginsOptions {
  enum class Action { kList, kShow, kCheck, kSchema };
  Action action = Action::kList;
  std::vector<std::string> names;     // kShow: or paths; kCheck: files
  std::vector<std::string> settings;  // kCheck: option=value
};

struct SignalsOptions {
  std::string database;
  std::string pattern = "*";
  std::string since;         // a duration or a time; empty: always
  std::size_t limit = 1000;  // the newest; 0: all
};
struct StatsOptions {
  std::string database;
  std::string writer;  // empty: all
};
// `mayfly completion`
struct CompletionOptions {
  std::string shell;  // one of kShells
};
// `mayfly man`
struct ManOptions {
  std::vector<std::string> command;  // plugins, show; empty: the program
  std::string folder;                // where the pages of all commands go; empty: nowhere
};

using Command =
    std::variant<IngestOptions, RunOptions, ValidateOptions, PictureOptions, PluginsOptions,
                 SignalsOptions, StatsOptions, DlqOptions, CompletionOptions, ManOptions>;

struct ParsedLine {
  GlobalOptions global;
  Command command;
};

// What is to be said in place of running a command.
struct Reply {
  ExitStatus status = ExitStatus::kSuccess;
  std::string out;  // --help, --version
  std::string err;  // a mistake
};

std::variant<ParsedLine, Reply> parse_command_line(int argc, const char* const* argv);

// What parse_command_line() takes. Any thread, as parse_command_line() too.
ProgramModel program_model();

}  // namespace mayfly::cli
