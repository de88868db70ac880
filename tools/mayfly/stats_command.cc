#include "tools/mayfly/stats_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mayfly/base/json_text.h"
#include "mayfly/storage/stats/stats_reader.h"
#include "tools/mayfly/human_text.h"

namespace mayfly::cli {
namespace {

constexpr double kMicrosPerSecond = 1e6;

double age_seconds(const StoredStats& stats) {
  return static_cast<double>(stats.age_us) / kMicrosPerSecond;
}

std::string json_of(const std::string& database, const std::vector<StoredStats>& all) {
  JsonText writers = JsonText::array();
  for (const StoredStats& stats : all) {
    writers.add(JsonText::object()
                    .add("writer", stats.writer)
                    .add("at", stats.at)
                    .add("age_seconds", age_seconds(stats), 3)
                    .add("pid", stats.pid)
                    .add("running", stats.is_running)
                    .add_json("stats", stats.json));
  }
  JsonText json = JsonText::object();
  return json.add("version", 1).add("database", database).add("writers", writers).text();
}

std::string text_of(const StoredStats& stats) {
  std::string text =
      fmt::format("{}: process {}{}, stored {} ago\n", on_one_line(stats.writer), stats.pid,
                  stats.is_running ? "" : " (it has ended)", short_seconds(age_seconds(stats)));
  std::vector<std::string> paths;  // tables' names are in them
  std::size_t width = 0;
  for (const auto& [path, value] : stats.values) {
    paths.push_back(on_one_line(path));
    width = std::max(width, paths.back().size());
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    text += fmt::format("  {:<{}}  {}\n", paths[i], width, on_one_line(stats.values[i].second));
  }
  return text;
}

}  // namespace

ExitStatus run_stats(const StatsOptions& options, const GlobalOptions& global, const Clock& clock,
                     Console& console) {
  auto all = read_stats(options.database, clock.wall_us());
  if (!all.ok()) {
    console.error(all.status().message());
    return exit_status_of(all.status().code());
  }
  if (!options.writer.empty()) {
    std::string names;
    for (const StoredStats& stats : *all)
      names += (names.empty() ? "" : ", ") + on_one_line(stats.writer);
    std::erase_if(*all, [&](const StoredStats& stats) { return stats.writer != options.writer; });
    if (all->empty()) {
      console.error(fmt::format("{}: expected stats of a writer \"{}\", found those of {}",
                                options.database, options.writer, names));
      return ExitStatus::kNoInput;
    }
  }
  if (global.json()) {
    console.print(json_of(options.database, *all) + "\n");
    return ExitStatus::kSuccess;
  }
  for (const StoredStats& stats : *all) console.print(text_of(stats));
  return ExitStatus::kSuccess;
}

}  // namespace mayfly::cli
