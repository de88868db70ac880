#include "mayfly/graph/answers.h"

#include <bit>
#include <numeric>

#include "mayfly/data/asked_once.h"
#include "mayfly/data/slice_chain.h"
#include "mayfly/data/uniform.h"
#include "mayfly/storage/rejection_names.h"

namespace mayfly {

std::uint64_t ConservationCounts::answered() const {
  return std::accumulate(answers.begin(), answers.end(), std::uint64_t{0});
}

std::uint64_t Answers::add_completion_inbox(CompletionInbox& inbox) {
  targets_.push_back({&inbox, inbox.add_completion_lane(), inbox.add_completion_lane()});
  return 1ull << (targets_.size() - 1);
}

void Answers::accept(mayfly_batch& batch, std::uint32_t rows) {
  // In flight before accepted: a reader that sees the row accepted sees it in flight or answered.
  in_flight_.fetch_add(rows, std::memory_order_relaxed);
  accepted_.fetch_add(rows, std::memory_order_release);
  pool_->add_flight(&batch, rows);
}

void Answers::emit(mayfly_batch& batch, std::uint32_t rows) {
  in_flight_.fetch_add(rows, std::memory_order_relaxed);
  emitted_.fetch_add(rows, std::memory_order_release);
  pool_->add_flight(&batch, rows);
}

void Answers::count(const mayfly_batch& batch, std::uint16_t head) {
  const std::uint8_t outcome = batch.outcome[head];
  if (slice_is_all(batch, head, batch.outcome, outcome)) {
    answers_[outcome].fetch_add(slice_rows(batch, head), std::memory_order_relaxed);
    return;
  }
  std::array<std::uint32_t, kOutcomes> tally{};
  for_each_row(batch, head, [&](std::uint16_t row) { ++tally[batch.outcome[row]]; });
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (tally[i] != 0) answers_[i].fetch_add(tally[i], std::memory_order_relaxed);
  }
}

void Answers::on_answered(std::span<const RowRef> slices) noexcept {
  for (const RowRef ref : slices) {
    mayfly_batch& batch = *pool_->batch(ref);
    count(batch, row_of(ref));
    if (tickets_ != nullptr) tickets_->answered(batch, row_of(ref));
    pass_on(batch, row_of(ref), true);
  }
  if (on_progress_) on_progress_();
}

// Rows by the node that is told of them next, the lowest of those that wait.
struct Answers::OwedRows {
  std::array<SliceChain, 64> chains;
  std::uint64_t used = 0;

  void add(mayfly_batch& batch, std::uint16_t row, std::uint64_t bits) {
    const int bit = std::countr_zero(bits);
    chains[static_cast<std::size_t>(bit)].append(batch, row);
    used |= 1ull << bit;
  }
};

void Answers::complete(mayfly_batch& batch, OwedRows& owed, bool on_writer_thread) {
  for (; owed.used != 0; owed.used &= owed.used - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(owed.used));
    const CompletionTarget& target = targets_[bit];
    target.inbox->complete(on_writer_thread ? target.writer_lane : target.node_lane,
                           owed.chains[bit].finish(batch));
  }
}

void Answers::pass_on(mayfly_batch& batch, std::uint16_t head, bool on_writer_thread) {
  const std::uint32_t rows = slice_rows(batch, head);
  if (targets_.empty() || slice_is_all(batch, head, batch.owed, std::uint64_t{0})) {
    settle(batch, rows);
    return;
  }
  OwedRows owed;
  std::uint32_t settled = 0;
  for_each_row(batch, head, [&](std::uint16_t row) {
    if (batch.owed[row] == 0) {
      ++settled;
    } else {
      owed.add(batch, row, batch.owed[row]);
    }
  });
  complete(batch, owed, on_writer_thread);
  if (settled > 0) settle(batch, settled);
}

void Answers::on_attempt_failed(std::span<const RowRef> slices) noexcept {
  const FailedRoute& route = failed_.at(kWriterJudge);
  for (const RowRef ref : slices) {
    fail_slice(route, ref, true);
  }
}

void Answers::attempt_failed(std::uint16_t judge, RowRef head) noexcept {
  mayfly_batch& batch = *pool_->batch(head);
  for_each_row(batch, row_of(head),
               [&](std::uint16_t row) { count_failed_attempt(batch, row, judge); });
  fail_slice(failed_.at(judge), head, false);
}

void Answers::fail_slice(const FailedRoute& route, RowRef head, bool on_writer_thread) {
  mayfly_batch& batch = *pool_->batch(head);
  OwedRows owed;
  SliceChain free_rows;
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    note_failed_attempt(batch.passed[row], route.asked_before);
    const std::uint64_t bits = batch.owed[row] & route.met_again;
    if (bits == 0) {
      free_rows.append(batch, row);
    } else {
      owed.add(batch, row, bits);
    }
  });
  complete(batch, owed, on_writer_thread);
  if (free_rows.empty()) return;
  (on_writer_thread ? route.from_writer : route.from_nodes).push(free_rows.finish(batch));
}

void Answers::on_failed(const Status& status) noexcept {
  if (on_failed_) on_failed_(status);
}

void Answers::completed(std::uint64_t bit, RowRef head) noexcept {
  mayfly_batch& batch = *pool_->batch(head);
  SliceChain answered;
  SliceChain failed;
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    batch.owed[row] &= ~bit;
    (batch.outcome[row] == MAYFLY_PENDING ? failed : answered).append(batch, row);
  });
  // A slice's attempt failed at one place.
  if (!failed.empty()) {
    const RowRef ref = failed.finish(batch);
    fail_slice(failed_.at(batch.judge[row_of(ref)]), ref, false);
  }
  if (!answered.empty()) pass_on(batch, row_of(answered.finish(batch)), false);
}

void Answers::leave(RowRef head) noexcept {
  mayfly_batch& batch = *pool_->batch(head);
  const std::uint32_t rows = slice_rows(batch, row_of(head));
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    batch.outcome[row] = given_up_outcome(batch, row);
    batch.owed[row] = 0;
  });
  count(batch, row_of(head));
  if (tickets_ != nullptr) tickets_->answered(batch, row_of(head));
  settle(batch, rows);
  if (on_progress_) on_progress_();
}

void Answers::leave_row(mayfly_batch& batch, std::uint16_t row) noexcept {
  SliceChain one;
  one.append(batch, row);
  leave(one.finish(batch));
}

void Answers::leave_orphans() noexcept {
  for (std::uint32_t i = 0; i < pool_->size(); ++i) {
    mayfly_batch& batch = *pool_->at(i);
    SliceChain orphans;
    if (pool_->rows_in_flight(batch) == 0) continue;
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      if (batch.outcome[row] == MAYFLY_PENDING && batch.children[row] > 0) {
        batch.children[row] = 0;
        orphans.append(batch, static_cast<std::uint16_t>(row));
      }
    }
    if (!orphans.empty()) leave(orphans.finish(batch));
  }
}

void Answers::settle(mayfly_batch& batch, std::uint32_t rows) {
  // Release: whoever reads zero in flight sees everything that was done for these rows.
  in_flight_.fetch_sub(rows, std::memory_order_release);
  pool_->settle(&batch, rows);
}

ConservationCounts Answers::counts() const {
  ConservationCounts counts;
  counts.accepted = accepted_.load(std::memory_order_acquire);
  counts.emitted = emitted_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    counts.answers[i] = answers_[i].load(std::memory_order_relaxed);
  }
  counts.in_flight = in_flight_.load(std::memory_order_acquire);
  return counts;
}

}  // namespace mayfly
