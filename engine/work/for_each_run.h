// ForEachRun: one call of for_each, apart from its range and its body: the checked options, what
// each worker notes down, signals in an operation's name, and the result.
//
// OWNERSHIP  Lives on the caller's stack for the duration of the call; borrows the options' sink
//            and clock.
// THREADS    A worker's notes are its own until all workers have ended. What observers are shown is
//            behind a mutex, which is used only if there are observers.
// UNITS      Nanoseconds of the options' clock, read once for each body.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/base/status.h"
#include "mayfly/work/for_each_result.h"
#include "mayfly/work/for_each_signals.h"
#include "mayfly/work/observed_window.h"
#include "mayfly/work/operation.h"
#include "mayfly/work/operation_snapshot.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

// The body that is about to run, or has run.
struct ForEachStart {
  std::uint64_t index = 0;
  OperationId id = 0;
  std::string_view key;
  std::int64_t enqueued_ns = 0;
  std::int64_t started_ns = 0;
};

// What one worker notes down, on cache lines of its own.
struct alignas(64) ForEachWorker {
  OperationIds ids;
  std::int64_t now_ns = 0;  // its last reading of the clock
  std::uint64_t processed = 0;
  std::uint64_t failed = 0;
  std::vector<ForEachFailure> failures;
  // The operations that it ended last, a ring once it is full.
  std::vector<OperationSnapshot> ended;
  std::size_t ended_next = 0;

  // How many items it takes at once. Short bodies: many, to share less; long ones: one at a time.
  std::uint64_t run = 1;
  std::uint64_t run_left = 1;
  std::int64_t run_began_ns = 0;
};

// Which for_each it is: some options are of use to one of them only.
enum class ForEachKind : std::uint8_t { kPlain, kKeyed };

class ForEachRun final : public OperationHost {
 public:
  // Throws std::invalid_argument for options that for_each refuses (for_each.h). `raises`: the body
  // takes its operation.
  ForEachRun(const WorkOptions& options, const ForEachOptions& how, ForEachKind kind, bool raises);
  ForEachRun(const ForEachRun&) = delete;
  ForEachRun& operator=(const ForEachRun&) = delete;
  ~ForEachRun() { signals_->close(abandoned_ > 0); }

  // At most `workers` notes; each is made by the worker that asks for it first.
  void set_workers(int workers) { workers_.resize(static_cast<std::size_t>(workers)); }
  ForEachWorker& worker(int number);
  // Those of the thread that abandons bodies; the last ones.
  ForEachWorker& watch_notes() { return worker(static_cast<int>(workers_.size()) - 1); }
  std::int64_t now_ns() const { return clock_->now_ns(); }
  const Clock& clock() const { return *clock_; }
  const std::shared_ptr<ForEachSignals>& signals() const { return signals_; }
  const WorkOptions& options() const { return options_; }
  const ForEachOptions& how() const { return how_; }
  bool has_limit() const { return options_.body_time_limit_ns != kNever; }

  // No further item is to start.
  bool stopping() const {
    return how_.stop.stop_requested() || halted_.load(std::memory_order_relaxed);
  }
  // The pass ends early for this reason; the first one counts.
  void halt(Status why);
  // There is no memory to go on: kUnavailable, unless there is another reason.
  void halt_without_memory() noexcept;

  // A body is about to run / has run. Between them, only begin() makes the operation visible, and
  // only to observers.
  void begin(const ForEachStart& start) {
    if (observed_) observed_->start(snapshot(start));
  }
  // Reads the clock. Counts, whatever there is no memory for.
  void end(ForEachWorker& worker, const ForEachStart& start, Status status);
  // Its time limit has passed. The same.
  void end_abandoned(ForEachWorker& worker, const ForEachStart& start);

  // Signals in an operation's name.
  void raise(OperationId operation, std::string_view name) override;
  std::size_t retract(OperationId operation, std::string_view name) override;
  std::size_t retract_matching(OperationId operation, std::string_view glob) override;
  bool stop_requested() const override { return stopping(); }
  std::stop_token stop_token() override { return how_.stop; }

  // After all workers have ended. `known`: items that the range was seen to have; `all_seen`: it
  // has no more.
  ForEachResult result(std::uint64_t known, bool all_seen);

 private:
  static OperationSnapshot snapshot(const ForEachStart& start);
  void check(ForEachKind kind) const;
  void note_end(ForEachWorker& worker, const ForEachStart& start, Status status);
  void note(ForEachWorker& worker, const ForEachStart& start, OperationState state,
            std::string_view error);
  void note_failure(ForEachWorker& worker, const ForEachStart& start, Status status);
  void observe(const ForEachStart& start, OperationState state, std::string_view error,
               std::int64_t finished_ns);
  void adapt(ForEachWorker& worker) const;
  void merge_failures(std::vector<ForEachFailure>& failures);
  std::vector<OperationSnapshot> merged_window();

  const WorkOptions& options_;
  const ForEachOptions& how_;
  const std::shared_ptr<ForEachSignals> signals_;
  const Clock* const clock_;
  const std::size_t window_max_;
  std::vector<std::unique_ptr<ForEachWorker>> workers_;
  std::optional<ObservedWindow> observed_;
  std::uint64_t abandoned_ = 0;

  std::atomic<bool> halted_{false};
  std::atomic<bool> no_memory_{false};
  std::mutex mutex_;  // of why_
  Status why_;
};

}  // namespace mayfly
