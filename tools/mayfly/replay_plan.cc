#include "tools/mayfly/replay_plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "mayfly/config/plan_builder.h"
#include "mayfly/data/schema.h"
#include "tools/mayfly/ingest_plan.h"

namespace mayfly::cli {
namespace {

// Those that the table declares, so that what goes there is what it keeps; but a column whose text
// means another value (true, a blob) is read as it was, and behind a SELECT each is.
std::vector<std::string> types_of(const ReplaySet::Part& part, const RecordFormat& format,
                                  const std::vector<std::string>& declared) {
  const bool selects = !format.text("select").empty();
  std::vector<std::string> types = selects ? std::vector<std::string>() : declared;
  const auto column_of = [](std::string_view entry) { return entry.substr(0, entry.rfind('=')); };
  for (const std::string& entry : format.list("types")) {
    const auto same = [&](std::string_view other) {
      return is_same_column(column_of(other), column_of(entry));
    };
    if (std::ranges::none_of(part.columns, [&](const std::string& name) {
          return is_same_column(name, column_of(entry));
        })) {
      continue;
    }
    const auto type = column_type_from(std::string_view(entry).substr(entry.rfind('=') + 1));
    const bool is_plain = type == ColumnType::kInt64 || type == ColumnType::kFloat64 ||
                          type == ColumnType::kText || type == ColumnType::kAny;
    if (is_plain && !selects) continue;
    std::erase_if(types, same);
    types.push_back(entry);
  }
  return types;
}

}  // namespace

Result<PipelinePlan> make_replay_plan(const DlqOptions& options, const ReplaySet::Part& part,
                                      const RecordFormat& format, const std::string& letters,
                                      const std::vector<std::string>& types,
                                      PluginRegistry& registry) {
  // By itself, so that a missing plugin isn't told as a mistake in the options.
  if (const auto plugin = registry.find("dead_letters"); !plugin.ok()) return plugin.status();
  const IngestOptions& writing = options.writing;
  const std::string select = format.text("select");
  std::vector<RawOption> raw = {{"path", letters},
                                {"columns", part.columns},
                                {"types", types_of(part, format, types)},
                                {"key", part.key}};
  if (!writing.on_extra.empty()) raw.push_back({"on_extra", writing.on_extra});
  if (!select.empty()) raw.push_back({"typed", true});
  if (writing.coerce) raw.push_back({"on_change", std::string("text")});
  for (const RawOption& option : format.options()) {
    if (option.name == "select" || option.name == "per_batch" || option.name == "types") continue;
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
  writer.select = select;
  writer.per_batch = !format.text("per_batch").empty();
  CheckedPlan checked = std::move(builder).build();
  // Everything in it came from the command line.
  if (!checked.ok()) return Status(Code::kUsage, checked.status().message());
  return std::move(checked.plan);
}

}  // namespace mayfly::cli
