// WorkingFolder: the process is in a folder for as long as this lives, and then where it was.
//
// THREADS  One; no other uses a relative path meanwhile.
#pragma once

#include <filesystem>

namespace mayfly::testing {

class WorkingFolder {
 public:
  // It is there.
  explicit WorkingFolder(const std::filesystem::path& folder)
      : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~WorkingFolder() { std::filesystem::current_path(before_); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  const std::filesystem::path before_;
};

}  // namespace mayfly::testing
