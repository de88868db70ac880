#include "tools/mayfly/file_globs.h"

#include <fmt/format.h>
#include <glob.h>

#include <filesystem>
#include <memory>

namespace mayfly::cli {
namespace {

bool is_pattern(const std::string& file) {
  std::error_code error;
  return file.find_first_of("*?[") != std::string::npos &&
         !std::filesystem::exists(std::filesystem::symlink_status(file, error));
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
    if (::glob(file.c_str(), 0, nullptr, &found) != 0) {
      return Status(
          Code::kNoInput,
          fmt::format("{}: expected files that match, or one of that name, found none", file));
    }
    expanded.insert(expanded.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  return expanded;
}

}  // namespace mayfly::cli
