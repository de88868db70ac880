#include "mayfly/plugin/registry.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "mayfly/plugin/options.h"

namespace mayfly {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "lib";
constexpr std::string_view kSuffix = ".so";

// "echo" of "libecho.so"; empty when it isn't called like a plugin.
std::string name_in(const std::string& file) {
  if (file.size() <= kPrefix.size() + kSuffix.size() || !file.starts_with(kPrefix) ||
      !file.ends_with(kSuffix)) {
    return {};
  }
  const std::string name =
      file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size());
  return is_name(name) ? name : std::string();
}

std::string file_of(std::string_view name) { return fmt::format("{}{}{}", kPrefix, name, kSuffix); }

// Whatever it is, a folder, a pipe, a link to nowhere or what can't be looked at: loading it says
// what is wrong. To pass it over would run another file than the one that was put there.
bool is_there(const std::string& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

std::vector<fs::path> entries(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    paths.push_back(it->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

PluginSearch search_of_process(std::vector<std::string> directories) {
  PluginSearch search;
  search.directories = std::move(directories);
  search.environment_path = environment("MAYFLY_PLUGIN_PATH");
  search.runfiles = environment("RUNFILES_DIR");
  if (search.runfiles.empty()) search.runfiles = environment("TEST_SRCDIR");
  char program[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", program, sizeof program);
  if (size > 0) search.program.assign(program, static_cast<std::size_t>(size));
  search.user = ::geteuid();
  return search;
}

PluginRegistry::PluginRegistry(PluginSearch search) : user_(search.user) {
  for (std::string& folder : search.directories) places_.push_back({std::move(folder), false});
  std::string_view rest = search.environment_path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (colon != 0) places_.push_back({std::string(rest.substr(0, colon)), false});
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  const auto add_runfiles = [this](const std::string& runfiles) {
    // One folder a workspace: mayfly, _main, or whoever includes it. Beside them are a manifest and
    // other repositories.
    for (const fs::path& workspace : entries(runfiles)) {
      std::error_code error;
      const fs::path folder = workspace / "plugins";
      if (fs::is_directory(folder, error)) places_.push_back({folder.string(), true});
    }
  };
  if (!search.runfiles.empty()) add_runfiles(search.runfiles);
  if (!search.program.empty()) {
    // `bazel run` sets neither variable.
    add_runfiles(search.program + ".runfiles");
    const fs::path folder = fs::path(search.program).parent_path();
    places_.push_back({(folder / "../lib/mayfly/plugins").lexically_normal().string(), false});
    places_.push_back({(folder / "../../plugins").lexically_normal().string(), true});
  }
}

Status PluginRegistry::add(const mayfly_plugin* plugin) {
  const char* name = plugin != nullptr && plugin->name != nullptr ? plugin->name : "plugin";
  MAYFLY_ASSIGN_OR_RETURN(
      auto library, PluginLibrary::from_descriptor(plugin, fmt::format("{} (linked in)", name)));
  if (!linked_in_.try_emplace(std::string(library->name()), library).second) {
    return {Code::kUsage, fmt::format("plugin \"{}\" is linked in twice", library->name())};
  }
  return {};
}

Result<std::shared_ptr<const PluginLibrary>> PluginRegistry::load(const std::string& path) {
  const auto known = loaded_.find(path);
  if (known != loaded_.end()) return known->second;
  return loaded_.emplace(path, PluginLibrary::load(path, user_)).first->second;
}

std::string PluginRegistry::path_of(std::string_view name) const {
  const std::string file = file_of(name);
  for (const Place& place : places_) {
    const std::string path = place.nested ? fmt::format("{}/{}/{}", place.folder, name, file)
                                          : fmt::format("{}/{}", place.folder, file);
    if (is_there(path)) return path;
  }
  return {};
}

Result<std::shared_ptr<const PluginLibrary>> PluginRegistry::find(std::string_view name_or_path) {
  if (name_or_path.find('/') != std::string_view::npos) return load(std::string(name_or_path));
  if (const auto it = linked_in_.find(name_or_path); it != linked_in_.end()) return it->second;
  if (!is_name(name_or_path)) {
    return Status(Code::kConfig,
                  fmt::format("\"{}\" is not a plugin's name ([a-z][a-z0-9_]*); a path needs a "
                              "slash, as in \"./{}\"",
                              name_or_path, name_or_path));
  }
  const std::string path = path_of(name_or_path);
  if (path.empty()) return Status(Code::kUnavailable, not_found(name_or_path));
  return load(path);
}

std::string PluginRegistry::not_found(std::string_view name) const {
  std::string message = fmt::format("plugin \"{}\" was not found", name);
  std::string folders;
  for (const Place& place : places_) {
    if (!folders.empty()) folders += ", ";
    folders += place.folder;
  }
  message += folders.empty() ? "; no folder is searched" : "; searched " + folders;
  return message + " (name its folder with --plugin-dir or MAYFLY_PLUGIN_PATH)";
}

std::map<std::string, std::string> PluginRegistry::files() const {
  std::map<std::string, std::string> found;
  for (const Place& place : places_) {
    for (const fs::path& entry : entries(place.folder)) {
      const std::string leaf = entry.filename().string();
      const std::string name = place.nested ? leaf : name_in(leaf);
      const std::string path = place.nested ? (entry / file_of(leaf)).string() : entry.string();
      if (is_name(name) && is_there(path)) found.try_emplace(name, path);
    }
  }
  return found;
}

std::vector<std::string> PluginRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, library] : linked_in_) names.push_back(name);
  for (const auto& [name, path] : files()) {
    if (!linked_in_.contains(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string PluginRegistry::nearest_name(std::string_view name) const {
  const std::vector<std::string> known = names();
  if (std::ranges::find(known, name) != known.end()) return {};
  const std::vector<std::string_view> views(known.begin(), known.end());
  return std::string(nearest(name, views));
}

std::vector<PluginListing> PluginRegistry::list() {
  std::map<std::string, PluginListing> by_name;
  for (const auto& [name, library] : linked_in_) {
    by_name[name] = {name, library->path(), library, {}};
  }
  for (const auto& [name, path] : files()) {
    if (by_name.contains(name)) continue;
    const auto result = load(path);
    by_name[name] = {name, path, result.ok() ? *result : nullptr, result.status()};
  }
  std::vector<PluginListing> listings;
  for (auto& [name, listing] : by_name) listings.push_back(std::move(listing));
  return listings;
}

}  // namespace mayfly
