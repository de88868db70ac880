// Checkpointer: moves the write-ahead log into the database, when it costs least.
//
// Autocheckpoint is off. While rows keep coming the log may grow to checkpoint_pages (large
// checkpoints write a page that changed often once); when the writer falls idle, a small log is
// enough. The writer's own PASSIVE checkpoint leaves no frames behind, so that the next transaction
// starts the log anew; a checkpoint from another thread never gets there, and the log grows without
// end.
//
// THREADS  The writer's.
#pragma once

#include <cstdint>

#include "mayfly/storage/session.h"

namespace mayfly {

class Checkpointer {
 public:
  Checkpointer(std::uint32_t pages_busy, std::uint32_t pages_idle)
      : pages_busy_(pages_busy), pages_idle_(pages_idle) {}

  // After COMMIT, whether run() is to follow.
  bool is_due(const Session& session) {
    const std::uint32_t pages = session.wal_pages();
    if (pages < last_pages_) hindered_pages_ = backfilled_ = 0;  // the log was started anew
    last_pages_ = pages;
    return pages >= pages_busy_ + hindered_pages_;
  }
  void run(Session& session);
  void on_idle(Session& session) {
    if (last_pages_ > backfilled_ && last_pages_ >= pages_idle_ + hindered_pages_) run(session);
  }
  // The last one: everything, and the log is emptied if nobody reads it.
  void finish(Session& session);
  // The session was opened anew.
  void forget() { last_pages_ = hindered_pages_ = backfilled_ = 0; }

  std::uint64_t count() const { return count_; }
  // A write or fsync of the database failed: what the log held may not be on disk.
  const SqliteError& failure() const { return failure_; }

 private:
  const std::uint32_t pages_busy_;
  const std::uint32_t pages_idle_;
  std::uint32_t last_pages_ = 0;
  std::uint32_t backfilled_ = 0;
  std::uint32_t hindered_pages_ = 0;  // what readers kept in the log: not tried again at once
  std::uint64_t count_ = 0;
  SqliteError failure_;
};

}  // namespace mayfly
