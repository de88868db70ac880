#include "tools/mayfly/plugins_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "mayfly/base/json_text.h"
#include "mayfly/config/pipeline_schema.h"
#include "mayfly/plugin/conformance.h"
#include "mayfly/plugin/describe.h"
#include "mayfly/plugin/options.h"
#include "mayfly/plugin/registry.h"
#include "mayfly/storage/batch_expressions.h"

namespace mayfly::cli {
namespace {

std::string_view kind_name(std::uint32_t kind) {
  return kind == MAYFLY_SOURCE ? "source" : kind == MAYFLY_NODE ? "node" : "sink";
}

JsonText json_of(const PluginListing& listing) {
  JsonText json = JsonText::object();
  json.add("name", listing.name)
      .add("path", listing.path)
      .add("usable", listing.library != nullptr);
  if (listing.library == nullptr) return json.add("refused", listing.status.message());
  const mayfly_plugin& plugin = listing.library->plugin();
  return json.add("kind", kind_name(plugin.kind))
      .add("version", plugin.version)
      .add("summary", plugin.summary);
}

ExitStatus list_plugins(PluginRegistry& registry, const GlobalOptions& global, Console& console) {
  const std::vector<PluginListing> listings = registry.list();
  if (global.json()) {
    JsonText array = JsonText::array();
    for (const PluginListing& listing : listings) array.add(json_of(listing));
    console.print(array.text() + "\n");
    return ExitStatus::kSuccess;
  }
  std::size_t width = 0;
  for (const PluginListing& listing : listings) width = std::max(width, listing.name.size());
  for (const PluginListing& listing : listings) {
    if (listing.library == nullptr) {
      console.print(
          fmt::format("{:<{}}  refused  {}\n", listing.name, width, listing.status.message()));
      continue;
    }
    const mayfly_plugin& plugin = listing.library->plugin();
    console.print(fmt::format("{:<{}}  {:<6}  {}\n", listing.name, width, kind_name(plugin.kind),
                              plugin.summary));
  }
  if (listings.empty()) {
    console.note("no plugins found; name their folder with --plugin-dir or MAYFLY_PLUGIN_PATH");
  }
  return ExitStatus::kSuccess;
}

ExitStatus show_plugins(PluginRegistry& registry, const PluginsOptions& options,
                        const GlobalOptions& global, Console& console) {
  for (const std::string& name : options.names) {
    const auto library = registry.find(name);
    if (!library.ok()) {
      std::string message = library.status().message();
      const std::string near = registry.nearest_name(name);
      if (!near.empty()) message += fmt::format(" (did you mean \"{}\"?)", near);
      console.error(message);
      return exit_status_of(library.status().code());
    }
    console.print(global.json() ? describe_json(**library) + "\n" : describe(**library));
  }
  return ExitStatus::kSuccess;
}

JsonText json_of(const std::string& file, const ConformanceReport& report) {
  constexpr const char* kOutcomes[] = {"passed", "failed", "skipped"};
  JsonText checks = JsonText::array();
  for (const ConformanceCheck& check : report.checks) {
    checks.add(JsonText::object()
                   .add("name", check.name)
                   .add("outcome", kOutcomes[static_cast<int>(check.outcome)])
                   .add("detail", check.detail));
  }
  return JsonText::object()
      .add("file", file)
      .add("plugin", report.plugin)
      .add("passed", report.passed())
      .add("checks", checks);
}

ExitStatus check_plugins(const PluginsOptions& options, const GlobalOptions& global,
                         Console& console) {
  ConformanceSettings settings;
  settings.user = ::geteuid();
  settings.expressions = BatchExpressions::make;
  if (const char* folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') {
    settings.scratch_folder = folder;
  }
  for (const std::string& text : options.settings) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      console.error(fmt::format("--set: expected OPTION=VALUE, found \"{}\"", text));
      return ExitStatus::kUsage;
    }
    settings.options.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  ExitStatus status = ExitStatus::kSuccess;
  for (const std::string& file : options.names) {
    if (::access(file.c_str(), R_OK) != 0) {
      const std::string why = fmt::format("{}: {}", file, std::strerror(errno));
      console.error(why);
      if (global.json()) {
        const ConformanceReport none{
            .plugin = {}, .checks = {{"loads", ConformanceCheck::Outcome::kFailed, why}}};
        console.print(json_of(file, none).text() + "\n");
      }
      if (status == ExitStatus::kSuccess) status = ExitStatus::kNoInput;
      continue;
    }
    const ConformanceReport report = check_conformance(file, settings);
    if (!report.passed()) status = ExitStatus::kConfig;
    console.print(global.json() ? json_of(file, report).text() + "\n" : report.text());
  }
  return status;
}

// Without the plugins that are refused: a file can't use them. Each is named.
ExitStatus print_schema(PluginRegistry& registry, Console& console) {
  std::vector<std::shared_ptr<const PluginLibrary>> libraries;
  for (const PluginListing& listing : registry.list()) {
    if (listing.library != nullptr) {
      libraries.push_back(listing.library);
    } else {
      console.note(fmt::format("left out: {}", listing.status.message()));
    }
  }
  console.print(pipeline_schema(libraries) + "\n");
  return ExitStatus::kSuccess;
}

}  // namespace

ExitStatus run_plugins(const PluginsOptions& options, const GlobalOptions& global,
                       Console& console) {
  if (options.action == PluginsOptions::Action::kCheck) {
    return check_plugins(options, global, console);
  }
  PluginRegistry registry(search_of_process(global.plugin_dirs));
  if (options.action == PluginsOptions::Action::kShow) {
    return show_plugins(registry, options, global, console);
  }
  if (options.action == PluginsOptions::Action::kSchema) return print_schema(registry, console);
  return list_plugins(registry, global, console);
}

}  // namespace mayfly::cli
