#include "tools/mayfly/file_globs.h"

#include <fmt/format.h>
#include <glob.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

namespace mayfly::cli {
namespace {

bool is_pattern(const std::string& file) {
  std::error_code error;
  return file.find_first_of("*?[") != std::string::npos &&
         !std::filesystem::exists(std::filesystem::symlink_status(file, error));
}

// Of the folder that glob() gave up at. It has no argument for who asks.
thread_local std::string unreadable_folder;

// Files in there might match: without it they would be left out without a word.
int note_unreadable(const char* folder, int error) {
  if (error == ENOENT || error == ENOTDIR) return 0;
  unreadable_folder = fmt::format("{}: {}", folder, std::strerror(error));
  return 1;
}

}  // namespace

Result<std::vector<std::string>> expand_globs(const std::vector<std::string>& files) {
  std::vector<std::string> expanded;
  for (const std::string& file : files) {
    if (!is_pattern(file)) {
      expanded.push_back(file);
      continue;
    }
    glob_t found{};
    const std::unique_ptr<glob_t, void (*)(glob_t*)> owner(&found, &::globfree);
    unreadable_folder.clear();
    const int result = ::glob(file.c_str(), 0, note_unreadable, &found);
    if (!unreadable_folder.empty()) {
      return Status(Code::kNoInput, fmt::format("{}: expected folders that can be looked at, found "
                                                "{}; this user must be able to read it",
                                                file, unreadable_folder));
    }
    if (result != 0) {
      return Status(
          Code::kNoInput,
          fmt::format("{}: expected files that match, or one of that name, found none", file));
    }
    expanded.insert(expanded.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  return expanded;
}

}  // namespace mayfly::cli
