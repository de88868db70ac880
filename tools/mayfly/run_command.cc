#include <fmt/format.h>

#include <utility>

#include "mayfly/config/pipeline_file.h"
#include "tools/mayfly/advice.h"
#include "tools/mayfly/aftermath.h"
#include "tools/mayfly/engine_run.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/pipeline_commands.h"
#include "tools/mayfly/summary.h"

namespace mayfly::cli {
namespace {

Status load(const std::string& file, const GlobalOptions& global, PipelinePlan& plan) {
  PluginRegistry registry(search_of_process(global.plugin_dirs));
  MAYFLY_ASSIGN_OR_RETURN(CheckedPlan checked, read_pipeline(file, registry));
  MAYFLY_RETURN_IF_ERROR(checked.status());
  for (const SourcePlan& source : checked.plan.sources) {
    if (source.plugin == nullptr) {
      return {Code::kConfig, fmt::format("{}: source \"{}\" has no plugin, so nothing feeds it",
                                         file, source.name)};
    }
  }
  plan = std::move(checked.plan);
  return {};
}

Summary summary_of(const RunResult& result, const PipelinePlan& plan) {
  std::vector<std::string> names;
  for (const SourcePlan& source : plan.sources) names.push_back(source.name);
  Summary summary = summarize(result, plan, names);
  // Rows that nodes made belong to no source; the writer knows them all. They weren't read.
  const std::uint64_t read = summary.rows.read;
  summary.rows = result.stats.writer.rows;
  summary.rows.read = read;
  // Drained is what an interruption of `run` is to end in: no row is left half way.
  summary.status = exit_status_of({.failure = result.status.code(),
                                   .interrupted = false,
                                   .rejected = summary.rows.rejected > 0});
  return summary;
}

Aftermath aftermath_of(const RunResult& result, const Summary& summary, const PipelinePlan& plan) {
  Aftermath aftermath{.kept = "what was acknowledged is in " + summary.database,
                      .database = summary.database,
                      .table = summary.table,
                      .table_state = table_state_after(result, summary.database, summary.table),
                      .keyed = is_keyed(plan.writer.mode),
                      .always_resumes = true,
                      .go_on = "The same command goes on there"};
  aftermath.input = input_state(result, aftermath.source);
  aftermath.sources = sources_of(result);
  return aftermath;
}

}  // namespace

ExitStatus run_pipeline(const std::string& file, const GlobalOptions& global, Console& console) {
  Interruption interruption(console, ExitStatus::kSuccess);
  PipelinePlan plan;
  RunResult result;
  result.status = load(file, global, plan);
  if (!result.status.ok()) interruption.detach();
  if (result.status.ok()) {
    EngineOptions options;
    options.resume = true;
    result = run_engine(plan, std::move(options), interruption, console);
    // What only the database knows is wrong is wrong in the pipeline file all the same. What
    // plugins say has its place there.
    if (!result.started && result.status.code() == Code::kConfig &&
        !result.status.message().starts_with(file + ":")) {
      result.status = {Code::kConfig, fmt::format("{}: {}", file, result.status.message())};
    }
  }
  const Summary summary = summary_of(result, plan);
  if (!result.status.ok()) console.error(result.status.message());
  if (std::string source = source_that_changed(result.status); !result.started && !source.empty()) {
    console.note(to_read_anew({.database = summary.database,
                               .table = summary.table,
                               .source = std::move(source),
                               .keyed = is_keyed(plan.writer.mode),
                               .always_resumes = true}));
  }
  const bool stopped = result.interrupted || !result.status.ok();
  if (result.started && stopped) console.note(to_text(aftermath_of(result, summary, plan)));
  if (summary.rows.rejected > 0 && !result.database_moved) {
    advise_dead_letters(summary.database, summary.rows.rejected, console);
    console.warning(to_begin_again(aftermath_of(result, summary, plan), summary.rows.written));
  }
  if (result.started) {
    for (const CounterStats& counter : result.stats.counters) {
      console.message(Level::kInfo, counter.instance,
                      fmt::format("{} {}", counter.counter, with_commas(counter.value)));
    }
  }
  if (global.json()) {
    console.print(to_json(summary));
  } else if (result.started && !global.quiet) {
    console.print(to_text(summary));
  }
  return summary.status;
}

}  // namespace mayfly::cli
