// The options of `mayfly ingest`, and of what else writes rows.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/mayfly/ingest_options.h"
#include "tools/mayfly/option_adder.h"

namespace mayfly::cli {

// What is read.
void add_input_options(CLI::App& app, IngestOptions& ingest);
// Where it goes.
void add_table_options(CLI::App& app, IngestOptions& ingest);
// How it is done.
void add_run_options(CLI::App& app, IngestOptions& ingest);

// Parts of these.
void add_on_extra(OptionAdder& options, IngestOptions& ingest);
void add_write_modes(OptionAdder& options, IngestOptions& ingest, const char* key_help);
void add_deadline(CLI::App& app, const OptionAdder& options, IngestOptions& ingest);

}  // namespace mayfly::cli
