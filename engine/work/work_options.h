// WorkOptions: all that coordinators and for_each can be told, as one aggregate with defaults.
//
//   mayfly::WorkCoordinator<Job> jobs({.max_concurrency = 8, .signals = &sink}, body);
//
// OWNERSHIP  Copied. `signals` and `clock` are borrowed and must outlive the coordinator; what
//            `keep_alive` shares is kept even for bodies that outlive it (coordinator.h).
// UNITS      Nanoseconds of the clock; kNever where no limit is meant.
// CALLBACKS  Run outside every lock. What they throw is swallowed and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_constraints.h"
#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/operation_snapshot.h"

namespace mayfly {

// The number of processors, at least 1.
int default_concurrency();

struct WorkOptions {
  // Bodies that run at once; at least 1.
  int max_concurrency = default_concurrency();
  // Bodies of one key that run at once; at least 1. Keyed coordinators.
  int max_concurrency_per_key = 1;
  // Whether set_max_concurrency may be called.
  bool dynamic_concurrency = false;

  // Operations that can be looked at, running ones among them; at least 1.
  int max_tracked_operations = 200;
  // How long finished operations can be looked at.
  std::int64_t max_operation_lifetime_ns = 300 * kSecond;
  // Operations that wait; 0: as many as max_tracked_operations.
  int queue_capacity = 0;

  // Keyed coordinators take turns between keys instead of going by arrival, and keys with at least
  // `fair_scheduling_threshold` waiting items get only one turn in four while others wait.
  bool fair_scheduling = false;
  int fair_scheduling_threshold = 10;

  // The sink that operations raise on and that signals below are looked for in; null: one of the
  // coordinator's own.
  SignalSink* signals = nullptr;
  // Null: SystemClock.
  const Clock* clock = nullptr;
  // Guards on caused signals of the coordinator's own sink; a sink that is given has its own.
  SignalConstraints signal_constraints = {};
  // Kept until the last thread that runs a body has ended, abandoned ones included: what owns the
  // sink and the clock, for instance.
  std::shared_ptr<const void> keep_alive = {};

  // Called for each signal of the sink, whoever raises it, on the raising thread; and for each
  // retraction.
  SignalListener on_signal = {};
  SignalListener on_signal_retracted = {};
  // The same on threads of the coordinator's own: at most max_concurrent_signal_handlers at once;
  // when max_queued_signals wait, the oldest is dropped and counted.
  SignalListener on_signal_async = {};
  SignalListener on_signal_retracted_async = {};
  int max_concurrent_signal_handlers = 4;
  int max_queued_signals = 1000;

  // Each a list of globs, which may themselves be comma-separated. While one is present:
  std::vector<std::string> cancel_on_signals = {};  // waiting items are skipped
  std::vector<std::string> defer_on_signals = {};   // they wait,
  std::vector<std::string> resume_on_signals = {};  // unless one of these is present too,
  // for at most max_defer_attempts times the interval; then they run anyway, and
  // "coordinator.defer.exhausted" is raised. Raises and retractions are noticed at once; that such
  // a signal was pushed out of its sink, or left it by retuning, after a second at most.
  std::int64_t defer_check_interval_ns = 100 * kMillisecond;
  int max_defer_attempts = 50;
  // Raises that complete the coordinator; "coordinator.drain.id:ID" only with its own id.
  // "coordinator.drain.pattern:GLOB" only if its id matches.
  std::vector<std::string> drain_on_signals = {"coordinator.drain.all", "coordinator.drain.id:*",
                                               "coordinator.drain.pattern:*"};
  std::string coordinator_id = {};

  // A body that takes longer is told to stop, its operation fails, "coordinator.body.timeout" is
  // raised, and its thread is abandoned.
  std::int64_t body_time_limit_ns = kNever;

  // The signals of evicted operations are kept for a while.
  bool echoes = true;
  std::int64_t echo_retention_ns = 60 * kSecond;
  int echo_capacity = 256;

  // After each operation that ended: the window.
  std::function<void(std::span<const OperationSnapshot>)> on_sample = {};
  // For each operation that leaves the window.
  std::function<void(const OperationSnapshot&)> on_finalized = {};
};

// Throws std::invalid_argument: which option, what was expected, what was found.
void check_work_options(const WorkOptions& options);

}  // namespace mayfly
