// LockWatch: while a database is being opened, says once whose lock that waits for and until when.
//
// The waiting itself is SQLite's; who holds a lock is read from /proc/locks, so it is known of
// processes of this machine alone. Reading it never touches the database's own files: closing one
// would drop the locks that this process has on it.
//
// OWNERSHIP  Borrows console and clock. THREADS  Has one of its own, from constructor to
// destructor.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "mayfly/base/clock.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

// Which process, other than `self`, holds the SQLite lock of a database; 0: none. `locks` is
// /proc/locks, the inodes are the database's and its -shm file's (0: it has none). Pure.
pid_t lock_holder_in(std::string_view locks, std::uint64_t database_inode, std::uint64_t shm_inode,
                     pid_t self);

class LockWatch {
 public:
  enum class Opener : std::uint8_t {
    kEngine,   // waits only once it has the writer's lock file
    kCommand,  // waits from the start
  };
  LockWatch(std::string database, std::int64_t wait_ns, Opener opener, Console& console,
            const Clock& clock);
  ~LockWatch();
  LockWatch(const LockWatch&) = delete;
  LockWatch& operator=(const LockWatch&) = delete;

 private:
  void watch();
  bool may_wait(const std::string& path) const;
  bool tell();

  std::string database_;
  std::int64_t wait_ns_;
  Opener opener_;
  Console& console_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;  // last: it uses what is above
};

}  // namespace mayfly::cli
