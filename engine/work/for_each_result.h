// What for_each is told beside WorkOptions, and what it answers.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/base/status.h"
#include "mayfly/work/operation_snapshot.h"

namespace mayfly {

// What a pass is told beside WorkOptions.
struct ForEachOptions {
  // false: bodies never wait for anything. They run on oneTBB's threads, which are then shared with
  // everything else that uses oneTBB; a body that does wait holds up all of that. Refused together
  // with a time limit and by for_each_keyed.
  bool blocking = true;
  // When a stop is requested, no further item starts; the call returns once the running bodies
  // have.
  std::stop_token stop = {};
  // How many failures are told one by one; at least 0.
  int failures_max = 16;
};

// An item whose body failed.
struct ForEachFailure {
  std::uint64_t index = 0;  // its place in the range, from 0
  OperationId id = 0;
  Status status;  // what the body returned; kInternal and the text of what it threw
};

// What became of a pass.
struct ForEachResult {
  // Why the pass ended early; ok if it didn't. The range's iterator threw (kInternal), or too many
  // bodies are past their time limit (kTryAgain). Failed bodies don't show here.
  Status status;
  std::uint64_t processed = 0;  // items that were tried, failed ones among them
  std::uint64_t failed = 0;
  // Items that weren't tried: all that remain of a range whose size is known, otherwise those that
  // had been read from it.
  std::uint64_t skipped = 0;
  // Bodies past their time limit; some may still run.
  std::uint64_t abandoned = 0;
  // What on_sample and on_finalized threw. What signal listeners throw is counted by the sink.
  std::uint64_t observer_failures = 0;
  bool cancelled = false;  // a stop was requested before everything was done
  // Those with the lowest indexes, at most failures_max, by index.
  std::vector<ForEachFailure> failures;
  // The newest max_tracked_operations that ended at most max_operation_lifetime_ns ago, in the
  // order of their ends.
  std::vector<OperationSnapshot> window;

  std::uint64_t succeeded() const { return processed - failed; }
  // Every item of the range was processed, and none failed.
  bool ok() const { return status.ok() && failed == 0 && !cancelled; }
  // One sentence for all that isn't ok, with the first failure.
  Status to_status() const;
};

}  // namespace mayfly
