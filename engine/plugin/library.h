// PluginLibrary: one plugin's shared library, opened, checked and described.
//
// OWNERSHIP  A library is never unloaded: descriptors, names and functions stay valid for the
//            process. plugin() is a copy of the descriptor, filled with zeros where the plugin is
//            older than this host; it lives as long as the PluginLibrary.
// THREADS    load() from one thread at a time; a loaded library is immutable.
//
// What is refused, each with what was found and what to do: a file or folder that others may write,
// a file that isn't a whole shared library for this machine (elf_check.h), an entry that is missing
// or data, another major, a newer minor, a descriptor cut short, names, tables, ports, defaults or
// calls that break the rules of the ABI.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/status.h"

namespace mayfly {

class PluginLibrary {
 public:
  // `user` is whose files are trusted, beside root's: geteuid() in a program.
  static Result<std::shared_ptr<const PluginLibrary>> load(const std::string& path, uid_t user);
  // A plugin that is linked in (tests, embedders). `found` stays alive; `label` stands in messages.
  static Result<std::shared_ptr<const PluginLibrary>> from_descriptor(const mayfly_plugin* found,
                                                                      std::string label);

  const mayfly_plugin& plugin() const { return plugin_; }
  std::string_view name() const { return plugin_.name; }
  bool has(std::uint32_t flag) const { return (plugin_.flags & flag) != 0; }
  // Absolute, without symbolic links; the label of a plugin that is linked in.
  const std::string& path() const { return path_; }

 private:
  PluginLibrary(std::string path, const mayfly_plugin& plugin)
      : path_(std::move(path)), plugin_(plugin) {}

  std::string path_;
  mayfly_plugin plugin_;
};

// Whether code of this file may run: the file and its folder belong to root or to `user`, and
// neither group nor others may write to them. `resolved` is absolute and without symbolic links.
Status check_trusted(const std::string& resolved, uid_t user);
// The rule for one of them; `what` is "the file" or "its folder".
Status check_ownership(const std::string& path, std::string_view what, uid_t owner, mode_t mode,
                       uid_t user);

// Checks a descriptor against the rules of the ABI; returns the host's copy. `file` stands in
// messages.
Result<mayfly_plugin> check_descriptor(const mayfly_plugin* found, std::string_view file);

// [a-z][a-z0-9_]*, at most 64 bytes.
bool is_name(std::string_view text);

}  // namespace mayfly
