// FixedWork: a pool that runs so many bodies at once, and counts them.
//
//   FixedWork<Job> jobs([](Job& job) { job.run(); }, {.max_concurrency = 4});
//   const auto id = jobs.enqueue(job);
//   jobs.drain();
//
// The node of the same kind is the plugin `fixed_work`. atom.h says the rest.
#pragma once

#include <utility>

#include "mayfly/patterns/atom.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// How many at once, and how many are remembered.
struct FixedWorkOptions {
  int max_concurrency = 0;        // 0 or less: the number of processors
  int max_tracked = 0;            // operations that snapshots show; 0 or less: 200
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  const Clock* clock = nullptr;   // borrowed; null: the machine's

  WorkOptions work() const {
    return {.max_concurrency = max_concurrency > 0 ? max_concurrency : default_concurrency(),
            .max_tracked_operations = max_tracked > 0 ? max_tracked : 200,
            .signals = signals,
            .clock = clock};
  }
};

template <class Item>
class FixedWork : public Atom<WorkCoordinator<Item>> {
 public:
  template <BodyOf<Item> Body>
  explicit FixedWork(Body body, const FixedWorkOptions& options = {})
      : Atom<WorkCoordinator<Item>>(std::in_place, options.work(), std::move(body)) {}
};

}  // namespace mayfly
