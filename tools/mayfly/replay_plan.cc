#include "tools/mayfly/replay_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "mayfly/config/plan_builder.h"
#include "mayfly/data/schema.h"
#include "tools/mayfly/ingest_plan.h"

namespace mayfly::cli {
namespace {

std::string_view column_of(std::string_view entry) { return entry.substr(0, entry.rfind('=')); }

std::string_view type_of(std::string_view entry) { return entry.substr(entry.rfind('=') + 1); }

bool is_number(std::string_view type) { return type == "int64" || type == "float64"; }

// What a record is read as: what its source read, so that it becomes what it would have become.
// But a column of text takes what was refused as a number: so a table is corrected instead of its
// letters.
bool goes_before(std::string_view declared, std::string_view said, bool typed) {
  if (typed) return declared == "text" && is_number(said);
  return is_number(said) || said == "text" || said == "any";
}

// Of each column that one of them knows; behind a SELECT they are the source's.
std::vector<std::string> types_of(const ReplaySet::Part& part, const RecordFormat& format,
                                  const std::vector<std::string>& declared) {
  const std::vector<std::string> said = format.list("types");
  const bool selects = !format.text("select").empty();
  const bool typed = !format.text("typed").empty();
  const auto find = [](const std::vector<std::string>& types, const std::string& column) {
    const auto found = std::ranges::find_if(
        types, [&](const std::string& entry) { return is_same_column(column_of(entry), column); });
    return found == types.end() ? std::string_view() : type_of(*found);
  };
  std::vector<std::string> types;
  for (const std::string& column : part.columns) {
    std::string_view type = find(said, column);
    const std::string_view of_table = find(declared, column);
    if (!selects && !of_table.empty() && (type.empty() || goes_before(of_table, type, typed))) {
      type = of_table;
    }
    if (!type.empty()) types.push_back(fmt::format("{}={}", column, type));
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
  if (!select.empty() || !format.text("typed").empty()) raw.push_back({"typed", true});
  if (writing.coerce) raw.push_back({"on_change", std::string("text")});
  for (const RawOption& option : format.options()) {
    if (option.name == "select" || option.name == "per_batch") continue;
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
