#include "tools/mayfly/ingest_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "mayfly/plugin/registry.h"
#include "tools/mayfly/advice.h"
#include "tools/mayfly/aftermath.h"
#include "tools/mayfly/engine_run.h"
#include "tools/mayfly/existing_table.h"
#include "tools/mayfly/file_globs.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/ingest_plan.h"
#include "tools/mayfly/lock_watch.h"
#include "tools/mayfly/summary.h"
#include "tools/mayfly/table_indexes.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

Status make_table(const IngestOptions& options, Interruption& interruption) {
  interruption.set_left_behind(fmt::format("--schema may have made table {}", options.table));
  const auto made = create_from_schema_file(options.database, options.table, options.schema_file,
                                            options.deadline_ns);
  interruption.set_left_behind(
      made.ok() && *made ? fmt::format("--schema made table {}", options.table) : std::string());
  return made.status();
}

Status prepare(const IngestOptions& options, const GlobalOptions& global, Console& console,
               Interruption& interruption, PipelinePlan& plan) {
  if (!options.schema_file.empty() && options.table.empty()) {
    return {Code::kUsage, "--schema needs --table: which of its tables is to be filled?"};
  }
  // Before it is read for its columns: reading a pipe would wait for ever.
  MAYFLY_RETURN_IF_ERROR(check_is_database(options.database));
  PluginRegistry registry(search_of_process(global.plugin_dirs));
  const SystemClock clock;
  const auto watch = [&] {
    return LockWatch(options.database, options.deadline_ns, LockWatch::Opener::kCommand, console,
                     clock);
  };
  if (!options.schema_file.empty()) {
    const LockWatch waiting = watch();
    MAYFLY_RETURN_IF_ERROR(make_table(options, interruption));
  }
  MAYFLY_ASSIGN_OR_RETURN(plan, make_ingest_plan(options, registry, [&](const std::string& table) {
                            const LockWatch waiting = watch();
                            return text_columns_of(options.database, table, options.deadline_ns);
                          }));
  if (const auto unmet = unmet_wishes(options, plan.writer.table);
      !unmet.empty() && options.schema_file.empty()) {
    console.warning(
        fmt::format("{} is there already, and stays as it is: {} {} for a table that is made",
                    plan.writer.table, fmt::join(unmet, ", "), unmet.size() == 1 ? "is" : "are"));
  }
  return {};
}

EngineOptions engine_options(const IngestOptions& options) {
  EngineOptions engine;
  engine.resume = options.resume;
  engine.parallel_sources = false;
  engine.writer.fail_on_row_error = options.on_error == "fail";
  engine.writer.truncate = options.truncate;
  for (const std::string& index : options.indexes) {
    for (std::string& column : columns_of_index(index)) {
      engine.writer.indexed.push_back(std::move(column));
    }
  }
  return engine;
}

std::string how_to_go_on(const RunResult& result, const IngestOptions& options) {
  if (options.resume && result.status.code() != Code::kBadData) {
    return "The same command goes on there";
  }
  std::string text = "The same command with --resume";
  // A corrected file is another file, so that can't be resumed.
  const bool sets_aside = result.status.code() == Code::kBadData;
  if (sets_aside) text += " --on-error dead-letter";
  if (options.truncate) text += " in place of --truncate";
  text += " goes on there";
  if (sets_aside) text += " and sets such rows aside";
  return text;
}

Aftermath aftermath_of(const RunResult& result, const Summary& summary, const PipelinePlan& plan,
                       const IngestOptions& options) {
  const bool synced = result.status.code() != Code::kIo || is_about_a_source(result.status, plan);
  Aftermath aftermath{
      .kept = rows_kept_text(summary.rows.read, summary.rows.rejected, summary.database, synced),
      .database = summary.database,
      .table = summary.table,
      .table_state = table_state_after(result, summary.database, summary.table),
      .keyed = is_keyed(plan.writer.mode),
      .go_on = how_to_go_on(result, options)};
  aftermath.input_name = options.files[0] == "-" ? "Standard input" : options.files[0];
  aftermath.input = input_state(result, aftermath.source);
  return aftermath;
}

std::string error_text(const Status& status, const IngestOptions& options,
                       const GlobalOptions& global) {
  return with_variable(in_command_line_words(status.message(), options.files), global);
}

// Says what the figures don't: what went wrong, and how to go on.
void explain(const RunResult& result, const Summary& summary, const PipelinePlan& plan,
             const IngestOptions& options, const GlobalOptions& global, Console& console) {
  if (!result.status.ok()) console.error(error_text(result.status, options, global));
  if (std::string source = source_that_changed(result.status); !result.started && !source.empty()) {
    console.warning(to_read_anew({.database = summary.database,
                                  .table = summary.table,
                                  .source = std::move(source),
                                  .keyed = is_keyed(plan.writer.mode)}));
  }
  if (!result.started) return;
  const Aftermath aftermath = aftermath_of(result, summary, plan, options);
  const bool stopped = !result.status.ok() || result.interrupted;
  if (stopped) {
    console.message(is_warning(aftermath) ? Level::kWarning : Level::kNote, to_text(aftermath));
  }
  if (result.database_moved) return;
  if (summary.truncated > 0 && summary.rows.written == 0) {
    console.warning(fmt::format(
        "the {} that {} had {} taken out by --truncate, and nothing was written in {} place",
        rows_text(summary.truncated), summary.table, summary.truncated == 1 ? "was" : "were",
        summary.truncated == 1 ? "its" : "their"));
  }
  const bool rejected = summary.rows.rejected > 0;
  if (rejected) advise_dead_letters(summary.database, summary.rows.rejected, console);
  // What is said of bad rows asks for another try, which would double the good ones.
  if (result.status.code() == Code::kBadData || (rejected && !stopped)) {
    console.warning(to_begin_again(aftermath, summary.rows.written));
  }
}

void tell_details(const RunResult& result, Console& console) {
  const WriterTotals& writer = result.stats.writer;
  console.message(
      Level::kInfo,
      fmt::format("{} transactions, {} statements, {} retries, {} checkpoints; {} of batches",
                  with_commas(writer.transactions), with_commas(writer.statements),
                  with_commas(writer.transient_failures), with_commas(writer.checkpoints),
                  short_bytes(static_cast<double>(result.stats.memory_bytes))));
  console.message(Level::kInfo,
                  fmt::format("{} signals raised; last: {}",
                              with_commas(result.stats.signals_raised), result.signals));
}

}  // namespace

ExitStatus run_ingest(const IngestOptions& given, const GlobalOptions& global, Console& console) {
  // Before the first thread, and before anything that may wait.
  Interruption interruption(console, ExitStatus::kTryAgain);
  PipelinePlan plan;
  RunResult result;
  IngestOptions options = given;
  Result<std::vector<std::string>> files = expand_globs(given.files);
  if (files.ok()) options.files = std::move(files).value();
  result.status = files.status();
  if (result.status.ok()) result.status = prepare(options, global, console, interruption, plan);
  if (!result.status.ok()) interruption.detach();
  if (result.status.code() == Code::kUsage) {
    console.error(error_text(result.status, options, global));
    return ExitStatus::kUsage;
  }
  if (result.status.ok()) {
    result = run_engine(plan, engine_options(options), interruption, console);
    if (!result.started) result.status = blamed_on_command_line(result.status, plan, options);
    if (result.status.ok() && !result.interrupted) {
      result.status = create_indexes(plan.writer.database, plan.writer.table, options.indexes,
                                     options.deadline_ns);
    }
  }
  if (plan.writer.table.empty()) {  // it didn't come to that
    plan.writer.database = options.database;
    plan.writer.table = options.table;
  }
  Summary summary = summarize(result, plan, options.files);
  summary.status = exit_status_of({.failure = result.status.code(),
                                   .interrupted = result.interrupted,
                                   .rejected = summary.rows.rejected > 0});
  explain(result, summary, plan, options, global, console);
  if (result.started) tell_details(result, console);
  if (global.json()) {
    console.print(to_json(summary));
  } else if (result.started && !global.quiet) {
    console.print(to_text(summary));
  }
  return summary.status;
}

}  // namespace mayfly::cli
