#include <fmt/format.h>

#include <utility>

#include "mayfly/base/json_text.h"
#include "mayfly/config/graph_text.h"
#include "mayfly/config/pipeline_file.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/pipeline_commands.h"

namespace mayfly::cli {
namespace {

JsonText json_of(const std::string& file, const CheckedPlan& checked) {
  JsonText mistakes = JsonText::array();
  for (const Diagnostic& diagnostic : checked.diagnostics) {
    mistakes.add(JsonText::object()
                     .add("line", diagnostic.place.line)
                     .add("column", diagnostic.place.column)
                     .add("message", diagnostic.message)
                     .add("suggestion", diagnostic.suggestion));
  }
  return JsonText::object()
      .add("file", file)
      .add("valid", checked.ok())
      .add("sources", checked.plan.sources.size())
      .add("nodes", checked.plan.nodes.size())
      .add("memory_bytes", checked.plan.memory_bytes)
      .add("mistakes", mistakes);
}

// A file that couldn't be read.
JsonText json_of(const std::string& file, const Status& why) {
  CheckedPlan none;
  none.diagnostics.push_back({.message = why.message()});
  return json_of(file, none);
}

std::string text_of(const std::string& file, const CheckedPlan& checked) {
  if (checked.ok()) {
    return fmt::format("{}: valid; {} source(s), {} node(s), about {} of batches\n", file,
                       checked.plan.sources.size(), checked.plan.nodes.size(),
                       short_bytes(static_cast<double>(checked.plan.memory_bytes)));
  }
  std::string text;
  for (const Diagnostic& diagnostic : checked.diagnostics) text += format(diagnostic, file) + "\n";
  return text;
}

}  // namespace

ExitStatus run_validate(const std::vector<std::string>& files, const GlobalOptions& global,
                        Console& console) {
  PluginRegistry registry(search_of_process(global.plugin_dirs));
  JsonText results = JsonText::array();
  ExitStatus status = ExitStatus::kSuccess;
  for (const std::string& file : files) {
    const auto checked = read_pipeline(file, registry);
    if (!checked.ok()) {
      console.error(checked.status().message());
      if (global.json()) results.add(json_of(file, checked.status()));
      if (status == ExitStatus::kSuccess) status = exit_status_of(checked.status().code());
      continue;
    }
    if (!checked->ok()) status = ExitStatus::kConfig;
    if (global.json()) {
      results.add(json_of(file, *checked));
    } else if (!checked->ok() || !global.quiet) {
      console.print(text_of(file, *checked));
    }
  }
  if (global.json()) console.print(results.text() + "\n");
  return status;
}

ExitStatus run_graph(const std::string& file, const std::string& as, const GlobalOptions& global,
                     Console& console) {
  PluginRegistry registry(search_of_process(global.plugin_dirs));
  const auto checked = read_pipeline(file, registry);
  const Status status = checked.ok() ? checked->status() : checked.status();
  if (!status.ok()) {
    console.error(status.message());
    return exit_status_of(status.code());
  }
  const std::string text = as == "mermaid" ? to_mermaid(checked->plan) : to_dot(checked->plan);
  console.print(global.json() ? JsonText::object().add(as, text).text() + "\n" : text);
  return ExitStatus::kSuccess;
}

}  // namespace mayfly::cli
