// SignalFlusher: writes what a window captured into its database, on a thread of its own: at an
// interval, when half of the room is used, when it is asked to, and at the end. It also deletes
// what is too much or too old there.
//
// A ROUND    takes what was captured and writes it in chunks, each a transaction of the single
//            writer, oldest first. A chunk leaves the memory when its transaction is committed; one
//            that failed stays in front, and the next round begins with it. Where a COMMIT failed,
//            nobody knows whether it did: the next round looks for its rows, and writes them if
//            they aren't there. So nothing is lost, and nothing there twice.
// IDS        One behind the highest that is there, or that was ever written, when a chunk's
//            transaction begins: other processes may write to the table too.
// AFTER AN ERROR  the next try comes after a second, or the interval if that is shorter; flush()
//            tries at once. A table that was dropped meanwhile is made anew.
// IDLE       A round without signals writes nothing and says nothing.
// PROTOCOL   The mutex guards requests and waiters; what is pending is the thread's own.
// THREADS    flush(), hurry(), figures: any. start(), stop(): one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/persistent_window/capture_buffer.h"
#include "mayfly/storage/persistent_window/persistent_window_options.h"
#include "mayfly/storage/persistent_window/signal_table.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class SignalFlusher {
 public:
  // What it tells of itself is raised into the sink, failures with the database's name. All but the
  // first two outlive it.
  SignalFlusher(std::string_view database, std::shared_ptr<SqliteSingleWriter> writer,
                CaptureBuffer& captured, SignalSink& sink, const Clock& clock,
                const PersistentWindowOptions& options);
  // stop(), unless that was called.
  ~SignalFlusher() {
    if (thread_.joinable()) static_cast<void>(stop());
  }
  SignalFlusher(const SignalFlusher&) = delete;
  SignalFlusher& operator=(const SignalFlusher&) = delete;

  // Looks at what is in the table, and starts the thread.
  DbResult<void> start();
  // Writes all that was captured, trying for stop_timeout_ns, and ends the thread; where something
  // is left, the next call tries again. Nothing is captured any more. Idempotent.
  DbResult<void> stop();
  // Returns when all that was captured before is committed; or why it isn't, and then it is still
  // pending. kOther: some was dropped since the last flush, which is lost.
  DbResult<void> flush();
  // A round is wanted soon. Never waits but for a mutex that is held for a moment.
  void hurry() noexcept;

  // Ids up to here were there before anything of this window.
  std::int64_t id_at_start() const { return id_at_start_; }
  std::int64_t last_flushed_id() const { return last_flushed_id_.load(std::memory_order_acquire); }
  std::uint64_t total_flushed() const { return total_flushed_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }
  std::uint64_t pruned() const { return pruned_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  // A call of flush() that waits.
  struct Waiter {
    Waiter* next = nullptr;
    bool done = false;
    DbResult<void> result;
  };
  using Chunk = std::span<const CapturedSignal>;

  void loop();
  // Until a round is due. False: it is the last.
  bool wait(std::unique_lock<std::mutex>& lock);
  void answer(Waiter* waiters, const DbResult<void>& result);
  DbResult<void> run_round() noexcept;
  DbResult<void> write_pending();
  Chunk next_chunk() const;
  DbResult<void> write_chunk(Chunk chunk);
  DbResult<signal_table::Inserted> write_rows(SqlSession& session, Chunk chunk);
  void leave(Chunk chunk, const signal_table::Inserted& inserted);
  void look_for_dropped();
  DbResult<void> take_dropped_error();
  void say(StemId stem, std::string_view argument) noexcept;
  void say_error(std::string_view why) noexcept;
  void prune(std::size_t chunks_min);
  DbResult<std::int64_t> prune_chunk();
  bool is_asked();
  signal_table::WallTime wall_time() const;
  std::size_t pending() const;

  const std::string database_;
  const std::shared_ptr<SqliteSingleWriter> writer_;
  CaptureBuffer& captured_;
  SignalSink& sink_;
  const Clock& clock_;
  const PersistentWindowOptions& options_;
  const StemId flush_start_, flush_done_, flush_error_, window_dropped_, pruned_stem_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable answered_;
  Waiter* waiters_ = nullptr;  // a list, the newest first
  bool stopping_ = false;
  std::int64_t deadline_ns_ = kNever;  // of the end
  DbResult<void> end_;                 // of the last round

  std::atomic<bool> hurried_{false};

  // The thread's own.
  std::deque<CapturedBatch> batches_;
  std::size_t written_ = 0;                          // of the first batch
  std::optional<signal_table::Inserted> uncertain_;  // the first chunk, whose commit failed
  std::size_t uncertain_signals_ = 0;                // so many signals
  std::int64_t last_id_ = 0;
  bool table_is_there_ = true;  // as far as is known
  std::int64_t next_round_ns_ = 0;
  std::int64_t earliest_ns_ = 0;  // of a hurried round
  std::uint64_t dropped_seen_ = 0;
  std::uint64_t dropped_untold_ = 0;  // that no caller of flush() was told of

  std::int64_t id_at_start_ = 0;
  std::atomic<std::int64_t> last_flushed_id_{0};
  std::atomic<std::uint64_t> total_flushed_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> pruned_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::thread::id> own_thread_;  // the newest
  std::thread thread_;
};

}  // namespace mayfly
