// descriptors_of: how many descriptors this process reads or writes a file by.
#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace mayfly::testing {

// One that only has the file's place (O_PATH) doesn't count. SQLite closes none while another
// connection of the process has a lock on it: to be counted before others look at a database.
inline int descriptors_of(const std::string& path) {
  namespace fs = std::filesystem;
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const int number = std::atoi(entry.path().filename().c_str());
    const bool reads = (::fcntl(number, F_GETFL) & O_PATH) == 0;
    std::error_code error;
    count += reads && fs::equivalent(entry.path(), path, error) ? 1 : 0;
  }
  return count;
}

}  // namespace mayfly::testing
