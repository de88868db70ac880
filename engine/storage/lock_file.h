// LockFile: one writer for each database, across processes and within one.
//
// An open-file-description lock (fcntl F_OFD_SETLK) on <database>-mayfly.lock: it goes with the
// process however that ends, and a second open in the same process is refused like any other. The
// file says who has it; it stays, empty, when the lock is given up (removing it would race with the
// next opener).
//
// THREADS  One at a time.
#pragma once

#include <cstdint>
#include <string>

#include "mayfly/base/status.h"

namespace mayfly {

class LockFile {
 public:
  LockFile() = default;
  ~LockFile() { release(); }
  LockFile(LockFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  LockFile& operator=(LockFile&&) = delete;

  // The database must exist: its real path is locked, whatever link led there. kTryAgain with the
  // owner's process id when another has it.
  Status acquire(const std::string& database, std::int64_t wall_us);
  void release();
  bool held() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace mayfly
