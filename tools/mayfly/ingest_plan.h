// The pipeline that `mayfly ingest` runs: one file source for each file, in the order given,
// straight to the writer.
//
// Reads the beginning of the files (with --infer all: all of them) where several must agree on
// their columns, and asks the database for the columns of a table that is there already.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/plugin/registry.h"
#include "tools/mayfly/ingest_options.h"

namespace mayfly::cli {

// Names of a table's columns that keep text; may wait.
using TextColumns = std::function<Result<std::vector<std::string>>(const std::string& table)>;

Result<PipelinePlan> make_ingest_plan(const IngestOptions& options, PluginRegistry& registry,
                                      const TextColumns& text_columns_of);

// What of the plan doesn't depend on its inputs: batches, how rows are written, deadlines. Database
// and table are left as they are.
void configure_like_ingest(const IngestOptions& options, PipelinePlan& plan);

// Messages of a source begin with its name.
bool is_about_a_source(const Status& status, const PipelinePlan& plan);

// A file source that refuses what it was given (Code::kConfig) was given it on the command line:
// Code::kUsage. Any other status is as it was.
Status blamed_on_command_line(const Status& status, const PipelinePlan& plan,
                              const IngestOptions& options);

// "data/2024 orders.csv.gz" -> "_2024_orders": what a table is called when nobody says. Empty for
// standard input.
std::string table_name_from(std::string_view path);

}  // namespace mayfly::cli
