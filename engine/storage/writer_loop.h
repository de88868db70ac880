// WriterLoop: the writer's thread. Slices are pushed from anywhere; each comes back once, answered.
//
// PROTOCOL   push: enqueue, then `if (!pending.exchange(true)) wake`. The thread:
//            pending.exchange(false), then drain. Both are read-modify-writes, so a push is either
//            seen by the drain or wakes.
// ORDER      First in, first out within a lane. Under TransientPolicy::kWait a group that couldn't
//            be written stays at the head.
// ANSWERS    Delivered by the writer's thread after COMMIT, in the order of writing. Slices whose
//            rows all have an outcome already are recorded and come back the same way.
// FAILURE    After on_failed the thread writes no more; every slice that is or gets queued comes
//            back by on_answered with rows LEFT, HANDED_BACK or UNKNOWN.
// THREADS    push, wake, source_ended, totals: any. add_lane and start: before the first push.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/data/slice_queue.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/sqlite_writer.h"

namespace mayfly {

// Called by the writer's thread. Takes the rows over.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // Rows with a final outcome[].
  virtual void on_answered(std::span<const RowRef> slices) noexcept = 0;
  // TransientPolicy::kRoute: pending rows whose attempt failed; attempt[] counts it, and
  // judge[] is the writer's.
  virtual void on_attempt_failed(std::span<const RowRef> slices) noexcept = 0;
  // Once: nothing more will be written. Code::kTryAgain after the deadline of an outage.
  virtual void on_failed(const Status& status) noexcept = 0;
};

// The limits of the loop, and what it reports.
struct WriterLoopOptions {
  std::uint32_t lanes_max = 8;
  std::int64_t stats_interval_ns = kSecond;  // 0: no mayfly_stats
  // Appends members to the JSON object of mayfly_stats, each with a comma before it. May be empty.
  std::function<void(std::string& json)> describe;
};

class WriterLoop final : private GroupFeed {
 public:
  using LaneId = SliceQueue::LaneId;

  // All but the options are borrowed.
  WriterLoop(SqliteWriter& writer, BatchPool& pool, AnswerSink& answers, const Clock& clock,
             SignalSink& signals, std::uint64_t seed, WriterLoopOptions options = {});
  // abandon() unless stopped.
  ~WriterLoop() override;
  WriterLoop(const WriterLoop&) = delete;
  WriterLoop& operator=(const WriterLoop&) = delete;

  LaneId add_lane() { return queue_.add_lane(); }
  void start();

  void push(LaneId lane, RowRef head) {
    queue_.push(lane, head);
    wake();
  }
  void push(LaneId lane, std::span<const RowRef> heads) {
    queue_.push(lane, heads);
    wake();
  }
  void wake() {
    // acq_rel: partner is the thread's exchange(false) before it drains.
    if (!pending_.exchange(true, std::memory_order_acq_rel)) wakeups_.release();
  }
  void source_ended(std::uint16_t index, std::uint64_t ordinal_end);

  // Writes what is queued, finishes the writer (see SqliteWriter::finish) and joins the thread.
  // An outage is waited out until its own deadline or until give_up_ns of the clock, whichever is
  // sooner (one that has passed: there is one attempt); abandon() from another thread ends that.
  Status stop(bool durable, std::int64_t give_up_ns = kNever);
  // Stops after the transaction in hand; what is queued comes back LEFT or HANDED_BACK.
  void abandon();

  // As of the last transaction.
  WriterTotals totals() const;
  RowTotals source_totals(std::uint16_t index) const;
  // Whether it has nothing to write and waits; from any thread, so it may have ended by then.
  bool is_resting() const {
    return resting_.load(std::memory_order_acquire) && queue_.size_approx() == 0;
  }
  // In an outage: since when, else 0. By the clock that was passed in.
  std::int64_t outage_since_ns() const { return outage_since_ns_.load(std::memory_order_acquire); }

 private:
  enum class Order : std::uint8_t { kRun, kStop, kAbandon };
  struct EndedSource {
    std::uint16_t index;
    std::uint64_t ordinal_end;
  };

  void run();
  // Adds to group_ what is queued, within a group's limits. False: nothing was there.
  bool take_group();
  std::span<const RowRef> more() override;
  void write_group();
  void deliver(const GroupResult& result, std::uint64_t rows, std::int64_t began_ns);
  void on_failure(const GroupResult& result);
  void on_transient(const GroupResult& result);
  void route_pending();
  void fail(const Status& status);
  void give_back(std::uint8_t outcome);
  void idle();
  // Nothing more comes: true when the thread may end.
  bool wind_up();
  std::int64_t give_up_at_ns() const;
  void stage_stats_if_due(std::int64_t now_ns);
  void stage_stats(std::int64_t now_ns);
  void take_ended_sources();
  void publish_totals();
  void wait();
  void join();

  SqliteWriter& writer_;
  BatchPool& pool_;
  AnswerSink& answers_;
  const Clock& clock_;
  SignalSink& signals_;
  const RetryPolicy retry_;
  Rng rng_;
  WriterLoopOptions options_;
  SliceQueue queue_;
  StemId write_start_, write_done_, write_busy_, write_error_;

  std::atomic<bool> pending_{false};
  std::atomic<bool> resting_{false};
  std::atomic<Order> order_{Order::kRun};
  std::atomic<std::int64_t> outage_since_ns_{0};
  Semaphore wakeups_;

  // The thread's own.
  std::vector<RowRef> group_;  // slices taken and not yet answered, in order
  std::vector<RowRef> failed_slices_;
  std::uint64_t group_rows_ = 0;
  std::int64_t retry_at_ns_ = 0;
  std::uint32_t failures_ = 0;  // of this outage
  std::int64_t stats_at_ns_ = 0;
  std::uint64_t stats_rows_ = 0;
  bool failed_ = false;
  bool was_idle_ = false;
  Status final_;

  std::atomic<bool> durable_{true};
  std::atomic<std::int64_t> give_up_ns_{kNever};  // once it stops
  std::atomic<bool> has_ended_{false};
  std::mutex join_mutex_;
  mutable std::mutex mutex_;  // guards what follows
  WriterTotals totals_;
  std::vector<RowTotals> source_totals_;
  std::vector<EndedSource> ended_;

  std::thread thread_;
};

}  // namespace mayfly
