// CheckpointThread: PASSIVE checkpoints by a connection and a thread of their own, beside a writer
// that goes on. They move most of the log; what is written meanwhile stays for the writer's own
// checkpoint.
//
// PROTOCOL  request() stores running (release) and releases the semaphore; the thread stores
//           what it found, then running = false (release); the writer looks at running (acquire)
//           first.
// THREADS   All calls: the writer's. The thread starts with the first request and joins on
//           destruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "mayfly/data/semaphore.h"
#include "mayfly/storage/file_identity.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class CheckpointThread {
 public:
  CheckpointThread(std::string database, std::string vfs)
      : database_(std::move(database)), vfs_(std::move(vfs)) {}
  ~CheckpointThread() { stop(); }
  CheckpointThread(const CheckpointThread&) = delete;
  CheckpointThread& operator=(const CheckpointThread&) = delete;

  // The file that the database's path has to name: the log beside the path is of no other. Before
  // the first request.
  void expect(FileIdentity database) { expected_ = database; }
  // Not while running().
  void request();
  bool running() const { return running_.load(std::memory_order_acquire); }
  // Until it isn't.
  void wait() const { running_.wait(true, std::memory_order_acquire); }
  // Frames of the log that are in the database since the last run. Not while running().
  std::uint32_t moved() const { return moved_; }
  // Frames that the log had then. Not while running().
  std::uint32_t logged() const { return logged_; }
  // SQLite's code when the last run failed otherwise than by being busy. Not while running().
  int failure() const { return failure_; }
  // Waits for a run in hand; its connection is closed. A later request starts anew.
  void stop();

 private:
  void run();
  void checkpoint(SqliteConnection& connection);

  const std::string database_;
  const std::string vfs_;
  FileIdentity expected_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};
  std::uint32_t moved_ = 0;
  std::uint32_t logged_ = 0;
  int failure_ = 0;
  Semaphore requests_;
  std::thread thread_;
};

}  // namespace mayfly
