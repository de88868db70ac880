#include "mayfly/plugin/library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mayfly/plugin/elf_check.h"

namespace mayfly {
namespace {

Status refuse(Code code, std::string message) { return {code, std::move(message)}; }

Result<std::string> resolve(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) {
    return refuse(Code::kUnavailable,
                  fmt::format("{}: plugin can't be found: {}", path, std::strerror(errno)));
  }
  return std::string(resolved);
}

Status check_one(const std::string& path, std::string_view what, uid_t user) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) {
    return refuse(Code::kUnavailable,
                  fmt::format("{}: {} can't be read: {}", path, what, std::strerror(errno)));
  }
  return check_ownership(path, what, info.st_uid, info.st_mode, user);
}

}  // namespace

Status check_ownership(const std::string& path, std::string_view what, uid_t owner, mode_t mode,
                       uid_t user) {
  if (owner != 0 && owner != user) {
    return refuse(Code::kConfig,
                  fmt::format("{}: not loaded, since {} belongs to user {}; only root and user {} "
                              "are trusted; change the owner or copy the plugin to a folder of "
                              "your own",
                              path, what, owner, user));
  }
  // A sticky bit, as on /tmp, doesn't help: others can still put a file there first.
  if ((mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refuse(Code::kConfig,
                  fmt::format("{}: not loaded, since {} is writable by {} (mode {:04o}); run "
                              "`chmod go-w {}` or copy the plugin to a folder of your own",
                              path, what, (mode & S_IWOTH) != 0 ? "others" : "its group",
                              mode & 07777, path));
  }
  return {};
}

Status check_trusted(const std::string& resolved, uid_t user) {
  MAYFLY_RETURN_IF_ERROR(check_one(resolved, "the file", user));
  const std::size_t slash = resolved.rfind('/');
  const std::string folder = slash == 0 ? "/" : resolved.substr(0, slash);
  return check_one(folder, "its folder", user);
}

Result<std::shared_ptr<const PluginLibrary>> PluginLibrary::load(const std::string& path,
                                                                 uid_t user) {
  MAYFLY_ASSIGN_OR_RETURN(std::string resolved, resolve(path));
  MAYFLY_RETURN_IF_ERROR(check_trusted(resolved, user));
  MAYFLY_RETURN_IF_ERROR(check_elf(resolved));
  // Never closed: a plugin's code and names must outlive every thread that may still use them.
  void* library = ::dlopen(resolved.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return refuse(Code::kUnavailable, fmt::format("{}: can't be loaded: {}", resolved, dlerror()));
  }
  void* symbol = ::dlsym(library, MAYFLY_PLUGIN_ENTRY);
  if (symbol == nullptr) {  // check_elf saw it
    return refuse(Code::kUnavailable, fmt::format("{}: can't be loaded: {}", resolved, dlerror()));
  }
  mayfly_plugin_entry entry = nullptr;
  std::memcpy(&entry, &symbol, sizeof entry);
  MAYFLY_ASSIGN_OR_RETURN(const mayfly_plugin plugin, check_descriptor(entry(), resolved));
  const std::string file = resolved.substr(resolved.rfind('/') + 1);
  if (const std::string expected = fmt::format("lib{}.so", plugin.name); file != expected) {
    return refuse(Code::kConfig,
                  fmt::format("{}: the plugin calls itself \"{}\", so its file must be called {}",
                              resolved, plugin.name, expected));
  }
  return std::shared_ptr<const PluginLibrary>(new PluginLibrary(std::move(resolved), plugin));
}

Result<std::shared_ptr<const PluginLibrary>> PluginLibrary::from_descriptor(
    const mayfly_plugin* found, std::string label) {
  MAYFLY_ASSIGN_OR_RETURN(const mayfly_plugin plugin, check_descriptor(found, label));
  return std::shared_ptr<const PluginLibrary>(new PluginLibrary(std::move(label), plugin));
}

}  // namespace mayfly
