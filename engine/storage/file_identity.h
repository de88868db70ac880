// FileIdentity: which file a path names, to see that it names another one later.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

// Keeps a file's identity its own: a file that is removed and open nowhere gives its number to the
// next one. Closing it takes no locks with it, as closing another descriptor of a database would.
class PinnedFile {
 public:
  PinnedFile() = default;
  ~PinnedFile() { release(); }
  PinnedFile(const PinnedFile&) = delete;
  PinnedFile& operator=(const PinnedFile&) = delete;

  // What the path names now, behind links.
  void pin(const std::string& path) {
    release();
    descriptor_ = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    identity_ = descriptor_ >= 0 ? file_identity(descriptor_) : file_identity(path);
  }
  void release() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  const FileIdentity& identity() const { return identity_; }
  bool is_at(const std::string& path) const {
    return identity_ != FileIdentity{} && file_identity(path) == identity_;
  }

 private:
  int descriptor_ = -1;
  FileIdentity identity_;
};

}  // namespace mayfly
