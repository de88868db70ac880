// FileIdentity: which file a path names, to see that it names another one later.
#pragma once

#include <sys/stat.h>

#include <string>

namespace mayfly {

// All zero: there is none.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

// Of what the path names now, behind links.
inline FileIdentity file_identity(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}
inline FileIdentity file_identity(int descriptor) {
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

}  // namespace mayfly
