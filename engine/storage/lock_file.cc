#include "mayfly/storage/lock_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "mayfly/storage/timestamp.h"

namespace mayfly {
namespace {

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real ? real.get() : path;
}

// "process 4711, since 2026-..."; empty when the owner hasn't written yet.
std::string owner_in(int fd) {
  char text[128];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  std::string owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!owner.empty() && owner.back() == '\n') owner.pop_back();
  return owner;
}

}  // namespace

Status LockFile::acquire(const std::string& database, std::int64_t wall_us) {
  const std::string path = real_path(database) + "-mayfly.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    const int reason = errno;
    const bool there = ::access(path.c_str(), F_OK) == 0;
    return {Code::kCannotCreate,
            std::string(there ? "can't open " : "can't create ") + path + ": " +
                std::strerror(reason) + "; the writer needs a lock file beside the database, " +
                (there ? "which this user may write to; no process needs this one once it has ended"
                       : "so this user must be able to write to its folder")};
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    const int reason = errno;
    const std::string owner = owner_in(fd);
    ::close(fd);
    if (reason != EAGAIN && reason != EACCES) {
      return {Code::kCannotCreate, "can't lock " + path + ": " + std::strerror(reason)};
    }
    const std::string mine = "process " + std::to_string(::getpid()) + ",";
    if (owner.compare(0, mine.size(), mine) == 0) {
      return {Code::kTryAgain, database + " already has a writer in this process (" + owner +
                                   "); close that one first, or share it"};
    }
    return {Code::kTryAgain, database + " is being written by " +
                                 (owner.empty() ? "another process" : owner) +
                                 "; one writer at a time, try again when it is done"};
  }
  const std::string text =
      "process " + std::to_string(::getpid()) + ", since " + iso8601(wall_us) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int reason = errno;
    ::close(fd);
    return {Code::kCannotCreate, "can't write " + path + ": " + std::strerror(reason)};
  }
  fd_ = fd;
  return Status::success();
}

void LockFile::release() {
  if (fd_ < 0) return;
  if (::ftruncate(fd_, 0) != 0) {
    // Only what the file says of its owner is stale; the lock goes all the same.
  }
  ::close(fd_);
  fd_ = -1;
}

}  // namespace mayfly
