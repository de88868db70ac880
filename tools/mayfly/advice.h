// What to do next, in a message. One call each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tools/mayfly/console.h"
#include "tools/mayfly/global_options.h"

namespace mayfly::cli {

// How many rows were rejected, the latest reasons, and the command that shows them all.
void advise_dead_letters(const std::string& database, std::uint64_t rejected, Console& console);

// What a run that stopped leaves: "2 rows of the input are in shop.db for good". `rejected` of them
// are dead letters. `synced` is false when it was the database's disk that failed, so that nothing
// is known to be for good.
std::string rows_kept_text(std::uint64_t rows, std::uint64_t rejected, const std::string& database,
                           bool synced);

// The engine names options as a pipeline file does; here they have the same names with dashes:
// `on_error = "dead_letter"` becomes `--on-error dead-letter`, and "file_2: a.csv: ..." of one of
// `files` begins with that. All other text stays as it is.
std::string in_command_line_words(std::string_view message,
                                  std::span<const std::string> files = {});

// What is said of an option ("--delimiter: expected ...") that the environment gave ends with the
// variable.
std::string with_variable(std::string text, const GlobalOptions& global);

// As a shell reads it back.
std::string shell_quoted(std::string_view text);

}  // namespace mayfly::cli
