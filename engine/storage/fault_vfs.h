// FaultVfs: a VFS of SQLite whose disk fails when it is told to. For tests.
//
// Wraps the default VFS. fail_next(operation, skip) lets `skip` operations pass and fails the one
// after (and, when `lasting`, all that follow) with the given code of SQLite. Any thread.
#pragma once

#include <sqlite3.h>

#include <mutex>
#include <string>

namespace mayfly {

class FaultVfs {
 public:
  enum class Operation { kNone, kWrite, kSync, kTruncate, kOpen };

  explicit FaultVfs(std::string name);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const { return name_; }
  // Only files whose path ends so count ("-wal", ".db"); empty: all.
  void fail_next(Operation operation, int skip, int code, std::string suffix = "",
                 bool lasting = false);
  // Once that has failed, this does, from then on.
  void then_fail(Operation operation, int code, std::string suffix);
  void heal() {
    const std::lock_guard lock(mutex_);
    operation_ = Operation::kNone;
  }
  int count(Operation operation) const {
    const std::lock_guard lock(mutex_);
    return counts_[static_cast<int>(operation)];
  }

 private:
  friend struct FaultFile;
  // SQLITE_OK, or what the operation on this file is to fail with.
  int check(Operation operation, const std::string& path);
  void fail_locked(Operation operation, int skip, int code, std::string suffix, bool lasting);
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);

  const std::string name_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  mutable std::mutex mutex_;  // guards what follows
  Operation operation_ = Operation::kNone;
  int skip_ = 0;
  int code_ = SQLITE_IOERR;
  bool lasting_ = false;
  std::string suffix_;
  int counts_[5] = {};
  Operation then_ = Operation::kNone;
  int then_code_ = SQLITE_IOERR;
  std::string then_suffix_;
};

// What opens without naming a VFS gets this one.
class DefaultVfs {
 public:
  explicit DefaultVfs(const FaultVfs& vfs);
  ~DefaultVfs();
  DefaultVfs(const DefaultVfs&) = delete;
  DefaultVfs& operator=(const DefaultVfs&) = delete;

 private:
  sqlite3_vfs* before_;
};

}  // namespace mayfly
