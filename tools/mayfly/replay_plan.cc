#include "tools/mayfly/replay_plan.h"

#include <algorithm>
#include <utility>

#include "mayfly/config/plan_builder.h"
#include "tools/mayfly/ingest_plan.h"

namespace mayfly::cli {

Result<PipelinePlan> make_replay_plan(const DlqOptions& options, const ReplaySet::Part& part,
                                      const RecordFormat& format, const std::string& letters,
                                      const std::vector<std::string>& types,
                                      PluginRegistry& registry) {
  // By itself, so that a missing plugin isn't told as a mistake in the options.
  if (const auto plugin = registry.find("dead_letters"); !plugin.ok()) return plugin.status();
  const IngestOptions& writing = options.writing;
  std::vector<RawOption> raw = {
      {"path", letters}, {"columns", part.columns}, {"types", types}, {"key", part.key}};
  if (!writing.delimiter.empty()) raw.push_back({"delimiter", writing.delimiter});
  if (!writing.quote.empty()) raw.push_back({"quote", writing.quote});
  if (!writing.on_extra.empty()) raw.push_back({"on_extra", writing.on_extra});
  if (writing.coerce) raw.push_back({"on_change", std::string("text")});
  for (const RawOption& option : format.options()) {
    if (std::ranges::find(raw, option.name, &RawOption::name) == raw.end()) raw.push_back(option);
  }
  PlanBuilder builder(registry);
  builder.source({.name = "letters", .plugin = "dead_letters", .options = std::move(raw)});
  builder.writer_inputs({{"letters"}});
  PipelinePlan& plan = builder.settings();
  plan.name = "replay";
  configure_like_ingest(writing, plan);
  WriterPlan& writer = builder.writer();
  writer.database = options.database;
  writer.table = part.target;
  CheckedPlan checked = std::move(builder).build();
  // Everything in it came from the command line.
  if (!checked.ok()) return Status(Code::kUsage, checked.status().message());
  return std::move(checked.plan);
}

}  // namespace mayfly::cli
