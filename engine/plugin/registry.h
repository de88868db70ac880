// PluginRegistry: finds and loads plugins by name. Built by main or a test, passed on.
//
// SEARCH     A name with a slash is a path. Otherwise lib<name>.so, first in a registered plugin,
//            then in: --plugin-dir folders, MAYFLY_PLUGIN_PATH, the runfiles, <program>.runfiles,
//            ../lib/mayfly/plugins beside the program, ../../plugins/<name> beside the program (a
//            build tree). The first folder that has an entry of this name decides: one that is
//            refused, be it a folder or a link to nowhere, isn't skipped for a later one.
// OWNERSHIP  Libraries are shared with whoever asked for them and are never unloaded.
// THREADS    One at a time.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/plugin/library.h"

namespace mayfly {

// Where plugins are looked for.
struct PluginSearch {
  std::vector<std::string> directories;  // --plugin-dir, in order
  std::string environment_path;          // MAYFLY_PLUGIN_PATH: folders with ':' between them
  std::string runfiles;                  // RUNFILES_DIR or TEST_SRCDIR; empty: none
  std::string program;                   // absolute path of the program; empty: none
  uid_t user = 0;                        // whose files are trusted, beside root's
};

// The search of this process: its environment, its program, its effective user.
PluginSearch search_of_process(std::vector<std::string> directories = {});

// A plugin that was found, or why it was refused.
struct PluginListing {
  std::string name;
  std::string path;
  std::shared_ptr<const PluginLibrary> library;  // null: refused
  Status status;                                 // why it was refused
};

class PluginRegistry {
 public:
  explicit PluginRegistry(PluginSearch search = {});

  // A plugin that is linked in.
  Status add(const mayfly_plugin* plugin);

  // Loads it once; a refusal is remembered too.
  Result<std::shared_ptr<const PluginLibrary>> find(std::string_view name_or_path);
  // All that the search can see, by name.
  std::vector<PluginListing> list();
  // Names of all that the search can see, without loading any.
  std::vector<std::string> names() const;
  // The known name that was probably meant; empty when there is none, or when `name` is known, so
  // that something else was wrong with it.
  std::string nearest_name(std::string_view name) const;

 private:
  struct Place {
    std::string folder;
    bool nested;  // <folder>/<name>/lib<name>.so
  };
  Result<std::shared_ptr<const PluginLibrary>> load(const std::string& path);
  std::string path_of(std::string_view name) const;
  std::map<std::string, std::string> files() const;  // name -> path
  std::string not_found(std::string_view name) const;

  uid_t user_;
  std::vector<Place> places_;
  std::map<std::string, std::shared_ptr<const PluginLibrary>, std::less<>> linked_in_;
  std::map<std::string, Result<std::shared_ptr<const PluginLibrary>>, std::less<>> loaded_;  // path
};

}  // namespace mayfly
