// What is wrong with a command line, said to whoever wrote it: CLI11 knows neither the nearest name
// nor which variable of the environment is to blame.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <span>
#include <string>

namespace mayfly::cli {

// "--table=" with nothing behind it, as scripts with an empty variable write it: CLI11 would take
// the next argument for the value, whatever that is. The message, or nothing.
std::string find_empty_value(std::span<const char* const> arguments);

// The line wins over the environment, also where an option is one of the program and of a command,
// and each of the two would ask the environment for itself; and what the environment has for other
// commands is neither asked for nor refused. Before `app` parses.
void forget_unneeded_variables(CLI::App& app, std::span<const char* const> arguments);

// Some versions of CLI11 pass over a variable whose value an option refuses (2.6): throws the
// ValidationError that others throw. When `app` has parsed.
void refuse_variables_passed_over(CLI::App& app);

// The options, of all commands, that the environment gave, each with its variable. When `app` has
// parsed.
std::map<std::string, std::string> variables_taken(CLI::App& app);

// `mayfly ingest: --no-haeder is unknown (did you mean "--no-header"?)`, of what `app` said when it
// parsed.
std::string explain(const CLI::App& app, const CLI::ParseError& error);

}  // namespace mayfly::cli
