// The options of `mayfly dlq`'s commands.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/mayfly/dlq_options.h"

namespace mayfly::cli {

// Which letters are meant: by what is known of them, and by their numbers.
void add_letter_filter(CLI::App& app, LetterFilter& filter);
void add_letter_ids(CLI::App& app, LetterFilter& filter);
// How letters are read and their rows written.
void add_replay_options(CLI::App& app, DlqOptions& dlq);

}  // namespace mayfly::cli
