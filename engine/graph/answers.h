// Answers: what happens to a row after its answer: counted, told to its ticket and to the nodes it
// owes a completion, then settled with the pool.
//
// CONSERVATION  At any moment accepted + emitted = the sum of all answers + in_flight. Tests check
//               it after every scenario; ConservationCounters::balanced() is the check.
// COMPLETIONS   A row that owes node n its answer (bit n of owed) stays in its batch while it goes
//               through n's completion inbox, so no record is allocated and a push always fits.
// THREADS       on_answered and on_attempt_failed: the writer's thread. completed, leave:
//               activations. accept: producers and sources. Counters may be read by anyone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/outcome.h"
#include "mayfly/data/slice_queue.h"
#include "mayfly/graph/inbox.h"
#include "mayfly/storage/writer_loop.h"

namespace mayfly {

// Where a node takes the answers it waits for.
class CompletionInbox {
 public:
  virtual ~CompletionInbox() = default;
  virtual SliceQueue::LaneId add_completion_lane() = 0;
  virtual void complete(SliceQueue::LaneId lane, RowRef head) = 0;
};

// Told of every answered row that carries a ticket; outcome[row] says what became of it.
class TicketSink {
 public:
  virtual ~TicketSink() = default;
  virtual void answered(const mayfly_batch& batch, std::uint16_t head) noexcept = 0;
};

// Where the rows are: everything accepted or emitted is answered or in flight.
struct ConservationCounts {
  std::uint64_t accepted = 0;
  std::uint64_t emitted = 0;
  std::array<std::uint64_t, kOutcomes> answers{};  // by MAYFLY_WRITTEN ... MAYFLY_UNKNOWN
  std::uint64_t in_flight = 0;

  std::uint64_t answered() const;
  bool balanced() const { return accepted + emitted == answered() + in_flight; }
};

// Where rows go whose attempt failed, after the nodes that they meet again were told.
struct FailedRoute {
  Edge from_writer;                // on the writer's thread
  Edge from_nodes;                 // in an activation
  std::uint64_t met_again = 0;     // of batch.owed
  std::uint64_t asked_before = 0;  // of batch.passed: those that they come to before this place
};

class Answers final : public AnswerSink {
 public:
  void attach_pool(BatchPool& pool) { pool_ = &pool; }
  // Wiring, before the first row. completion_inbox[b] belongs to bit b of owed.
  void set_ticket_sink(TicketSink* tickets) { tickets_ = tickets; }
  std::uint64_t add_completion_inbox(CompletionInbox& inbox);
  // Where rows go whose attempt failed, by who failed it: the writer (kWriterJudge), or a sink.
  void set_failed_route(std::uint16_t judge, FailedRoute route) { failed_[judge] = route; }
  void set_on_failed(std::function<void(const Status&)> f) { on_failed_ = std::move(f); }
  // Called when something was answered: the drain may go on.
  void set_on_progress(std::function<void()> f) { on_progress_ = std::move(f); }

  void accept(mayfly_batch& batch, std::uint32_t rows);
  void emit(mayfly_batch& batch, std::uint32_t rows);

  // AnswerSink
  void on_answered(std::span<const RowRef> slices) noexcept override;
  void on_attempt_failed(std::span<const RowRef> slices) noexcept override;
  void on_failed(const Status& status) noexcept override;
  // The same by a sink, whose route there is; in its activation.
  void attempt_failed(std::uint16_t judge, RowRef head) noexcept;

  // A node has seen these completions and gave its bit back.
  void completed(std::uint64_t bit, RowRef head) noexcept;
  // Rows that are given up at a drain's deadline: left for the next run, or handed back to
  // producers. A parent of a row that was left is not answered by its other children: see
  // leave_orphans.
  void leave(RowRef head) noexcept;
  void leave_row(mayfly_batch& batch, std::uint16_t row) noexcept;
  // After graph and writer have stopped: leaves the consumed rows whose children weren't all
  // written.
  void leave_orphans() noexcept;

  ConservationCounts counts() const;
  std::uint64_t in_flight() const { return in_flight_.load(std::memory_order_acquire); }

 private:
  void count(const mayfly_batch& batch, std::uint16_t head);
  struct OwedRows;
  void complete(mayfly_batch& batch, OwedRows& owed, bool on_writer_thread);
  // Hands each row to the next node it owes, settles those that owe none.
  void pass_on(mayfly_batch& batch, std::uint16_t head, bool on_writer_thread);
  void settle(mayfly_batch& batch, std::uint32_t rows);
  // Of one slice: tells the nodes that it meets again, and sends on what none is to be told of.
  void fail_slice(const FailedRoute& route, RowRef head, bool on_writer_thread);
  struct CompletionTarget {
    CompletionInbox* inbox;
    SliceQueue::LaneId writer_lane;
    SliceQueue::LaneId node_lane;  // activations run one at a time on the driver
  };

  BatchPool* pool_ = nullptr;
  TicketSink* tickets_ = nullptr;
  std::vector<CompletionTarget> targets_;
  std::map<std::uint16_t, FailedRoute> failed_;  // by batch.judge of such rows
  std::function<void(const Status&)> on_failed_;
  std::function<void()> on_progress_;

  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> emitted_{0};
  std::array<std::atomic<std::uint64_t>, kOutcomes> answers_{};
  std::atomic<std::uint64_t> in_flight_{0};
};

}  // namespace mayfly
