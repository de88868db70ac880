// Checkpointer: moves the write-ahead log into the database, when it costs least.
//
// Autocheckpoint is off. While rows keep coming the log may grow to checkpoint_pages: large
// checkpoints write a page that changed often once. When the writer falls idle, a small log is
// enough. In both cases a thread of its own moves the bulk of it while the writer goes on, once
// more what came meanwhile, and the writer the few frames that came then. Only a checkpoint that
// leaves none behind lets the next transaction start the log anew; a thread alone never gets there,
// and the log grows without end. Should the thread fall behind, the writer waits for it once the
// log is kGrowthMax times as long.
//
// THREADS  The writer's.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "mayfly/storage/checkpoint_thread.h"
#include "mayfly/storage/file_identity.h"
#include "mayfly/storage/sqlite.h"
#include "mayfly/storage/wal_growth.h"

namespace mayfly {

// When the log is moved, and by whom.
struct CheckpointOptions {
  std::uint32_t pages_busy = 4000;    // frames of the log, while rows keep coming
  std::uint32_t pages_idle = 700;     // the same when the writer falls idle
  std::uint32_t pages_warned = 5000;  // readers keep so many there: see WalGrowth
  bool use_thread = true;             // false: the writer does all of it
};

class Checkpointer {
 public:
  // vfs: empty for the default one.
  Checkpointer(const CheckpointOptions& options, std::string database, std::string vfs)
      : pages_busy_(options.pages_busy),
        pages_idle_(options.pages_idle),
        growth_(options.pages_warned),
        use_thread_(options.use_thread),
        thread_(std::move(database), std::move(vfs)) {}

  // The file that is written; see CheckpointThread.
  void expect(FileIdentity database) { thread_.expect(database); }
  // Of a connection that was opened to write: a log that had grown is cut once it begins anew, to
  // twice pages_busy.
  SqliteError limit_file(SqliteConnection& connection) const;
  // After COMMIT, with so many frames in the log: whether run() is to follow. May ask the thread
  // instead.
  bool is_due(std::uint32_t pages, std::int64_t now_ns);
  // The same when the writer falls idle.
  bool is_due_when_idle(std::int64_t now_ns);
  // All of the log, by the writer itself. False: it failed; see take_failure().
  bool run(SqliteConnection& connection, std::int64_t now_ns);
  // The last one: everything, and the log is emptied if nobody reads it.
  void finish(SqliteConnection& connection, std::int64_t now_ns);
  // The connection is closed.
  void forget();

  std::uint64_t count() const { return count_; }
  // After is_due() and run(): the log's frames, when readers or a disk have let it grow
  // (wal_growth.h) to pages_warned, or to twice what it was the last time; else 0. For a warning.
  std::uint32_t growth() { return growth_.is_told(pages_) ? pages_ : 0; }
  // A write or fsync of the database failed, and no later one did it after all: what the log held
  // may not be on disk.
  SqliteError failure() const;
  // What a checkpoint, the thread's or the writer's own, failed with since the last call; ok: none
  // did. For a warning: the log keeps what isn't moved, and grows.
  SqliteError take_failure();

 private:
  // The thread gets this often at a log before the writer does the rest, however much that is.
  static constexpr std::uint32_t kPassesMax = 2;
  // So few frames the writer moves itself, at the price of the syncs around them.
  static constexpr std::uint32_t kFewFrames = 32;
  // Times checkpoint_pages that the log may grow to while the thread is at it.
  static constexpr std::uint32_t kGrowthMax = 4;

  void fail(SqliteError error);
  // The log is in the database and synced, but for what others hinder: that stays in the log.
  void forget_what_was_done();
  // What it has done since it was asked, once it is at rest.
  void look_at_thread(std::int64_t now_ns);
  // Whether a log of `pages` or more is the writer's to move.
  bool exceeds(std::uint32_t pages, std::int64_t now_ns);
  void request(std::int64_t now_ns);

  const std::uint32_t pages_busy_;
  const std::uint32_t pages_idle_;
  WalGrowth growth_;
  const bool use_thread_;
  CheckpointThread thread_;
  bool asked_ = false;                // the thread, and what it found isn't looked at yet
  std::uint32_t passes_ = 0;          // of the thread, over the log as it is now
  std::uint32_t pages_ = 0;           // of the log
  std::uint32_t moved_ = 0;           // of them, by the writer itself
  std::uint32_t hindered_pages_ = 0;  // what stayed in the log: not tried again at once
  std::uint64_t count_ = 0;
  SqliteError failure_;
  SqliteError untold_;
  bool is_blind_ = false;  // the thread saw nothing of the log when it last looked
};

}  // namespace mayfly
